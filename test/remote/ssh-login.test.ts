import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import type { AuthContext } from 'ssh2';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Host, SshAuth, SshSettings } from '../../controller/model/host.js';
import { HostLinkError } from '../../controller/ports.js';
import type { LinkFailure } from '../../controller/ports.js';
import { createHostLink } from '../../controller/remote/agent-link.js';
import type { HostLinkOptions } from '../../controller/remote/agent-link.js';
import { keyFingerprint } from '../../controller/remote/known-hosts.js';
import { newEd25519Key } from '../support/ssh-keys.js';
import { fakeAgent } from './fake-agent.js';
import { HOST_KEY, PASSWORD, hostAt, linkOptions, startServer } from './ssh-server.js';
import type { ServerScript, TestServer } from './ssh-server.js';

let folder = '';
const servers: TestServer[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ssh-'));
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
  await rm(folder, { recursive: true });
});

async function serve(script: ServerScript = {}): Promise<TestServer> {
  const server = await startServer({ command: fakeAgent({ answers: {} }).command, ...script });
  servers.push(server);
  return server;
}

async function opens(host: Host, options: Partial<HostLinkOptions> = {}): Promise<LinkFailure | 'open'> {
  try {
    const session = await createHostLink(linkOptions(options)).open(host);
    await session.close();
    return 'open';
  } catch (error) {
    if (error instanceof HostLinkError) return error.failure;
    throw error;
  }
}

/** Accepts the given public keys after a proved signature; counts what was tried. */
function keysOnly(publicKeys: readonly string[], tried: string[] = []): (context: AuthContext) => void {
  const trusted = publicKeys.map((line) => ssh2.utils.parseKey(line));
  return (context) => {
    tried.push(context.method);
    if (context.method !== 'publickey') {
      context.reject(['publickey']);
      return;
    }
    const key = trusted.find((one) => !(one instanceof Error) && one.getPublicSSH().equals(context.key.data));
    if (key === undefined || key instanceof Error) context.reject(['publickey']);
    else if (context.signature === undefined || context.blob === undefined) context.accept();
    else if (key.verify(context.blob, context.signature, context.hashAlgo) === true) context.accept();
    else context.reject(['publickey']);
  };
}

async function keyFile(name: string, key: { private: string }): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, key.private, { mode: 0o600 });
  return file;
}

describe('logging in', () => {
  test.each([
    ['ed25519', () => newEd25519Key()],
    ['ecdsa', () => ssh2.utils.generateKeyPairSync('ecdsa', { bits: 384 })],
    ['rsa', () => ssh2.utils.generateKeyPairSync('rsa', { bits: 2048 })],
  ])('with a key file (%s), going straight to it', async (type, make) => {
    const key = make();
    const tried: string[] = [];
    const server = await serve({ auth: keysOnly([key.public], tried) });
    const file = await keyFile(`id_${type}`, key);
    expect(await opens(hostAt(server, { auth: [{ kind: 'key', file }] }))).toBe('open');
    expect(new Set(tried)).toEqual(new Set(['publickey']));
  });

  test('with a key under the home folder', async () => {
    const key = newEd25519Key();
    await keyFile('id', key);
    const host = hostAt(await serve({ auth: keysOnly([key.public]) }), { auth: [{ kind: 'key', file: '~/id' }] });
    expect(await opens(host, { env: { HOME: folder } })).toBe('open');
  });

  const encrypted = (): { private: string; public: string } =>
    newEd25519Key({ passphrase: 'sesame', cipher: 'aes256-ctr', rounds: 4 });

  test('with an encrypted key and its passphrase in a variable', async () => {
    const key = encrypted();
    const server = await serve({ auth: keysOnly([key.public]) });
    const auth: SshAuth[] = [{ kind: 'key', file: await keyFile('id', key), passphraseEnv: 'PASS' }];
    expect(await opens(hostAt(server, { auth }), { env: { PASS: 'sesame' } })).toBe('open');
    expect(await opens(hostAt(server, { auth }), { env: { PASS: 'wrong' } })).toMatchObject({
      kind: 'auth',
      reason: expect.stringContaining('the passphrase in PASS is wrong'),
    });
    expect(await opens(hostAt(server, { auth }), { env: {} })).toMatchObject({
      reason: expect.stringContaining('the variable PASS is not set'),
    });
  });

  test('with an encrypted key whose passphrase is asked for once for many hosts', async () => {
    const key = encrypted();
    const server = await serve({ auth: keysOnly([key.public]) });
    const prompts: string[] = [];
    const ask = (prompt: string): Promise<string> => {
      prompts.push(prompt);
      return Promise.resolve(prompts.length === 1 ? 'wrong' : 'sesame');
    };
    const link = createHostLink(linkOptions({ ask }));
    const host = hostAt(server, { auth: [{ kind: 'key', file: await keyFile('id', key) }] });
    const sessions = await Promise.all([link.open(host), link.open(host), link.open(host)]);
    for (const session of sessions) await session.close();
    expect(prompts).toHaveLength(2);
  });

  test('with a password from a variable, or asked for', async () => {
    const server = await serve();
    expect(await opens(hostAt(server))).toBe('open');
    const ask = (): Promise<string> => Promise.resolve(PASSWORD);
    expect(await opens(hostAt(server, { auth: [{ kind: 'password' }] }), { ask })).toBe('open');
  });

  test('with a password that is typed when the host has long gone fails, and the run goes on', async () => {
    const server = await serve();
    let type: (password: string) => void = () => undefined;
    const ask = (): Promise<string> => {
      for (const socket of server.connections) socket.destroy();
      return new Promise((resolve) => (type = resolve));
    };
    expect(await opens(hostAt(server, { auth: [{ kind: 'password' }] }), { ask })).toMatchObject({ kind: 'auth' });
    type(PASSWORD);
    // A rejection that nobody handles would end the run here, as it ends vitest's.
    await new Promise((resolve) => setImmediate(resolve));
  });

  test('with a password where the host only takes keyboard-interactive', async () => {
    const auth = (context: AuthContext): void => {
      if (context.method !== 'keyboard-interactive') context.reject(['keyboard-interactive']);
      else
        context.prompt([{ prompt: 'Password: ', echo: false }], (answers: string[]) => {
          if (answers[0] === PASSWORD) context.accept();
          else context.reject();
        });
    };
    expect(await opens(hostAt(await serve({ auth })))).toBe('open');
  });

  /** A host that asks these prompts, round by round, and lets in whoever answers all that are hidden with the password. */
  const asking = (rounds: readonly (readonly { prompt: string; echo: boolean }[])[], heard: string[][] = []) => {
    return (context: AuthContext): void => {
      if (context.method !== 'keyboard-interactive') {
        context.reject(['keyboard-interactive']);
        return;
      }
      const ask = (round: number): void => {
        const prompts = rounds[round];
        if (prompts === undefined) {
          context.accept();
          return;
        }
        context.prompt([...prompts], (answers: string[]) => {
          heard.push(answers);
          if (answers.every((answer) => answer === PASSWORD)) ask(round + 1);
          else context.reject();
        });
      };
      ask(0);
    };
  };

  test('with several prompts for a password, and a round without any', async () => {
    const rounds = [
      [{ prompt: 'Mot de passe : ', echo: false }],
      [],
      [
        { prompt: 'LDAP Password: ', echo: false },
        { prompt: 'Passwort: ', echo: false },
      ],
    ];
    expect(await opens(hostAt(await serve({ auth: asking(rounds) })))).toBe('open');
  });

  test.each([
    ['a code besides', [[{ prompt: 'Password: ', echo: false }], [{ prompt: 'Verification code: ', echo: false }]]],
    [
      'a code and a password at once',
      [
        [
          { prompt: 'Password: ', echo: false },
          { prompt: 'Verification code: ', echo: false },
        ],
      ],
    ],
    ['something that is shown', [[{ prompt: 'Verification code: \u001b[31m', echo: true }]]],
    ['the password a second time', [[{ prompt: 'Password: ', echo: false }], [{ prompt: 'Password: ', echo: false }]]],
  ])('where the host asks for %s fails, shows what was asked, and gives no more', async (_what, rounds) => {
    const heard: string[][] = [];
    const failure = await opens(hostAt(await serve({ auth: asking(rounds, heard) })));
    expect(failure).toMatchObject({
      kind: 'auth',
      reason: expect.stringMatching(/asks for more.*: (Verification code|Password)/),
    });
    expect(JSON.stringify(failure)).not.toMatch(/\u001b|correct horse/);
    expect(heard.at(-1)?.join('')).toBe('');
  });

  test('with a key and then a password where both are asked for', async () => {
    const key = newEd25519Key();
    const byKey = keysOnly([key.public]);
    let first = false;
    const auth = (context: AuthContext): void => {
      if (first && context.method === 'password' && context.password === PASSWORD) context.accept();
      else if (context.method === 'publickey' && context.signature !== undefined) {
        first = true;
        context.reject(['password'], true);
      } else byKey(context);
    };
    const file = await keyFile('id', key);
    const host = hostAt(await serve({ auth }), {
      auth: [
        { kind: 'password', passwordEnv: 'PW' },
        { kind: 'key', file },
      ],
    });
    expect(await opens(host)).toBe('open');
  });

  test('that fails says what was tried, what became of it and what the host offers', async () => {
    const server = await serve({ auth: keysOnly([]) });
    const file = await keyFile('id', newEd25519Key());
    const auth: SshAuth[] = [
      { kind: 'agent' },
      { kind: 'key', file: '/nowhere/id' },
      { kind: 'key', file },
      { kind: 'password', passwordEnv: 'PW' },
    ];
    const failure = await opens(hostAt(server, { auth }));
    expect(failure).toMatchObject({
      kind: 'auth',
      reason: `db1 (127.0.0.1 port ${server.port}) did not let deploy in: SSH agent: SSH_AUTH_SOCK is not set; key /nowhere/id: no such file; key ${file}: refused; password: not offered by the host; password (keyboard-interactive): not offered by the host; the host offers publickey`,
    });
    expect(JSON.stringify(failure)).not.toContain(PASSWORD);
  });

  test('with an SSH agent that is gone goes on to the next method', async () => {
    const auth: SshAuth[] = [{ kind: 'agent' }, { kind: 'password', passwordEnv: 'PW' }];
    const env = { PW: PASSWORD, SSH_AUTH_SOCK: join(folder, 'no-socket') };
    expect(await opens(hostAt(await serve(), { auth }), { env })).toBe('open');
  });
});

describe('the host key', () => {
  test('of a host that is not the one we know ends the connection before any password is sent', async () => {
    const methods: string[] = [];
    const server = await serve({ auth: (context) => methods.push(context.method) });
    const other = newEd25519Key().public.trim();
    const failure = await opens(hostAt(server, { hostKeys: [other] }));
    expect(failure).toMatchObject({ kind: 'host-key', reason: expect.stringContaining('has changed') });
    expect(methods).toEqual([]);
  });

  test('is looked for in known_hosts files when the inventory has none', async () => {
    const server = await serve();
    const line = `[127.0.0.1]:${server.port} ${server.hostKey}\n`;
    await writeFile(join(folder, 'known_hosts'), line);
    const settings: Partial<SshSettings> = { hostKeys: [], knownHosts: ['~/missing', '~/known_hosts'] };
    expect(await opens(hostAt(server, settings), { env: { HOME: folder, PW: PASSWORD } })).toBe('open');
    const unknown = await opens(hostAt(server, { hostKeys: [], knownHosts: ['~/missing'] }), { env: { HOME: folder } });
    const blob = Buffer.from(server.hostKey.split(' ')[1] ?? '', 'base64');
    expect(unknown).toMatchObject({
      kind: 'host-key',
      reason: expect.stringContaining(keyFingerprint(blob)),
      todo: expect.stringContaining(`hostKey: ${server.hostKey}`),
    });
  });

  test('of the type we know is chosen though the host has others', async () => {
    const rsa = ssh2.utils.generateKeyPairSync('rsa', { bits: 2048 });
    const server = await serve({ hostKeys: [HOST_KEY.private, rsa.private] });
    expect(await opens(hostAt(server, { hostKeys: [rsa.public.trim()] }))).toBe('open');
  });
});

describe('a host that cannot be reached', () => {
  test('because nothing listens', async () => {
    const server = await startServer({});
    await server.close();
    expect(await opens(hostAt(server))).toEqual({
      kind: 'unreachable',
      reason: `db1 (127.0.0.1 port ${server.port}) refused the connection`,
      todo: 'see that sshd runs there and listens on that port',
    });
  });

  test('because its name does not resolve', async () => {
    const failure = await opens(hostAt({ port: 22, hostKey: '' }, { host: 'no-such-host.invalid' }));
    expect(failure).toMatchObject({ kind: 'unreachable', reason: expect.stringMatching(/name/) });
  });

  test('because what listens there speaks HTTP', async () => {
    const { port } = await listen((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    expect(await opens(hostAt({ port, hostKey: '' }))).toMatchObject({
      kind: 'unreachable',
      reason: expect.stringMatching(/handshake .*: HTTP\/1\.1 400 Bad Request$/),
    });
  });

  test('because what listens there says nothing', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const { port } = await listen(() => vi.advanceTimersByTime(10_000));
    const failure = await opens(hostAt({ port, hostKey: '' }));
    vi.useRealTimers();
    expect(failure).toMatchObject({ kind: 'timeout', reason: expect.stringContaining('did not answer within 10 s') });
  });
});

/** A TCP server that is no sshd. */
async function listen(meet: (socket: Socket) => void): Promise<{ port: number }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    meet(socket);
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return { port: typeof address === 'object' && address !== null ? address.port : 0 };
}
