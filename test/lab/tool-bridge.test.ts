import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import type { LabHost } from '../../controller/lab/lab-host.js';
import type { Machine } from '../../controller/lab/machine.js';
import { testLab, type Ended } from './support.js';

/** Runs a command on the host without SSH. */
function shell(host: LabHost<Machine>, command: string, stdin = '', argv = ['/bin/sh']): Promise<Ended> {
  const child = host.start([...argv, '-c', command]);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('latin1').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('latin1').on('data', (text: string) => (stderr += text));
  child.stdin.end(stdin);
  return new Promise((resolve) =>
    child.once('close', (code, signal) => resolve({ code, signal: signal ?? undefined, stdout, stderr })),
  );
}

const SHELLS = [['/bin/dash'], ['/bin/bash'], ['/bin/ksh'], ['/bin/mksh'], ['/bin/busybox', 'sh'], ['/bin/yash']];

describe.each(SHELLS)('with %s %s as the shell', (...words) => {
  const argv = words.filter((word) => word !== undefined);

  test('a command gets its arguments as they were and gives back output, errors and status', async () => {
    const lab = await testLab({
      shell: argv,
      answer: (tool, args, call) => ({
        exit: 95,
        stdout: [tool, ...args, call.env['SMF_FMRI'] ?? ''].join('|'),
        stderr: `ipsecconf: from ${call.cwd}\nno newline`,
      }),
    });
    const host = lab.host('host1');
    const said = await shell(
      host,
      `cd /usr; SMF_FMRI=svc:/x ipsecconf -a 'two  words' '' '\\n%s*' "line
break"`,
      '',
      argv,
    );
    expect(said).toEqual({
      code: 95,
      signal: undefined,
      stdout: 'ipsecconf|-a|two  words||\\n%s*|line\nbreak|svc:/x',
      stderr: 'ipsecconf: from /usr\nno newline',
    });
  });

  test('large answers, odd bytes and empty lines arrive unchanged', async () => {
    const texts: Record<string, string> = {
      large: 'x'.repeat(300_000),
      rows: `\n\n  a\\tb\n${'row with a backslash \\ and blanks  \n'.repeat(60)}\n`,
      wide: 'größer ≥ 256\n',
      none: '',
    };
    const lab = await testLab({
      shell: argv,
      answer: (_tool, [name = '']) => ({ stdout: texts[name] ?? '', stderr: texts[name] ?? '', exit: 3 }),
    });
    for (const [name, text] of Object.entries(texts)) {
      const said = await shell(lab.host('host1'), `ipsecconf ${name}`, '', argv);
      const bytes = Buffer.from(text).toString('latin1');
      expect(said).toEqual({ code: 3, signal: undefined, stdout: bytes, stderr: bytes });
    }
    expect(
      readdirSync(join(lab.folder, 'hosts/host1/bridge')).filter((name) => /lock|out|err|in$|call/.test(name)),
    ).toEqual([]);
  });

  test('standard input is read by the commands that read it, and by no other', async () => {
    const lab = await testLab({ shell: argv, answer: (_tool, _args, call) => ({ stdout: call.stdin }) });
    const said = await shell(lab.host('host1'), 'ipsecconf -q -a -; ipseckey -s -; cat', '{} drop {}\n', argv);
    expect(said.stdout).toBe('{} drop {}\n');
    const left = await shell(lab.host('host1'), 'ipseckey -s -; svcs -H; cat', 'still here\n', argv);
    expect(left.stdout).toBe('still here\n');
  });

  test('a hundred calls at once on one host all get their own answer', async () => {
    const lab = await testLab({ shell: argv });
    const said = await shell(
      lab.host('host1'),
      'i=0; while [ $i -lt 100 ]; do ipsecconf $i & i=$((i+1)); done; wait',
      '',
      argv,
    );
    const wanted = Array.from({ length: 100 }, (_, i) => `[ipsecconf][${i}]`);
    expect(said.stdout.trim().split('\n').sort()).toEqual(wanted.sort());
  });

  test('stubs that are killed in the middle leave their slots to others', async () => {
    let hold = true;
    const lab = await testLab({
      shell: argv,
      answer: (_tool, args) => (hold ? new Promise<object>(() => undefined) : { stdout: `${args.join(' ')}\n` }),
    });
    const host = lab.host('host1');
    const taken = new Promise<void>((resolve) => {
      host.intercept = (_call, next) => {
        if (host.calls === 8) resolve();
        return next();
      };
    });
    const stuck = Array.from({ length: 8 }, () => host.start([`${host.root}/usr/sbin/ipsecconf`, 'stuck']));
    await taken;
    hold = false;
    const waiting = shell(host, 'ipsecconf later', '', argv);
    for (const child of stuck) child.kill('SIGKILL');
    await Promise.all(stuck.map((child) => once(child, 'close')));
    expect((await waiting).stdout).toBe('later\n');
    // The calls of the killed ones never end here: nothing to wait for when the host goes down.
  });
});

test('uname, hostname, pfexec and sudo stand for the host', async () => {
  const lab = await testLab();
  const said = await shell(
    lab.host('host1'),
    'uname -srvm; uname -n; hostname; uname; pfexec sudo -n -- echo "a  b"; sudo -n sh -c "exit 7"',
  );
  expect(said.stdout).toBe('SunOS 5.11 omnios-r151046 i86pc\nhost1\nhost1\nSunOS\na  b\n');
  expect(said.code).toBe(7);
});
