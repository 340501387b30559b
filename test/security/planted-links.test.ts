/** Files that another user puts where ours are about to be. */

import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { writeFileWhole, writeNewFile } from '../../controller/files/workspace.js';
import { createLogger } from '../../controller/log/logger.js';
import { generateIdentity, writeIdentityFile } from '../../controller/vault/identity.js';

/** A folder as `/tmp` is, and a file of ours elsewhere that must stay as it is. */
function shared(): { readonly folder: string; readonly mine: string } {
  const folder = fs.mkdtempSync(join(tmpdir(), 'planted-'));
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
  const mine = join(folder, 'profile');
  fs.writeFileSync(mine, 'mine\n', { mode: 0o644 });
  return { folder, mine };
}

function untouched(mine: string): void {
  expect(fs.readFileSync(mine, 'utf8')).toBe('mine\n');
  expect(fs.statSync(mine).mode & 0o777).toBe(0o644);
}

test.runIf(process.getuid?.() === 0)('a log is not written through a link of somebody else', async () => {
  const { folder, mine } = shared();
  const link = join(folder, 'run.log');
  fs.symlinkSync(mine, link);
  fs.lchownSync(link, 65_534, 65_534);
  await expect(createLogger(link)).rejects.toThrow(/link of another user/);
  untouched(mine);
});

test('a log may be a link of one’s own', async () => {
  const { folder } = shared();
  fs.symlinkSync(join(folder, 'real.log'), join(folder, 'run.log'));
  const logger = await createLogger(join(folder, 'run.log'));
  logger.log.event('info', 'here', {});
  await logger.close();
  expect(fs.readFileSync(join(folder, 'real.log'), 'utf8')).toContain('here');
});

test('no file of ours is written through a link, nor through one where its temporary file would be', async () => {
  const { folder, mine } = shared();
  const path = join(folder, 'plan.json');
  fs.symlinkSync(mine, path);
  await writeFileWhole(path, 'a plan\n', 0o600);
  untouched(mine);
  expect(fs.lstatSync(path).isFile()).toBe(true);
  expect(fs.statSync(path).mode & 0o777).toBe(0o600);
  fs.symlinkSync(mine, join(folder, `.plan.json.${process.pid}.new`));
  await expect(writeFileWhole(path, 'another\n', 0o600)).rejects.toThrow(/EEXIST/);
  untouched(mine);
  expect(fs.readFileSync(path, 'utf8')).toBe('a plan\n');
});

test('no secret is written to a file, or through a link, that is there already', async () => {
  const { folder, mine } = shared();
  const link = join(folder, 'identity.txt');
  fs.symlinkSync(mine, link);
  await expect(writeIdentityFile(link, await generateIdentity(), new Date(0))).rejects.toThrow(/exists already/);
  await expect(writeNewFile(link, 'x', 0o600)).rejects.toThrow(/there already/);
  fs.rmSync(link);
  fs.symlinkSync(join(folder, 'nowhere'), link);
  await expect(writeIdentityFile(link, await generateIdentity(), new Date(0))).rejects.toThrow(/exists already/);
  expect(fs.existsSync(join(folder, 'nowhere'))).toBe(false);
  untouched(mine);
});
