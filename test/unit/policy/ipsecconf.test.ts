import { describe, expect, test } from 'vitest';
import { ipsecconf, type ToolResult } from '../../../controller/lab/tools/ipsecconf.js';
import { emptySpd } from '../../../controller/policy/spd.js';

const LOG = '/var/run/ipsecpolicy.conf';

function host(initial: Readonly<Record<string, string>> = {}) {
  const contents = new Map(Object.entries(initial));
  const files = {
    read: (path: string) => contents.get(path),
    write: (path: string, text: string) => void contents.set(path, text),
  };
  let state = emptySpd();
  const run = (command: string, rest: { env?: Record<string, string>; privileged?: boolean } = {}): ToolResult => {
    const result = ipsecconf({ argv: command.split(' '), env: {}, stdin: '', files, state, ...rest });
    state = result.state;
    return result;
  };
  return { run, log: () => contents.get(LOG) };
}

const TWO = '{raddr 10.0.0.3} ipsec {auth_algs md5}\n{raddr 10.0.0.4} ipsec {auth_algs sha1}\n';

describe('a command line that is refused', () => {
  test.each([
    ['-f -l', 'Multiple commands specified'],
    ['-a p -r p', 'Multiple commands or interface not required.'],
    ['-i ip.tun0 -L', 'interface name not required.'],
    ['-d ip.tun0,1 -i ip.tun1', 'Interface name already selected'],
    ['-x', 'illegal option -- x'],
    ['-a', 'option requires an argument -- a'],
    ['p', 'Bad usage.'],
  ])('%s: %s', (command, message) => {
    const { run } = host({ p: TWO });
    const { exit, stderr } = run(command);
    expect(exit).toBe(1);
    expect(stderr).toContain(`ipsecconf: ${message}\n`);
    expect(stderr).toContain('ipsecconf: Fatal error - exiting.\n');
  });

  test('is refused under a service with the status that means maintenance, and without usage', () => {
    const { exit, stderr } = host().run('-n', { env: { SMF_FMRI: 'svc:/network/ipsec/policy:default' } });
    expect({ exit, usage: stderr.includes('Usage') }).toEqual({ exit: 95, usage: false });
  });

  test('without privilege nothing is done', () => {
    const { run } = host({ p: TWO });
    expect(run('-q -a p', { privileged: false }).exit).toBe(1);
    expect(run('-ln').stdout).toBe('');
  });
});

describe('what becomes of the policy', () => {
  test('options may be written together', () => {
    const { run } = host({ p: TWO });
    expect(run('-qap').exit).toBe(0);
    expect(run('-ln').stdout.match(/#INDEX/g)).toHaveLength(4);
  });

  test('a crash leaves the old policy and says nothing', () => {
    const { run } = host({ p: TWO, bad: '{ulp icmp type} pass {}\n' });
    run('-q -a p');
    const before = run('-Ln').stdout;
    expect(run('-F -a bad')).toMatchObject({ exit: 139, stdout: '', stderr: '' });
    expect(run('-Ln').stdout).toBe(before);
  });

  test('a missing file under the service is success', () => {
    const { exit, stdout } = host().run('-q -a none', { env: { SMF_FMRI: 'svc:/network/ipsec/policy:default' } });
    expect({ exit, stdout }).toEqual({
      exit: 0,
      stdout: 'Policy configuration file (none) does not exist.\nIPsec policy not configured.\n',
    });
  });

  test('removing by file strikes the entry out of the log and takes one of its rules', () => {
    const { run, log } = host({ p: TWO, r: '{RADDR 10.0.0.3} ipsec {auth_algs md5}\n' });
    run('-q -a p');
    expect(run('-q -r r').exit).toBe(0);
    expect(run('-ln').stdout).not.toContain('#INDEX 2\n');
    expect(log()).toContain(';raddr 10.0.0.3} ipsec {auth_algs md5}');
  });

  test('names are used in a listing without -n, but a service is looked up by its number with the bytes swapped', () => {
    const { run } = host({ p: '{laddr 127.0.0.1 lport 80 rport 20480 ulp tcp dir in} pass {}\n' });
    run('-q -a p');
    const rule = '{ ulp tcp laddr localhost/32 lport 80 rport http dir in } pass { }';
    expect(run('-l').stdout).toBe(`#INDEX 1\n${rule} \n`);
  });

  test('a tunnel nobody named is not found', () => {
    expect(host().run('-l -i ip.tun9').stderr).toBe('ipsecconf: ruleset dump failed: Tunnel not found\n');
    expect(host().run('-q -f -i ip.tun9').exit).toBe(1);
  });
});
