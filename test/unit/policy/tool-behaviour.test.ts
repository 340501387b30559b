/** Small cases of ipsecconf beyond the recorded ones; the reason beside each is what the program's source does. */

import { describe, expect, test } from 'vitest';
import { ipsecconf, type ToolFiles, type ToolResult } from '../../../controller/lab/tools/ipsecconf.js';
import { parseListing } from '../../../controller/policy/canonical-listing.js';
import { emptySpd, type Spd } from '../../../controller/policy/spd.js';
import { NAMES } from './corpus.js';

function host(initial: Readonly<Record<string, string>>): (command: string) => ToolResult {
  const contents = new Map(Object.entries(initial));
  const files: ToolFiles = { read: (path) => contents.get(path), write: (path, text) => contents.set(path, text) };
  let state: Spd = emptySpd();
  return (command) => {
    const result = ipsecconf({ argv: command.split(' '), env: {}, stdin: '', files, state, names: NAMES });
    state = result.state;
    return result;
  };
}

/** Rule lines after a load on a fresh host, outbound IPv4 first. */
function loaded(text: string): { readonly exit: number; readonly rules: readonly string[] } {
  const run = host({ F: `${text}\n` });
  const { exit } = run('-q -a F');
  const { stdout } = run('-Ln');
  return { exit, rules: parseListing(stdout).map((rule) => rule.text) };
}

const again = (words: string, times: number): string => Array<string>(times).fill(words).join(' ');

describe('one entry', () => {
  test.each([
    [
      'form_ipsec_conf: the code of the sixth property falls upon the AH algorithm (encr_algs = 0x103, 3 is sha1)',
      `{dir out} ipsec {auth_algs sha512 ${again('sa shared', 4)} encr_algs aes}`,
      '{ dir out } ipsec { auth_algs hmac-sha1(160) encr_algs aes-cbc(128..256) sa shared }',
    ],
    [
      'form_ipsec_conf: an AH algorithm read after that is as written',
      `{dir out} ipsec {${again('sa shared', 5)} auth_algs sha512}`,
      '{ dir out } ipsec { auth_algs hmac-sha512(512) sa shared }',
    ],
    [
      'act_alg_adjust: an upper end is cut to 16 bits and raised to the shortest key',
      '{dir out} ipsec {encr_algs aes(128..65537) encr_auth_algs sha1}',
      '{ dir out } ipsec { encr_algs aes-cbc(128) encr_auth_algs hmac-sha1(160) sa shared }',
    ],
    [
      'spdsock_encode_rule_head: no room for the end of a name of four letters, before an address',
      '{tunnel vpn0 negotiate tunnel raddr 10.0.0.0/8} ipsec {auth_algs md5}',
      '{ tunnel vpn0\u0002 negotiate tunnel raddr 10.0.0.0/8 dir out } ipsec { auth_algs hmac-md5(128) sa shared }',
    ],
    [
      'spdsock_encode_rule_head: the same before a protocol',
      '{tunnel vpn0 negotiate tunnel ulp tcp} ipsec {auth_algs md5}',
      '{ tunnel vpn0\u0001 negotiate tunnel ulp 6 dir out } ipsec { auth_algs hmac-md5(128) sa shared }',
    ],
    [
      'spdsock_encode_rule_head: other lengths have room',
      '{tunnel ip.tun0 negotiate tunnel ulp tcp} ipsec {auth_algs md5}',
      '{ tunnel ip.tun0 negotiate tunnel ulp 6 dir out } ipsec { auth_algs hmac-md5(128) sa shared }',
    ],
    ['parse_one: `or` is also an action of its own, before the first', '{dir out} or pass {}', '{ dir out } pass { }'],
  ])('%s', (_why, entry, first) => {
    const { exit, rules } = loaded(entry);
    expect({ exit, first: rules[0] }).toEqual({ exit: 0, first });
  });

  test('a sixth property that names no AH algorithm leaves nothing to ask for, and the kernel refuses the rule', () => {
    const run = host({ F: `{} ipsec {auth_algs sha1 ${again('sa shared', 5)}}\n` });
    expect(run('-q -a F')).toMatchObject({ exit: 1, stdout: '\t(spdsock diagnostic: unknown extension)\n' });
  });

  test.each([
    [20, 0],
    [21, 139],
    [22, 1],
  ])('%i alternatives: status %i (form_ipsec_conf looks for the end of a table of 21)', (times, exit) => {
    const entry = `{dir out} ${Array<string>(times).fill('pass {}').join(' or ')}`;
    expect(host({ F: `${entry}\n` })('-c F').exit).toBe(exit);
  });

  test('the kernel names a tunnel in its listing with a slip, and the name is read without it', () => {
    const run = host({ F: '{tunnel vpn0 negotiate tunnel dir out} pass {}\n' });
    run('-q -a F');
    const { stdout } = run('-ln -i vpn0');
    expect(stdout).toContain('#INDEX vpn0\u0004,1\n');
    expect(parseListing(stdout).map(({ tunnel }) => tunnel)).toEqual(['vpn0', 'vpn0']);
  });
});

describe('several commands', () => {
  const TUNNEL = '{tunnel ip.tun0 negotiate tunnel raddr 10.2.0.0/16} ipsec {auth_algs md5}\n';
  const TRANSPORT = '{tunnel ip.tun0 negotiate transport} ipsec {auth_algs md5}\n';

  test('a tunnel that is flushed alone still refuses the other mode, one flushed with all does not', () => {
    const run = host({ a: TUNNEL, b: TRANSPORT });
    run('-q -a a');
    run('-q -f -i ip.tun0');
    expect(run('-a b')).toMatchObject({ exit: 1, stderr: expect.stringContaining('Kernel returned: Device busy') });
    run('-q -F');
    expect(run('-q -a b').exit).toBe(0);
  });

  test('the kernel calls a tunnel of the other mode busy, and the command takes that for a mask beside a prefix', () => {
    const run = host({ a: TRANSPORT + TUNNEL });
    expect(run('-q -a a')).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining("Can't set mask and /NN prefix."),
    });
  });

  test('deleting from a tunnel nobody knows fails twice', () => {
    const run = host({ a: '{dir out} pass {}\n' });
    run('-q -a a');
    expect(run('-q -d ip.tun9,1')).toMatchObject({
      exit: 1,
      stderr:
        'ipsecconf: Delete failed while reading reply\n' +
        'ipsecconf: Deletion incomplete. Please flush all the entries and re-configure :\n' +
        '\tipsecconf -f \n \tipsecconf -a policy_file\n' +
        'ipsecconf: Flush failed while reading reply\n',
    });
  });

  test('adding with a tunnel nobody knows fails after the rules are in force', () => {
    const run = host({ a: '{dir out} pass {}\n' });
    expect(run('-q -a a -i ip.tun9')).toMatchObject({
      exit: 1,
      stderr: 'ipsecconf: Flush failed while reading reply\n',
    });
    expect(run('-ln').stdout).toContain('{ dir out } pass { }');
  });
});
