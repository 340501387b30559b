/** A real OpenSSH server on 127.0.0.1, run by the test as the current user, and the other programs of its package. */

import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import type { Host, SshSettings } from '../../../controller/model/host.js';

const run = promisify(execFile);

export type KeyType = 'ed25519' | 'rsa' | 'ecdsa';
const KEY_TYPES: readonly KeyType[] = ['ed25519', 'rsa', 'ecdsa'];

/** sshd starts itself anew for each connection, so it must be called by its full path. */
const SSHD = ['/usr/sbin/sshd', '/usr/lib/ssh/sshd', '/usr/local/sbin/sshd'].find((path) => existsSync(path));

export interface OpenSsh {
  readonly folder: string;
  readonly port: number;
  readonly process: ChildProcess;
  /** A key that may log in. */
  readonly clientKeyFile: string;
  /** What it has written to its log. */
  readonly log: readonly string[];
  /** Ends it and all its connections; `start` starts it again, same port, same keys. */
  stop(): Promise<void>;
  start(): Promise<void>;
  hostKeyLine(type: KeyType): Promise<string>;
  hostAt(settings?: Partial<SshSettings>): Host;
}

export interface SshdScript {
  /** What commands find in their environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Further lines of sshd_config. */
  readonly config?: readonly string[];
  /** Public keys that may log in besides the client key. */
  readonly authorizedKeys?: readonly string[];
  /** Words before its command: a program that starts it in surroundings of its own. */
  readonly inside?: readonly string[];
}

/** Starts sshd and ends it, by its process id, when the test is over. */
export async function startSshd(script: SshdScript = {}): Promise<OpenSsh> {
  if (SSHD === undefined) throw new Error('sshd is not installed: apt-get install openssh-server');
  const folder = await scratch();
  for (const type of KEY_TYPES) await makeKey(join(folder, `host_${type}`), type);
  const clientKeyFile = join(folder, 'client');
  await makeKey(clientKeyFile, 'ed25519');
  const keys = [(await readFile(`${clientKeyFile}.pub`, 'utf8')).trim(), ...(script.authorizedKeys ?? [])];
  await writeFile(join(folder, 'authorized_keys'), `${keys.join('\n')}\n`, { mode: 0o600 });
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  const port = await freePort();
  const config = [
    'ListenAddress 127.0.0.1',
    `Port ${port}`,
    ...KEY_TYPES.map((type) => `HostKey ${join(folder, `host_${type}`)}`),
    `AuthorizedKeysFile ${join(folder, 'authorized_keys')}`,
    `PidFile ${join(folder, 'pid')}`,
    'PermitRootLogin yes',
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    ...(script.config ?? []),
    ...setEnv(script.env ?? {}),
  ];
  await writeFile(join(folder, 'sshd_config'), `${config.join('\n')}\n`);
  const log: string[] = [];
  const sshd = SSHD;
  const launch = async (): Promise<ChildProcess> => {
    const words = [...(script.inside ?? []), sshd, '-D', '-e', '-f', join(folder, 'sshd_config')];
    const started = spawn(words[0] ?? sshd, words.slice(1), { stdio: ['ignore', 'ignore', 'pipe'] });
    onTestFinished(() => end(started));
    await listening(started, log);
    return started;
  };
  let child = await launch();
  const hostKeyLine = async (type: KeyType): Promise<string> => {
    const words = (await readFile(join(folder, `host_${type}.pub`), 'utf8')).split(' ');
    return words.slice(0, 2).join(' ');
  };
  const ed25519 = await hostKeyLine('ed25519');
  const hostAt = (settings: Partial<SshSettings> = {}): Host => ({
    name: 'db1',
    addresses: [],
    groups: [],
    platform: 'auto',
    template: 'peer',
    vars: {},
    at: { file: 'inventory.yaml', line: 1, column: 1 },
    ssh: {
      host: '127.0.0.1',
      port,
      user: userInfo().username,
      privilege: 'none',
      auth: [{ kind: 'key', file: clientKeyFile }],
      connectTimeoutSeconds: 20,
      replyTimeoutSeconds: 20,
      hostKeys: [ed25519],
      knownHosts: [],
      ...settings,
    },
  });
  return {
    folder,
    port,
    get process() {
      return child;
    },
    clientKeyFile,
    log,
    stop: async () => {
      const sessions = await childrenOf(child.pid);
      await end(child);
      for (const pid of sessions) killIfThere(pid);
    },
    start: async () => {
      child = await launch();
    },
    hostKeyLine,
    hostAt,
  };
}

/** Several settings stand on one line: a second SetEnv line is ignored. */
function setEnv(env: Readonly<Record<string, string>>): string[] {
  const pairs = Object.entries(env).map(([name, value]) => `"${name}=${value}"`);
  return pairs.length === 0 ? [] : [`SetEnv ${pairs.join(' ')}`];
}

/** A folder that only we can enter and that is gone after the test. */
export async function scratch(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ipsec-sshd-'));
  await chmod(folder, 0o700);
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function makeKey(file: string, type: KeyType, passphrase = ''): Promise<void> {
  const bits = type === 'rsa' ? ['-b', '2048'] : [];
  await run('ssh-keygen', ['-q', '-t', type, ...bits, '-N', passphrase, '-C', 'test', '-f', file]);
}

/** `SHA256:…` as ssh-keygen tells it. */
export async function fingerprintOf(file: string): Promise<string> {
  const { stdout } = await run('ssh-keygen', ['-lf', file]);
  return stdout.split(' ')[1] ?? '';
}

/** Hashes every name in a known_hosts file, in place. */
export async function hashKnownHosts(file: string): Promise<void> {
  await run('ssh-keygen', ['-H', '-f', file]);
}

/** Starts an SSH agent with these keys; gives its socket. */
export async function startSshAgent(folder: string, keyFiles: readonly string[]): Promise<string> {
  const socket = join(folder, 'agent.sock');
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => end(agent));
  await new Promise<void>((resolve) => agent.stdout.once('data', () => resolve()));
  const env = { ...process.env, SSH_AUTH_SOCK: socket };
  for (const file of keyFiles) await run('ssh-add', ['-q', file], { env });
  return socket;
}

/** Its processes for single connections, which outlive it. */
async function childrenOf(pid: number | undefined): Promise<readonly number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return text.split(' ').filter(Boolean).map(Number);
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has ended with the one that started it
  }
}

function listening(child: ChildProcess, said: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    if (child.stderr === null) throw new Error('sshd has no stderr');
    createInterface({ input: child.stderr }).on('line', (line) => {
      said.push(line);
      if (line.startsWith('Server listening on')) resolve();
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`sshd ended with ${code}: ${said.join('\n')}`)));
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  await ended;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
