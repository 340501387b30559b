import { createHmac } from 'node:crypto';
import ssh2 from 'ssh2';
import fc from 'fast-check';
import { offeredAlgorithms } from '../../controller/remote/ssh-algorithms.js';
import { describe, expect, test } from 'vitest';
import { hostKeyAlgorithms, judgeHostKey, knownKeys } from '../../controller/remote/host-keys.js';
import {
  keyFingerprint,
  knownHostsName,
  parseHostKeys,
  parseKnownHosts,
  speaksOf,
} from '../../controller/remote/known-hosts.js';
import { newEd25519Key } from '../support/ssh-keys.js';

function publicKey(type: 'ed25519' | 'ecdsa'): { line: string; blob: Buffer } {
  const pair = type === 'ed25519' ? newEd25519Key() : ssh2.utils.generateKeyPairSync(type, { bits: 256 });
  const line = pair.public.trim().split(' ').slice(0, 2).join(' ');
  return { line, blob: Buffer.from(line.split(' ')[1] ?? '', 'base64') };
}

const OURS = publicKey('ed25519');
const OTHER = publicKey('ed25519');
const EC = publicKey('ecdsa');

const hashed = (name: string): string => {
  const salt = Buffer.from('0123456789abcdefghij');
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`;
};

const PLACE = { looked: 'no hostKey', belongs: 'to the host in the inventory' };

const trusts = (text: string, host: string, port = 22): boolean => {
  const known = knownKeys('db1', knownHostsName(host, port), parseKnownHosts(text, 'known_hosts'), PLACE);
  return judgeHostKey(known, OURS.blob) === undefined;
};

describe('a known_hosts file', () => {
  test.each([
    ['a name', 'db1', 'db1', 22, true],
    ['a name in another case', 'DB1.Example.org', 'db1.example.ORG', 22, true],
    ['one of several names', 'web1,db1,10.0.0.1', '10.0.0.1', 22, true],
    ['another name', 'db2', 'db1', 22, false],
    ['the start of a name only', 'db', 'db1', 22, false],
    ['a port of its own', '[db1]:2222', 'db1', 2222, true],
    ['another port', '[db1]:2222', 'db1', 2223, false],
    ['a name alone, off port 22', 'db1', 'db1', 2222, false],
    ['a port, on port 22', '[db1]:2222', 'db1', 22, false],
    ['an IPv6 address', '2001:db8::1', '2001:db8::1', 22, true],
    ['an IPv6 address and a port', '[2001:db8::1]:2222', '2001:db8::1', 2222, true],
    ['a star', '*.example.org', 'db1.example.org', 22, true],
    ['a star that does not reach', '*.example.org', 'db1.example.com', 22, false],
    ['a question mark', 'db?', 'db1', 22, true],
    ['a question mark for nothing', 'db1?', 'db1', 22, false],
    ['a negation before', '!db1,db*', 'db1', 22, false],
    ['a negation after', 'db*,!db1', 'db1', 22, false],
    ['a negation of another', 'db*,!db2', 'db1', 22, true],
    ['a negation alone', '!db2', 'db1', 22, false],
    ['a hashed name', hashed('db1'), 'db1', 22, true],
    ['a hashed name and port', hashed('[db1]:2222'), 'db1', 2222, true],
    ['another hashed name', hashed('db2'), 'db1', 22, false],
    ['a hash of another scheme', hashed('db1').replace('|1|', '|2|'), 'db1', 22, false],
    ['a pattern made to be slow', `${'*a'.repeat(40)}b`, 'a'.repeat(200), 22, false],
  ])('with %s', (_what, hosts, host, port, expected) => {
    expect(trusts(`${hosts} ${OURS.line} a comment\n`, host, port)).toBe(expected);
  });

  test('accepts any of several keys of a host, from any line', () => {
    expect(trusts(`db1 ${OTHER.line}\ndb1 ${EC.line}\n* ${OURS.line}\n`, 'db1')).toBe(true);
  });

  test('never accepts a revoked key, though another line has it', () => {
    const text = `db1 ${OURS.line}\n@revoked * ${OURS.line}\n`;
    const known = knownKeys('db1', 'db1', parseKnownHosts(text, 'kh'), PLACE);
    expect(judgeHostKey(known, OURS.blob)?.reason).toContain(
      `revoked key ssh-ed25519 ${keyFingerprint(OURS.blob)} (kh:2)`,
    );
  });

  test('says which lines it cannot use and why, and uses the others', () => {
    const text = [
      '# comment',
      '',
      `@cert-authority *.example.org ${OURS.line}`,
      `@unknown db1 ${OURS.line}`,
      'db1 ssh-ed25519',
      'db1 ssh-ed25519 AAAA',
      `db1 ssh-rsa ${OURS.line.split(' ')[1] ?? ''}`,
      `db1 ${OURS.line}`,
    ].join('\r\n');
    const list = parseKnownHosts(text, 'kh');
    expect(list.entries).toHaveLength(1);
    expect(list.ignored).toEqual([
      { where: 'kh:3', why: 'host certificates are not checked yet; give the host key itself' },
      { where: 'kh:4', why: 'unknown marker @unknown' },
      { where: 'kh:5', why: 'not `HOSTS TYPE KEY`' },
      { where: 'kh:6', why: 'the key is not one of type ssh-ed25519' },
      { where: 'kh:7', why: 'the key is not one of type ssh-rsa' },
    ]);
  });

  test('of any content is read without failing', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (text, name) => {
        for (const entry of parseKnownHosts(`${text}\n* ${OURS.line} ${text}`, 'kh').entries) speaksOf(entry, name);
      }),
    );
  });
});

describe('the key a host presents', () => {
  const known = (...lines: string[]) => knownKeys('db1', 'db1', parseHostKeys(lines, 'inventory'), PLACE);

  test('is trusted when the inventory has it, bare or as a known_hosts line', () => {
    expect(judgeHostKey(known(OURS.line), OURS.blob)).toBeUndefined();
    expect(judgeHostKey(known(`db1 ${OURS.line}`), OURS.blob)).toBeUndefined();
  });

  test('that is not known is told with the line to add', () => {
    expect(judgeHostKey(known(), OURS.blob)).toEqual({
      kind: 'host-key',
      reason: `the key of db1 is not known (no hostKey); it presented ssh-ed25519 ${keyFingerprint(OURS.blob)}`,
      todo: `compare with \`ssh-keygen -lf\` on the host's console, then add to the host in the inventory: hostKey: ${OURS.line}`,
    });
  });

  test('that has changed is told with both fingerprints', () => {
    const failure = judgeHostKey(known(OTHER.line), OURS.blob);
    expect(failure?.reason).toBe(
      `the key of db1 has changed: known ssh-ed25519 ${keyFingerprint(OTHER.blob)} (inventory), presented ssh-ed25519 ${keyFingerprint(OURS.blob)}`,
    );
    expect(failure?.todo).toContain(`by: hostKey: ${OURS.line}`);
  });

  test('of a type that is known is asked for first', () => {
    const safe = offeredAlgorithms([], {}).serverHostKey;
    expect(hostKeyAlgorithms(known(EC.line), safe).slice(0, 2)).toEqual(['ecdsa-sha2-nistp256', 'ssh-ed25519']);
    expect(hostKeyAlgorithms(known(), safe)).not.toContain('ssh-rsa');
    expect(hostKeyAlgorithms(known(), offeredAlgorithms(['ssh-rsa'], {}).serverHostKey)).toContain('ssh-rsa');
  });
});
