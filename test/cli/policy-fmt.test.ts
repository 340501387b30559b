/** `policy fmt` in this process as the command line calls it, and once as the built program. */

import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test, vi } from 'vitest';
import { main } from '../../controller/cli/main.js';
import { PROGRAM } from '../support/cli.js';
import { type Ran } from '../support/runs.js';

const KEY = '5ec0de0123456789abcdef0123456789abcdef01';
const UGLY = '{ lport 22  dir both }  bypass{}  # ssh\n\n\n{} drop {}';
const PRETTY = '{lport 22 dir both} bypass {} # ssh\n\n{} drop {}\n';
const KEYS = `add  esp spi 1 dst 10.0.0.2 auth_alg sha1 authkey ${KEY}\n# old authkey ${KEY}\n`;

const folder = fs.mkdtempSync(join(tmpdir(), 'policy-fmt-'));
const policy = join(folder, 'ipsecinit.conf');
const keys = join(folder, 'ipseckeys');
afterAll(() => fs.rmSync(folder, { recursive: true }));
beforeEach(() => {
  fs.writeFileSync(policy, UGLY, { mode: 0o644 });
  fs.writeFileSync(keys, KEYS, { mode: 0o600 });
});

async function fmt(...words: readonly string[]): Promise<Ran> {
  const said = { stdout: '', stderr: '' };
  const listen = (name: 'stdout' | 'stderr') =>
    vi.spyOn(process[name], 'write').mockImplementation((chunk) => {
      said[name] += String(chunk);
      return true;
    });
  const listeners = [listen('stdout'), listen('stderr')];
  try {
    process.exitCode = undefined;
    await main(['policy', 'fmt', ...words]);
    return { exit: Number(process.exitCode ?? 0), signal: null, ...said };
  } finally {
    process.exitCode = undefined;
    for (const one of listeners) one.mockRestore();
  }
}

test('a file is printed in one style, and what was mended is said beside it', async () => {
  const ran = await fmt(policy);
  expect(ran).toMatchObject({ exit: 0, stdout: PRETTY });
  expect(ran.stderr).toContain(`${policy}:4:11: warning: the last line does not end in a newline`);
  expect(fs.readFileSync(policy, 'utf8')).toBe(UGLY);
});

test('--check names the files that would change, and nothing else', async () => {
  expect(await fmt('--check', policy, keys)).toEqual({
    exit: 2,
    signal: null,
    stdout: `${policy}\n${keys}\n`,
    stderr: '',
  });
  await fmt('--write', policy, keys);
  expect(await fmt('--check', policy, keys)).toMatchObject({ exit: 0, stdout: '', stderr: '' });
});

test('--write replaces a file in one rename, keeps its mode, follows a link, and leaves nothing behind', async () => {
  fs.chmodSync(keys, 0o400);
  const link = join(folder, 'link');
  fs.symlinkSync(keys, link);
  const before = fs.statSync(keys).ino;
  const ran = await fmt('--write', '--kind', 'keys', link);
  expect(ran.exit).toBe(0);
  expect(ran.stdout + ran.stderr).not.toContain('5ec0de');
  expect(fs.readFileSync(keys, 'utf8')).toBe(KEYS.replace('add  esp', 'add esp'));
  expect(fs.statSync(keys).mode & 0o7777).toBe(0o400);
  expect(fs.statSync(keys).ino).not.toBe(before);
  expect(fs.lstatSync(link).isSymbolicLink()).toBe(true);
  fs.rmSync(link);
  expect(fs.readdirSync(folder).sort()).toEqual(['ipsecinit.conf', 'ipseckeys']);
});

test('--write leaves a file alone that has a second name, which would keep the old text', async () => {
  const second = join(folder, 'second');
  fs.linkSync(policy, second);
  const ran = await fmt('--write', second);
  fs.rmSync(second);
  expect(ran).toMatchObject({ exit: 1, stdout: '' });
  expect(ran.stderr).toContain(`${second}: error: the file has 2 names (hard links)`);
  expect(fs.readFileSync(policy, 'utf8')).toBe(UGLY);
});

test('keys are never printed', async () => {
  const ran = await fmt(keys);
  expect(ran.exit).toBe(0);
  expect(ran.stdout).toContain('authkey <key not shown>');
  expect(ran.stderr).toContain('keys are not shown');
  const wrong = await fmt('--kind', 'policy', keys);
  expect([wrong.exit, wrong.stdout]).toEqual([1, '']);
  const json = await fmt(keys, '--output', 'json');
  expect(JSON.parse(json.stdout)).toMatchObject({ event: 'formatted', kind: 'keys', changed: true, masked: true });
  expect(JSON.stringify([ran, wrong, json])).not.toContain('5ec0de');
});

test('when one file cannot be formatted no file is touched, and the place is named', async () => {
  const bad = join(folder, 'bad.conf');
  fs.writeFileSync(bad, '{} drop {}\n{ulp icmp type} pass {}\n');
  const ran = await fmt('--write', policy, bad);
  fs.rmSync(bad);
  expect(ran.exit).toBe(1);
  expect(ran.stderr).toContain(`${bad}:2:1: error: ipsecconf dies of a signal here`);
  expect(fs.readFileSync(policy, 'utf8')).toBe(UGLY);
});

test.each([
  ['a missing file', ['no-such-file'], 'there is no such file'],
  ['a kind that nothing tells', [import.meta.filename], '--kind policy|keys|ike|psk|algs'],
  ['--write with --check', ['--write', '--check', 'x'], 'mutually exclusive'],
])('%s ends with status 1 and says why', async (_what, words, said) => {
  const ran = await fmt(...words);
  expect(ran.exit).toBe(1);
  expect(ran.stderr).toContain(said);
});

test('the built program reads standard input', () => {
  const ran = spawnSync(process.execPath, [PROGRAM, 'policy', 'fmt', '-'], { input: UGLY, encoding: 'utf8' });
  expect(ran).toMatchObject({ status: 0, stdout: PRETTY });
});
