/** ssh_config(5): what of a file counts for a host, what is refused, and what is told. Held against ssh -G in config.system.test.ts. */

import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Host, SshSettings } from '../../controller/model/host.js';
import { offeredAlgorithms } from '../../controller/remote/ssh-algorithms.js';
import { configAsker } from '../../controller/remote/ssh-config.js';
import { parseConfigLines } from '../../controller/remote/ssh-config-lines.js';
import { matchBlockMatches } from '../../controller/remote/ssh-config-match.js';
import { OfferReader } from '../../controller/remote/ssh-offer.js';
import { routeTo } from '../../controller/remote/ssh-route.js';
import type { Route } from '../../controller/remote/ssh-route.js';
import { hostAt } from './ssh-server.js';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ssh-config-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** The way to `db1` at 127.0.0.1 with this file, all of it left open by the inventory but what `ssh` says. */
async function routeWith(text: string, ssh: Partial<SshSettings> = {}, mode = 0o600): Promise<Route> {
  const file = join(folder, 'config');
  await writeFile(file, text);
  await chmod(file, mode);
  const open = ['port', 'user', 'auth', 'connectTimeoutSeconds', 'knownHosts', 'proxyJump'] as const;
  const host: Host = hostAt({ port: 22, hostKey: '' }, { config: { file, isNamed: true, open }, ...ssh });
  return routeTo(host, configAsker({ HOME: folder }), { HOME: folder });
}

describe('an ssh_config file', () => {
  test('fills in what the inventory leaves open, looked up by the host’s name or its address', async () => {
    const { host } = await routeWith('Host db1\n  User ops\nHost 127.*\n  ConnectTimeout 1m\n  User late\n');
    expect(host.settings).toMatchObject({ user: 'ops', connectTimeoutSeconds: 60, host: '127.0.0.1' });
  });

  test('gives no other address to a host than the inventory has', async () => {
    const { host } = await routeWith('Host db1\n  HostName 192.0.2.1\n');
    expect(host.settings.host).toBe('127.0.0.1');
  });

  test.each([
    ['a port the policy does not keep open', 'Port 2222\n', /config:1 says port 2222 for db1, and the inventory 22/],
    ['a ProxyCommand', 'ProxyCommand nc %h %p\n', /config:1 reaches db1 by a ProxyCommand, which is not run/],
    ['a jump host that is behind itself', 'ProxyJump bastion\n', /goes through bastion port 22 twice/],
    ['algorithms of which none is left', 'Ciphers 3des-cbc\n', /config:1 leaves no algorithm/],
    ['a variable that is not set', 'IdentityFile ${NO_SUCH}/id\n', /config:1: the variable NO_SUCH is not set/],
    ['a token nobody knows', 'IdentityFile %Z\n', /config:1: %Z is not known here/],
    ['a file that includes itself', 'Include config\n', /include each other more than 16 deep/],
  ])('with %s is refused, with its line', async (_what, text, reason) => {
    const own = text.replace('Include config', `Include ${join(folder, 'config')}`);
    await expect(routeWith(own)).rejects.toThrow(reason);
  });

  test('that others may write is not gone by', async () => {
    await expect(routeWith('User eve\n', {}, 0o620)).rejects.toThrow(/may be written by others; chmod go-w it/);
  });

  test('that is named must be there, and the usual one need not', async () => {
    const ask = configAsker({ HOME: folder });
    await expect(ask('~/none', true, ['db1'])).rejects.toThrow('there is no ~/none');
    expect((await ask('~/.ssh/config', false, ['db1'])).word('user')).toBeUndefined();
    expect((await configAsker({})('~/.ssh/config', false, ['db1'])).word('user')).toBeUndefined();
  });

  test('is told of where it is not gone by', async () => {
    const { notes, host } = await routeWith(
      'Match exec "true" host db1\n  User eve\nMatch all\nStrictHostKeyChecking no\nKexAlgorithms +diffie-hellman-group1-sha1\n',
    );
    expect(notes).toEqual([
      expect.stringContaining('config:1: this block does not count, `Match exec` is not judged here'),
      expect.stringContaining('config:4: host keys are strict here'),
      expect.stringContaining('config:5: diffie-hellman-group1-sha1 is spoken only where ssh.allow'),
    ]);
    expect(host.settings.user).toBe('deploy');
    expect(host.algorithms.kex).not.toContain('diffie-hellman-group1-sha1');
  });

  test('with Windows line ends, a BOM and tabs reads the same', () => {
    expect(parseConfigLines('\ufeffHost\tdb1 "a b"\r\n\tUser=ops # me\r\n\r\n#x\r\n', 'f')).toEqual([
      { keyword: 'host', words: ['db1', 'a b'], where: 'f:1' },
      { keyword: 'user', words: ['ops'], where: 'f:2' },
    ]);
  });

  test('of any text is read without a complaint', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (text, name) => {
        for (const { words } of parseConfigLines(`Match ${text}`, 'f'))
          matchBlockMatches(words, { names: [name], localUser: 'me' }, { hostName: undefined, user: undefined });
      }),
      { seed: 5, numRuns: 300 },
    );
  });
});

describe('algorithms', () => {
  test('that are old are spoken only by name, after all others', () => {
    expect(offeredAlgorithms([], {}).hmac).not.toContain('hmac-sha1');
    expect(offeredAlgorithms(['hmac-sha1'], {}).hmac.at(-1)).toBe('hmac-sha1');
  });

  test.each([
    [
      ['-*gcm*', 'chacha20*'],
      ['aes128-ctr', 'aes192-ctr', 'aes256-ctr'],
    ],
    [
      ['aes256-ctr', 'aes128-ctr', '3des-cbc'],
      ['aes256-ctr', 'aes128-ctr'],
    ],
  ])('are chosen and ordered by %j', (cipher, expected) => {
    expect(offeredAlgorithms([], { cipher }).cipher).toEqual(expected);
  });

  test('with ^ come first, and + adds nothing that is not allowed', () => {
    expect(offeredAlgorithms([], { cipher: ['^aes256-ctr'] }).cipher.slice(0, 2)).toEqual([
      'aes256-ctr',
      'aes128-gcm@openssh.com',
    ]);
    expect(offeredAlgorithms([], { cipher: ['+3des-cbc'] })).toEqual(offeredAlgorithms([], {}));
  });

  test('that a host offers are heard in any bytes it sends', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.string(), (bytes, text) => {
        const reader = new OfferReader();
        reader.push(Buffer.from(`${text}\r\nSSH-2.0-x\r\n`));
        reader.push(Buffer.concat([Buffer.from([0, 0, 1, 0, 4, 20]), Buffer.from(bytes)]));
        expect(reader.offer()?.version).toContain('SSH-');
      }),
      { seed: 5, numRuns: 300 },
    );
  });
});
