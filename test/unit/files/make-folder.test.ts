import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { makeFolder } from '../../../controller/files/workspace.js';

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'make-folder-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

test('a file system that takes no folders is told at once, and not asked for ever', async () => {
  const refused = { code: 'FILE_UNWRITABLE', todo: 'choose another folder' };
  await expect(makeFolder('/proc/ipsec-deploy')).rejects.toMatchObject({ ...refused, where: '/proc/ipsec-deploy' });
  await expect(makeFolder('/proc/ipsec-deploy/inside')).rejects.toMatchObject(refused);
});

test('folders above are made as well, by two at once too, and what is there stays', async () => {
  const path = join(folder(), 'a', 'b', 'c');
  await Promise.all([makeFolder(path, 0o700), makeFolder(path, 0o700), makeFolder(`${path}/`, 0o700)]);
  await makeFolder(path, 0o755);
  expect(statSync(path).mode & 0o777).toBe(0o700);
  expect(statSync(join(path, '..')).mode & 0o777).toBe(0o700);
});

test('a file in the way is told as one', async () => {
  const file = join(folder(), 'inventory.yaml');
  writeFileSync(file, '');
  await expect(makeFolder(file)).rejects.toMatchObject({ what: 'this is a file, not a folder' });
  await expect(makeFolder(join(file, 'inside'))).rejects.toMatchObject({ what: 'the folder cannot be made (ENOTDIR)' });
});
