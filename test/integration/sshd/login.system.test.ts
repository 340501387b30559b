/** Logging in to a real OpenSSH server: keys, agents, host keys, and what the server may refuse. */

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fingerprintOf, hashKnownHosts, makeKey, scratch, startSshAgent, startSshd } from './openssh.js';
import type { KeyType } from './openssh.js';
import { say } from './say.js';

const KEYS: readonly KeyType[] = ['ed25519', 'rsa', 'ecdsa'];

describe('logging in to sshd', () => {
  test.each(KEYS)('with a plain %s key', async (type) => {
    const folder = await scratch();
    const file = join(folder, 'id');
    await makeKey(file, type);
    const sshd = await startSshd({ authorizedKeys: [await readFile(`${file}.pub`, 'utf8')] });
    expect(await say(sshd.hostAt({ auth: [{ kind: 'key', file }] }))).toBe('42\n');
  });

  test.each(KEYS)('with an encrypted %s key', async (type) => {
    const folder = await scratch();
    const file = join(folder, 'id');
    await makeKey(file, type, 'open sesame');
    const sshd = await startSshd({ authorizedKeys: [await readFile(`${file}.pub`, 'utf8')] });
    const host = sshd.hostAt({ auth: [{ kind: 'key', file, passphraseEnv: 'PASS' }] });
    expect(await say(host, { PASS: 'open sesame' })).toBe('42\n');
    expect(await say(host, { PASS: 'wrong' })).toMatchObject({
      kind: 'auth',
      reason: expect.stringContaining('the passphrase in PASS is wrong'),
    });
  });

  test.each(KEYS)('with an SSH agent that holds a key of another host first, then its %s key', async (type) => {
    const folder = await scratch();
    const files = [join(folder, 'other'), join(folder, 'id')];
    await makeKey(join(folder, 'other'), 'ed25519');
    await makeKey(join(folder, 'id'), type);
    const sshd = await startSshd({ authorizedKeys: [await readFile(join(folder, 'id.pub'), 'utf8')] });
    const host = sshd.hostAt({ auth: [{ kind: 'agent' }] });
    expect(await say(host, { SSH_AUTH_SOCK: await startSshAgent(folder, files) })).toBe('42\n');
  });

  test('with a key it does not know fails, and says what was tried', async () => {
    const folder = await scratch();
    const file = join(folder, 'id');
    await makeKey(file, 'ed25519');
    const sshd = await startSshd();
    expect(await say(sshd.hostAt({ auth: [{ kind: 'agent' }, { kind: 'key', file }] }))).toMatchObject({
      kind: 'auth',
      reason: expect.stringContaining(
        `SSH agent: SSH_AUTH_SOCK is not set; key ${file}: refused; the host offers publickey`,
      ),
    });
  });

  test('that hangs up after one wrong key says so', async () => {
    const folder = await scratch();
    for (const name of ['a', 'b', 'c']) await makeKey(join(folder, name), 'ed25519');
    const sshd = await startSshd({ config: ['MaxAuthTries 1'] });
    const auth = ['a', 'b', 'c'].map((name) => ({ kind: 'key' as const, file: join(folder, name) }));
    expect(await say(sshd.hostAt({ auth }))).toMatchObject({
      kind: 'auth',
      reason: expect.stringContaining('Too many authentication failures'),
    });
  });

  test('with a banner, and with MaxSessions 1', async () => {
    const folder = await scratch();
    await writeFile(join(folder, 'banner'), 'Authorised use only.\nipsec-deploy-agent is not what this says\n');
    const sshd = await startSshd({ config: [`Banner ${join(folder, 'banner')}`, 'MaxSessions 1'] });
    expect(await say(sshd.hostAt())).toBe('42\n');
  });

  test('that allows no session says where to look', async () => {
    const sshd = await startSshd({ config: ['MaxSessions 0'] });
    expect(await say(sshd.hostAt())).toMatchObject({ kind: 'agent', todo: expect.stringContaining('MaxSessions') });
  });
});

describe('the host key of sshd', () => {
  test.each(KEYS)('is asked for by the type we know: %s', async (type) => {
    const sshd = await startSshd();
    expect(await say(sshd.hostAt({ hostKeys: [await sshd.hostKeyLine(type)] }))).toBe('42\n');
  });

  test('is found in a known_hosts file whose names ssh-keygen has hashed', async () => {
    const sshd = await startSshd();
    const file = join(sshd.folder, 'known_hosts');
    const names = ['other.example.org', `[127.0.0.1]:${sshd.port}`, '[127.0.0.1]:1'];
    const key = await sshd.hostKeyLine('ecdsa');
    await writeFile(file, names.map((name) => `${name} ${key}\n`).join(''));
    await hashKnownHosts(file);
    expect(await readFile(file, 'utf8')).not.toContain('127.0.0.1');
    expect(await say(sshd.hostAt({ hostKeys: [], knownHosts: [file] }))).toBe('42\n');
    expect(await say(sshd.hostAt({ hostKeys: [], knownHosts: [file], host: 'localhost' }))).toMatchObject({
      kind: 'host-key',
    });
  });

  test('that is another than we know is refused with the fingerprints ssh-keygen tells', async () => {
    const sshd = await startSshd();
    const other = join(sshd.folder, 'other');
    await makeKey(other, 'ed25519');
    const line = (await readFile(`${other}.pub`, 'utf8')).trim();
    const failure = await say(sshd.hostAt({ hostKeys: [line] }));
    expect(failure).toMatchObject({
      kind: 'host-key',
      reason: expect.stringContaining(await fingerprintOf(`${other}.pub`)),
    });
    const ours = await fingerprintOf(join(sshd.folder, 'host_ed25519.pub'));
    expect(failure).toMatchObject({ reason: expect.stringContaining(ours) });
  });

  test('that is not known at all is told with the line that makes it known', async () => {
    const sshd = await startSshd();
    const failure = await say(sshd.hostAt({ hostKeys: [] }));
    if (typeof failure === 'string') throw new Error('it was trusted');
    const line = /hostKey: (.*)$/.exec(failure.todo)?.[1] ?? '';
    expect(await say(sshd.hostAt({ hostKeys: [line] }))).toBe('42\n');
  });
});

test('old algorithms are not spoken: the failure names what is missing', async () => {
  const sshd = await startSshd({ config: ['KexAlgorithms diffie-hellman-group14-sha1'] });
  expect(await say(sshd.hostAt())).toMatchObject({
    kind: 'unreachable',
    reason: expect.stringContaining('no SSH algorithm in common'),
  });
});
