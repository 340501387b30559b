/** What the agent asks of a host: commands and options that are found on illumos, with GNU and with busybox, and no others. */

import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { agentFolder } from '../../controller/cli/package-files.js';
import { commandsOf } from './support/shell-commands.js';

const names = fs.readdirSync(agentFolder, { recursive: true, encoding: 'utf8' });
const read = (name: string): string => fs.readFileSync(join(agentFolder, name), 'utf8');

interface Use {
  readonly options: string;
  /** Where it is written that hosts have it; POSIX is IEEE Std 1003.1, XCU. */
  readonly source: string;
}

/** Every program, and every option it is called with anywhere in the agent. */
const PROGRAMS: Readonly<Record<string, Use>> = {
  '/usr/bin/env': { options: '-i', source: 'POSIX env' },
  awk: { options: '-v', source: 'POSIX awk; on Solaris that of /usr/xpg4/bin, which comes first on the path' },
  bash: { options: '-c', source: 'probes; illumos and GNU bash(1), for its /dev/tcp where no other means is there' },
  cat: { options: '', source: 'POSIX cat' },
  chmod: { options: '', source: 'POSIX chmod' },
  chown: { options: '', source: 'POSIX chown' },
  cmp: { options: '', source: 'POSIX cmp' },
  cp: { options: '-p', source: 'POSIX cp' },
  date: { options: '-u', source: 'POSIX date; its %s only where srand() of awk does not give the time' },
  digest: { options: '-a -v', source: 'illumos digest(1); only where there is no sha256sum' },
  ifconfig: { options: '-a', source: 'illumos ifconfig(8)' },
  ikeadm: { options: '-n -p', source: 'illumos ikeadm(8)' },
  'in.iked': { options: '-c -f', source: 'illumos in.iked(8)' },
  ipsecconf: { options: '-F -Ln -a -c -d -f -ln -q', source: 'illumos ipsecconf(8)' },
  ipseckey: { options: '-c -f -n -p -s', source: 'illumos ipseckey(8)' },
  ksh: { options: '-c', source: 'probes; where it is ksh93 under another name (illumos), for its /dev/tcp' },
  ksh93: { options: '-c', source: 'probes; illumos ksh93(1), for its /dev/tcp where there is no nc' },
  ln: { options: '-s', source: 'POSIX ln' },
  ls: {
    options: '--full-time -dnE -ldn',
    source:
      'POSIX ls; for full times illumos ls(1) has -E, GNU and busybox --full-time: where one fails the other is tried',
  },
  mkdir: { options: '-p', source: 'POSIX mkdir' },
  mv: { options: '-f', source: 'POSIX mv' },
  nc: {
    options: '-n -s -v -w -z',
    source:
      'probes; illumos nc(1), and those of OpenBSD, Hobbit, GNU and nmap; one that lacks an option says so and the next means is tried',
  },
  nohup: { options: '', source: 'POSIX nohup' },
  pgrep: { options: '-u -x', source: 'illumos pgrep(1)' },
  ping: {
    options: '-I -W -c -q',
    source: 'probes; iputils and busybox; to one that lacks an option, illumos ping(8) HOST TIMEOUT is said',
  },
  pkill: { options: '-KILL -u -x', source: 'illumos pkill(1)' },
  ps: { options: '-e -o', source: 'POSIX ps; busybox has no -e and is asked without it' },
  rm: { options: '-f -rf', source: 'POSIX rm' },
  sed: { options: '-e -n', source: 'POSIX sed' },
  sha256sum: { options: '', source: 'GNU coreutils, busybox, illumos digest(1)' },
  sleep: { options: '', source: 'POSIX sleep' },
  svcadm: { options: '-s -t', source: 'illumos svcadm(8)' },
  svccfg: { options: '', source: 'illumos svccfg(8)' },
  svcprop: { options: '-p', source: 'illumos svcprop(1)' },
  svcs: { options: '-H -o', source: 'illumos svcs(1)' },
  sync: { options: '', source: 'illumos sync(8), GNU, busybox' },
  timeout: { options: '', source: 'illumos, GNU and busybox timeout(1); goes without where there is none' },
  uname: { options: '-snrvm', source: 'POSIX uname' },
};

/** What is part of every POSIX shell, and `print` and `whence`, which are asked for only where they are known. */
const BUILT_IN: Readonly<Record<string, string>> = {
  '.': '',
  ':': '',
  '[': '-O -d -e -eq -f -ge -gt -h -le -lt -n -s -x -z',
  break: '',
  command: '-v',
  continue: '',
  echo: '',
  eval: '',
  exec: '',
  exit: '',
  export: '',
  false: '',
  kill: '-0 -s',
  print: '-r',
  printf: '',
  read: '-r',
  return: '',
  set: '-C -f',
  shift: '',
  test: '-x',
  trap: '',
  true: '',
  ulimit: '-c -f -n -t',
  umask: '',
  unset: '',
  wait: '',
};

/** Words that run what follows them, and how many words come between. */
const RUNNERS: Readonly<Record<string, number>> = { exec: 0, nohup: 0, ask_tool: 1, run_tool: 0 };

function used(): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  const functions = new Set<string>();
  const commands: (readonly string[])[] = [];
  for (const name of names.filter((one) => /\.(sh|init)$/.test(one))) {
    const script = commandsOf(read(name));
    script.functions.forEach((one) => functions.add(one));
    commands.push(...script.commands);
    // Commands that wait in a variable for their operands.
    for (const [, text = ''] of read(name).matchAll(/(?:SHA256|drift_limit)='?([^'\n]+)/g))
      commands.push(text.split(' '));
  }
  for (const name of names.filter((one) => one.endsWith('.awk'))) {
    // awk hands the shell what stands in a string: `"exec ps -e …"`, or the name of a command before a pipe.
    for (const [, text = ''] of read(name).matchAll(/"((?:exec |date )[^"]*)"/g))
      commands.push(...commandsOf(text.replace(/^exec $/, 'exec "$tool"')).commands);
    for (const [, options = ''] of read(name).matchAll(/"(-l?dn[^"]*)"/g)) commands.push(['ls', ...options.split(' ')]);
  }
  const take = (words: readonly string[]): void => {
    const [word = '', ...rest] = words;
    const between = RUNNERS[word];
    if (between !== undefined) {
      if (!functions.has(word)) found.set(word, found.get(word) ?? new Set());
      return take(rest.slice(between));
    }
    if (word === '' || functions.has(word) || /[$"]/.test(word)) return;
    const options = found.get(word) ?? new Set();
    found.set(word, options);
    // What comes after `--`, or is run by env, has no options of this program; what a variable holds is looked at where it is set.
    const until = rest.findIndex((one) => one === '--' || (word.endsWith('env') && one.includes('=')));
    for (const one of until < 0 ? rest : rest.slice(0, until)) if (/^--?[A-Za-z0-9-]+$/.test(one)) options.add(one);
  };
  commands.forEach(take);
  return found;
}

test('nothing is called that is not in the table, and with no other options', () => {
  const found = [...used()].map(([name, options]) => [name, [...options].sort().join(' ')] as const).sort();
  const known = [
    ...Object.entries(PROGRAMS).map(([name, { options }]) => [name, options] as const),
    ...Object.entries(BUILT_IN),
  ].sort();
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries(known));
});

/** Programs that a host may do without, and those that only one platform or moment needs. */
const NOT_ASKED_FOR = [
  ...['/usr/bin/env', 'date', 'ifconfig', 'timeout', 'digest', 'sha256sum', 'pkill', 'ln', 'pgrep'],
  ...['nc', 'ksh93', 'ksh', 'bash', 'ping'],
];
const ASKED_FOR = Object.keys(PROGRAMS).filter((name) => !NOT_ASKED_FOR.includes(name));

test('what a host needs is listed in agent/README.md', () => {
  const text = read('README.md');
  expect(Object.keys(PROGRAMS).filter((name) => !text.includes(`\`${name.replace(/.*\//, '')}`))).toEqual([]);
});

describe('a tool that is missing is named:', () => {
  let folder: string;
  beforeAll(() => {
    folder = fs.mkdtempSync(join(tmpdir(), 'agent-tools-'));
    for (const name of Object.keys(PROGRAMS))
      fs.writeFileSync(join(folder, name.replace(/.*\//, '')), '', { mode: 0o755 });
  });
  afterAll(() => fs.rmSync(folder, { recursive: true }));

  /** By the shipped functions themselves, with nothing else on the path than the folder. */
  function missing(platform: 'smf' | 'legacy', without: readonly string[]): string {
    for (const name of without) fs.renameSync(join(folder, name), join(folder, `.${name}`));
    const parts = ['lib/files.sh', 'platform/solaris-smf.sh', 'platform/solaris-legacy.sh'].map(read).join('\n');
    const script = `${parts}\nPATH=${folder}\nT_IKE=restart\nuse_solaris_${platform}\nfind_digest_tool\nfind_missing_tools\necho "$MISSING"\n`;
    const { stdout, stderr } = spawnSync('sh', ['-s'], { input: script, encoding: 'utf8' });
    for (const name of without) fs.renameSync(join(folder, `.${name}`), join(folder, name));
    expect(stderr).toBe('');
    return stdout.trim();
  }

  test.each(['smf', 'legacy'] as const)('none on a whole host (%s)', (platform) => {
    expect(missing(platform, [])).toBe('');
    expect(missing(platform, ['sha256sum'])).toBe('');
    expect(missing(platform, ['digest'])).toBe('');
    expect(missing(platform, ['digest', 'sha256sum'])).toBe('sha256sum or digest');
  });

  test.each(ASKED_FOR)('%s under SMF', (name) => expect(missing('smf', [name])).toBe(name));

  const SERVICES = /^svc/;
  test.each([...ASKED_FOR.filter((name) => !SERVICES.test(name)), 'ln', 'pgrep', 'pkill'])(
    '%s on a host without services',
    (name) => expect(missing('legacy', [name])).toBe(name),
  );
});
