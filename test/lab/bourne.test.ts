/**
 * What a Bourne shell is given on a legacy host: the command line of a session, the init script, the first lines of the boot guard.
 * There is no packaged Bourne shell to try them on, so the lab's stand-in reads them for words such a shell does not know.
 */

import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { agentFolder } from '../../controller/cli/package-files.js';
import { installStubs } from '../../controller/lab/host-folder.js';
import { startCommand } from '../../controller/remote/agent-link.js';
import { asRoot } from '../../controller/remote/become-root.js';

let root: string;
beforeAll(() => {
  root = fs.mkdtempSync(join(tmpdir(), 'bourne-'));
  for (const folder of ['sbin', 'usr/bin', 'usr/sbin', 'usr/lib/inet', 'usr/xpg4/bin', 'etc/init.d', 'etc/rc2.d'])
    fs.mkdirSync(join(root, folder), { recursive: true });
  installStubs(root, ['/bin/sh'], 'solaris-legacy');
});
afterAll(() => fs.rmSync(root, { recursive: true, force: true }));

function bourne(
  args: readonly string[],
  input = '',
  path = `${join(root, 'usr/bin')}:/usr/bin:/bin`,
): { readonly status: number | null; readonly out: string; readonly err: string } {
  const env = { PATH: path, IPSEC_AGENT_ROOT: root };
  const { status, stdout, stderr } = spawnSync(join(root, 'sbin/sh'), args, { env, input, encoding: 'utf8' });
  return { status, out: stdout, err: stderr };
}

describe('a Bourne shell', () => {
  it('knows no POSIX words', () => {
    const words = [
      'x=$(date)',
      'x=$((1+1))',
      'x=${y%z}',
      'x=${y##*/}',
      'x=${#y}',
      'export x=1',
      '! true',
      '[ -e /etc ]',
      '[[ a = a ]]',
    ];
    for (const line of [
      ...words,
      'if ! true; then :; fi',
      'command -v sh',
      'while read -r x; do :; done',
      'f() { local x; }',
    ]) {
      const { status, err } = bourne(['-c', line]);
      expect({ line, status, err }).toEqual({ line, status: 2, err: "sh: syntax error at line 1: `(' unexpected\n" });
    }
    for (const line of [
      'x=${y-z}; y=`date`',
      '# $(date)',
      'test -x /bin/sh && x="$y"; echo $#',
      'case "$1" in a) ;; esac',
    ])
      expect(bourne(['-c', line])).toMatchObject({ status: 0, err: '' });
  });

  it('cannot run the agent, not even its loader', () => {
    const loader = fs.readFileSync(join(agentFolder, 'loader.sh'), 'utf8');
    const { status, out, err } = bourne(['-s', '--', 'a'.repeat(64)], loader);
    expect(out).toBe('');
    expect({ status, err }).toEqual({ status: 2, err: expect.stringMatching(/^sh: syntax error at line \d+: /) });
  });

  it('takes the command line of a session, which finds the POSIX shell', () => {
    const digest = 'a'.repeat(64);
    fs.writeFileSync(join(root, 'usr/xpg4/bin/sh'), '#!/bin/sh\necho "POSIX $*"\nexec cat\n', { mode: 0o755 });
    const said = { status: 0, out: `POSIX -s -- ${digest} readonly\nhere\n`, err: '' };
    for (const privilege of ['none', 'pfexec', 'sudo'] as const) {
      expect(bourne(['-c', startCommand(privilege, digest, true)], 'here\n')).toEqual(said);
    }
    // Without su there, only whether the line is read.
    const su = asRoot('su', startCommand('su', digest));
    expect(bourne(['-c', su], '', '/nowhere')).toMatchObject({
      status: 127,
      err: expect.not.stringContaining('syntax'),
    });
    installStubs(root, ['/bin/sh'], 'solaris-legacy');
  });

  it('takes the same line where only /bin/sh is there', () => {
    const line = startCommand('none', 'a'.repeat(64));
    const { stdout } = spawnSync('/bin/sh', ['-c', line], {
      env: { IPSEC_AGENT_ROOT: '/nowhere' },
      input: 'echo "$0"',
      encoding: 'utf8',
    });
    expect(stdout).toBe('/bin/sh\n');
  });

  it('runs the init script of the boot guard, which hands over', () => {
    const script = join(agentFolder, 'platform/boot-guard.init');
    expect(bourne([script, 'start'])).toEqual({ status: 0, out: '', err: '' });
    fs.mkdirSync(join(root, 'var/ipsec-deploy/agent'), { recursive: true });
    fs.writeFileSync(join(root, 'var/ipsec-deploy/agent/boot'), 'x=$(echo "$0 $1 $2")\necho "$x"\n');
    expect(bourne([script, 'start']).out).toBe(`${join(root, 'var/ipsec-deploy/agent/boot')} boot posix\n`);
    expect(bourne([script, 'restart'])).toMatchObject({ status: 1, out: `Usage: ${script} start\n` });
  });

  it('runs the first lines of the boot guard, which hand over where a service starts it', () => {
    const first = fs.readFileSync(join(agentFolder, 'platform/shell.sh'), 'utf8');
    const file = join(root, 'guard');
    fs.writeFileSync(file, `${first}echo "went on: $2"\n`);
    expect(bourne([file, 'boot'])).toEqual({ status: 0, out: 'went on: posix\n', err: '' });
    expect(bourne([file, 'deadman', 'T1'])).toEqual({ status: 0, out: 'went on: T1\n', err: '' });
  });
});
