/** The package as an operator installs it: packed, installed globally into an empty prefix, and used from an empty folder. */

import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, expect, test } from 'vitest';

const exec = promisify(execFile);
const project = join(import.meta.dirname, '..', '..', '..');

let folder = '';
let binary = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ipsec-deploy-package-'));
  const { stdout } = await exec('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: project });
  const prefix = join(folder, 'prefix');
  const tarball = join(folder, stdout.trim().split('\n').at(-1) ?? '');
  await exec(
    'npm',
    ['install', '--global', '--prefix', prefix, '--no-audit', '--no-fund', '--omit', 'optional', tarball],
    { cwd: folder },
  );
  binary = join(prefix, 'bin', 'ipsec-deploy');
}, 240_000);

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function ipsecDeploy(...words: string[]): Promise<string> {
  try {
    const { stdout } = await exec(binary, words, { cwd: folder });
    return stdout;
  } catch (error) {
    // What became of hosts is told on standard output.
    const told = error instanceof Error && 'stdout' in error ? String(error.stdout) : '';
    const status = error instanceof Error && 'code' in error ? String(error.code) : 'a signal';
    throw new Error(`${words.join(' ')}: exit ${status}\n${told}`, { cause: error });
  }
}

test('the installed command has its templates: a new fleet validates and renders', async () => {
  await ipsecDeploy('init', 'fleet');
  expect(await ipsecDeploy('validate', 'fleet/inventory.yaml')).toContain('all is well');
  expect(await ipsecDeploy('render', 'web1', 'fleet/inventory.yaml')).toContain(
    '{} permit { encr_algs aes(256) encr_auth_algs sha256 }',
  );
}, 60_000);

test('the installed command has its agent and its lab: the main job runs', async () => {
  await ipsecDeploy('lab', 'up');
  try {
    expect(await ipsecDeploy('apply', 'lab/inventory.yaml')).toContain('2 confirmed: every host is as asked (exit 0)');
    expect(await ipsecDeploy('apply', 'lab/inventory.yaml')).toContain('2 unchanged');
  } finally {
    await ipsecDeploy('lab', 'down');
  }
}, 60_000);

test('the demonstration needs no root: it runs to its end as a user who owns nothing but an empty folder', async () => {
  const home = join(folder, 'home');
  await chmod(folder, 0o755);
  await mkdir(home);
  const words = [binary, 'lab', 'demo', '--keying', 'manual'];
  const NOBODY = 65534;
  const isRoot = process.getuid?.() === 0;
  if (isRoot) await chown(home, NOBODY, NOBODY);
  const drop = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
  const [program = '', ...rest] = isRoot ? [...drop, ...words] : words;
  const env = { PATH: process.env['PATH'], HOME: home, TMPDIR: home };
  const { stdout } = await exec(program, rest, { cwd: home, env });
  expect(stdout).toContain('That was the whole story');
  expect(await readdir(home)).toEqual([]);
}, 120_000);

test('the package holds no tests, no sources and no shell that is not shipped to hosts', async () => {
  const root = join(folder, 'prefix', 'lib', 'node_modules', 'ipsec-deploy');
  expect((await readdir(root)).filter((name) => name !== 'node_modules').sort()).toEqual(
    [
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'agent',
      'bin',
      'controller',
      'dist',
      'docs',
      'inventory',
      'package.json',
      'templates',
    ].sort(),
  );
  expect((await readdir(join(root, 'controller'))).sort()).toEqual(['lab', 'report']);
  expect(await readdir(join(root, 'controller', 'report'))).toEqual(['page']);
});
