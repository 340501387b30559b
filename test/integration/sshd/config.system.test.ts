/** What we take from ssh_config(5) files, held against what `ssh -G` takes from the same ones. */

import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { Host } from '../../../controller/model/host.js';
import { configAsker } from '../../../controller/remote/ssh-config.js';
import { routeTo } from '../../../controller/remote/ssh-route.js';
import { scratch } from './openssh.js';

const run = promisify(execFile);

const CONFIG = `# first word wins
Host web1 db?.example.org !db9.example.org
  User first
  Port 2200
  IdentityFile ~/.ssh/%r-%h
  IdentityFile "/keys/with blank"
Host "quoted name" web*
    HostName=%h.inner.example.org
  user second # too late for web1
  Ciphers -*cbc*,aes128-ctr
Match originalhost web2 user second
  IdentityAgent none
  ServerAliveInterval 42
Match host *.inner.example.org,other !localuser nobody-at-all
  HostKeyAlias inner
  Compression yes
Match user nobody-at-all
  User never
Include more/*.conf
Host !web1 *
  ConnectTimeout 7
Host *
  Port 2222
  User last
  UserKnownHostsFile /dev/null %d/known
  KexAlgorithms ^ecdh-sha2-nistp521,diffie-hellman-group16-sha512
  MACs hmac-sha2-512,hmac-sha2-256
  IdentityFile /keys/\${ROLE}-%n-%p
  PreferredAuthentications publickey
  IdentitiesOnly yes
`;

const MORE = `BindAddress 127.0.0.9
Host db1*
  ProxyJump ops@[fd00::5]:2022,inner.bastion
  AddressFamily inet6
`;

interface Answers {
  readonly [keyword: string]: readonly string[];
}

/** What OpenSSH makes of it; the file stands in for ~/.ssh/config, and HOME is the account's own to it. */
async function opensshSays(file: string, name: string): Promise<Answers> {
  const { stdout } = await run('ssh', ['-G', '-F', file, name], { env: { ...process.env, ROLE: 'deploy' } });
  const answers: Record<string, string[]> = {};
  for (const line of stdout.split('\n')) {
    const [keyword = '', ...value] = line.split(' ');
    (answers[keyword] ??= []).push(value.join(' '));
  }
  return answers;
}

const HOME = userInfo().homedir;

async function weSay(file: string, name: string): Promise<Answers> {
  const env = { HOME, ROLE: 'deploy' };
  const host: Host = {
    name,
    addresses: [],
    groups: [],
    platform: 'auto',
    template: 'peer',
    vars: {},
    at: { file: 'inventory.yaml', line: 1, column: 1 },
    ssh: {
      host: name,
      port: 2222,
      user: '',
      privilege: 'none',
      auth: [{ kind: 'agent' }],
      connectTimeoutSeconds: 99,
      replyTimeoutSeconds: 60,
      hostKeys: [],
      knownHosts: [],
      config: {
        file,
        isNamed: true,
        open: ['host', 'port', 'user', 'auth', 'connectTimeoutSeconds', 'knownHosts', 'proxyJump'],
      },
    },
  };
  const { jumps, host: hop } = await routeTo(host, configAsker(env), env);
  const answer = await configAsker(env)(file, true, [name]);
  return {
    hostname: [hop.settings.host],
    user: [hop.settings.user],
    port: [answer.word('port') ?? ''],
    identityfile: hop.settings.auth.flatMap((auth) => (auth.kind === 'key' ? [auth.file] : [])),
    connecttimeout: hop.settings.connectTimeoutSeconds === 99 ? ['none'] : [String(hop.settings.connectTimeoutSeconds)],
    serveraliveinterval: [hop.keepaliveSeconds === 10 ? '0' : String(hop.keepaliveSeconds)],
    userknownhostsfile: [hop.settings.knownHosts.join(' ')],
    addressfamily: [{ 4: 'inet', 6: 'inet6', any: 'any' }[hop.family ?? 'any']],
    bindaddress: hop.localAddress === undefined ? [] : [hop.localAddress],
    identitiesonly: [hop.agentKeys === undefined ? 'no' : 'yes'],
    ...(jumps.length === 0
      ? {}
      : {
          proxyjump: [jumps.map(({ settings }) => `${settings.host} ${settings.port}`).join(',')],
        }),
    ...(hop.hostKeyAlias === undefined ? {} : { hostkeyalias: [hop.hostKeyAlias] }),
  };
}

describe('ssh_config', () => {
  const names = ['web1', 'web2', 'db1.example.org', 'db9.example.org', 'quoted name', 'other', 'elsewhere'];
  test.each(names.filter((name) => !name.includes(' ')))('says of %s what ssh -G says', async (name) => {
    const folder = await scratch();
    await mkdir(join(folder, 'more'));
    const file = join(folder, 'config');
    await writeFile(file, CONFIG.replace('more/*.conf', join(folder, 'more/*.conf')), { mode: 0o600 });
    await writeFile(join(folder, 'more/1.conf'), MORE, { mode: 0o600 });
    const theirs = await opensshSays(file, name);
    // the policy keeps a port open that the inventory names: another one here is refused
    const text = await weSay(file, name).catch((error: unknown) => String(error));
    if (theirs['port']?.[0] !== '2222') {
      expect(text).toContain(`says port ${theirs['port']?.[0]} for ${name}`);
      return;
    }
    if (typeof text === 'string') throw new Error(text);
    const expected: Record<string, readonly string[]> = {};
    for (const keyword of Object.keys(text)) {
      expected[keyword] = (theirs[keyword] ?? []).map((value) =>
        keyword === 'proxyjump'
          ? value.replace('ops@[fd00::5]:2022', 'fd00::5 2022').replace('inner.bastion', 'inner.bastion 2222')
          : value,
      );
    }
    const plain: Answers = {
      ...text,
      identityfile: (text['identityfile'] ?? []).map((path) => path.replace(/^~/, HOME)),
    };
    const theirFiles = (expected['identityfile'] ?? []).map((path) => path.replace(/^~/, HOME));
    expect({ ...plain }).toEqual({ ...expected, identityfile: theirFiles.map((path) => opened(path, name, theirs)) });
  });
});

/** -G prints tokens and variables as they stand. */
function opened(path: string, name: string, theirs: Answers): string {
  return path
    .replace('%r', theirs['user']?.[0] ?? '')
    .replace('%h', theirs['hostname']?.[0] ?? '')
    .replace('%n', name)
    .replace('%p', theirs['port']?.[0] ?? '')
    .replace('${ROLE}', 'deploy');
}
