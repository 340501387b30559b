/** A scratch host for the agent: a root folder with stand-in commands, and sessions driven as the controller drives them. */

import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { agentFolder } from '../../../controller/cli/package-files.js';
import { readAgent } from '../../../controller/remote/agent-bundle.js';
import type { AgentScript } from '../../../controller/remote/agent-link.js';
import { wantedShell } from './shells.js';
import { placeTools } from './tool-sets.js';

export const agent: AgentScript = await readAgent(agentFolder);

const FAKES = join(agentFolder, '..', 'test', 'agent', 'fakes', 'tool.sh');
const TOOLS = ['ipsecconf', 'ipseckey', 'svcs', 'svcadm', 'svcprop', 'svccfg', 'ikeadm', 'in.iked', 'uname'];

export const FILES = {
  policy: '/etc/inet/ipsecinit.conf',
  keys: '/etc/inet/secret/ipseckeys',
  config: '/etc/inet/ike/config',
  psk: '/etc/inet/secret/ike.preshared',
} as const;

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

export interface Change {
  readonly id?: string;
  readonly nonce?: string;
  readonly window?: number;
  readonly generation?: number;
  readonly expect?: number | 'none';
  readonly keep?: number;
  readonly steps?: string;
  readonly ike?: string;
  /** Content sent, `keep`, `remove`, or a generation number to take it from. */
  readonly files?: Readonly<Record<string, string>>;
  readonly stored?: Readonly<Record<string, number>>;
  readonly remove?: readonly string[];
  readonly keepFiles?: readonly string[];
  readonly expectFiles?: Readonly<Record<string, string>>;
  readonly expectSpd?: string;
  readonly spd?: readonly string[];
  /** The controller's order on a host that takes rules one by one: `add RULE`, `delete RULE`. */
  readonly change?: readonly string[];
}

export class AgentHost {
  readonly base = fs.mkdtempSync(join(tmpdir(), 'agent-'));
  readonly root = join(this.base, 'root');
  readonly state = join(this.root, 'var', 'ipsec-deploy');
  readonly sessions: Session[] = [];
  readonly marker = `agent-test-${randomBytes(6).toString('hex')}`;

  /** Starts the agent's shell. */
  shell: readonly string[];

  /** What a login brings along besides. */
  login: Readonly<Record<string, string>> = {};

  /** Who logs in, where it is not whoever runs the tests. */
  user: { readonly uid?: number; readonly gid?: number } = {};

  constructor(shell: readonly string[] = wantedShell().program) {
    for (const folder of [
      'usr/sbin',
      'usr/bin',
      'etc/inet/secret',
      'etc/inet/ike',
      'etc/zfs',
      'var',
      'kernel/smf',
      'faults',
    ]) {
      fs.mkdirSync(join(this.root, folder), { recursive: true });
    }
    // By which the agent knows that there are services.
    fs.mkdirSync(join(this.root, 'lib/svc/manifest/network/ipsec'), { recursive: true });
    this.write('lib/svc/manifest/network/ipsec/policy.xml', '');
    for (const tool of TOOLS) fs.copyFileSync(FAKES, join(this.root, 'usr/sbin', tool));
    for (const tool of TOOLS) fs.chmodSync(join(this.root, 'usr/sbin', tool), 0o755);
    this.write('etc/zfs/zpool.cache', '');
    for (const state of ['spd', 'sad']) fs.writeFileSync(join(this.root, 'kernel', state), '');
    this.service('policy', 'online');
    this.service('manual-key', 'disabled');
    this.service('ike', 'disabled');
    this.shell = [...placeTools(this.base, this.root), ...shell];
    // One program name, as /bin/sh is one on a host.
    fs.writeFileSync(join(this.base, 'sh'), `#!/bin/sh\nexec ${this.shell.join(' ')} "$@"\n`, { mode: 0o755 });
  }

  env(): Record<string, string> {
    return {
      IPSEC_AGENT_ROOT: this.root,
      IPSEC_AGENT_SHELL: join(this.base, 'sh'),
      PATH: process.env['PATH'] ?? '/usr/bin:/bin',
      AGENT_TEST: this.marker,
      ...this.login,
    };
  }

  path(file: string): string {
    return join(this.root, file);
  }

  read(file: string): string | undefined {
    return fs.existsSync(this.path(file)) ? fs.readFileSync(this.path(file), 'utf8') : undefined;
  }

  write(file: string, text: string, mode = 0o600): void {
    fs.rmSync(this.path(file), { force: true });
    fs.writeFileSync(this.path(file), text, { mode });
  }

  service(name: string, state: string): void {
    this.write(`kernel/smf/${name}:default`, `${state}\n`);
  }

  serviceState(name: string): string {
    return (this.read(`kernel/smf/${name}:default`) ?? 'absent').trim();
  }

  spd(): readonly string[] {
    return (this.read('kernel/spd') ?? '').split('\n').filter(Boolean);
  }

  sad(): readonly string[] {
    return (this.read('kernel/sad') ?? '').split('\n').filter(Boolean).sort();
  }

  fault(tool: string, word: string, pattern: string): void {
    fs.appendFileSync(this.path(`faults/${tool}`), `${word} ${pattern}\n`);
  }

  noFaults(): void {
    fs.rmSync(this.path('faults'), { recursive: true });
    fs.mkdirSync(this.path('faults'));
  }

  calls(): readonly string[] {
    return (this.read('calls') ?? '').split('\n').filter(Boolean);
  }

  forgetCalls(): void {
    fs.rmSync(this.path('calls'), { force: true });
  }

  /** Everything that must be old or new and never between. */
  picture(): unknown {
    const files = Object.values(FILES).map((file) => {
      const path = this.path(file);
      return fs.existsSync(path) ? [file, fs.readFileSync(path, 'utf8'), fs.statSync(path).mode & 0o7777] : [file];
    });
    const services = ['policy', 'manual-key', 'ike'].map((name) => [name, this.serviceState(name)]);
    return { files, spd: this.spd(), sad: this.sad(), services, daemon: this.read('kernel/daemon') };
  }

  /** `readonly`: a session that may only look. */
  async open(mode?: 'readonly'): Promise<Session> {
    const [program = 'sh', ...args] = this.shell;
    const words = mode === undefined ? [agent.digest] : [agent.digest, mode];
    const child = spawn(program, [...args, '-s', '--', ...words], { env: this.env(), detached: true, ...this.user });
    const session = new Session(this, child);
    this.sessions.push(session);
    await session.start();
    return session;
  }

  /** Power cut: everything is killed, memory is lost, services start again, the guard first. */
  bootGuard(): void {
    const script = join(this.state, 'agent', 'boot');
    const run = spawnSync(join(this.base, 'sh'), [script, 'boot'], { env: this.env(), encoding: 'utf8' });
    if (run.status !== 0) throw new Error(`boot guard: exit ${run.status} ${run.stdout} ${run.stderr}`);
  }

  /** Processes of this host that are still there, zombies left out. */
  processes(): readonly { readonly pid: number; readonly command: string }[] {
    return fs
      .readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => {
        try {
          const environment = fs.readFileSync(`/proc/${name}/environ`, 'latin1');
          if (!environment.includes(`AGENT_TEST=${this.marker}`)) return [];
          const command = fs.readFileSync(`/proc/${name}/cmdline`, 'latin1').replaceAll('\0', ' ');
          return command === '' ? [] : [{ pid: Number(name), command }];
        } catch {
          return [];
        }
      });
  }

  /** As a power cut does: also what was just being started. */
  killAll(): void {
    for (let left = this.processes(); left.length > 0; left = this.processes()) {
      for (const { pid } of left) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // Gone meanwhile.
        }
      }
    }
  }

  async until(what: string, holds: () => boolean, seconds = 30): Promise<void> {
    const deadline = Date.now() + seconds * 1000;
    while (!holds()) {
      if (Date.now() > deadline) throw new Error(`waited ${seconds} s for: ${what}`);
      await delay(10);
    }
  }

  async untilQuiet(): Promise<void> {
    await this.until('no process left', () => this.processes().length === 0);
  }

  /** What must never stay: the open transaction, staged files, locks, scratch folders. */
  leftovers(): readonly string[] {
    const own = fs.existsSync(this.state) ? fs.readdirSync(this.state) : [];
    const expected = ['agent', 'generations', 'history'];
    return [
      ...own.filter((name) => !expected.includes(name)),
      ...fs.readdirSync(this.path('etc/inet')).filter((name) => name.startsWith('.')),
    ];
  }

  async dispose(): Promise<readonly string[]> {
    for (const session of this.sessions) session.end();
    await this.until('sessions end', () => this.sessions.every((session) => session.over), 15).catch(() => undefined);
    // What was told to end needs its moment on a busy machine.
    await this.until('processes end', () => this.processes().length === 0, 15).catch(() => undefined);
    const left = this.processes().map(({ command }) => command);
    this.killAll();
    fs.rmSync(this.base, { recursive: true, force: true });
    return left;
  }
}

/** What a transaction's expectations are made from. */
export interface HostView {
  readonly state: string;
  read(file: string): string | undefined;
  spd(): readonly string[];
}

export interface Reply {
  readonly lines: readonly string[];
  /** Records without the mark. */
  readonly records: readonly string[];
  readonly last: string;
}

export class Session {
  readonly mark = randomBytes(8).toString('hex');
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: string[] = [];
  readonly #waiting: (() => void)[] = [];
  greeting = '';
  heard = '';
  over = false;
  /** Called with each line as it comes. */
  onLine: (line: string) => void = () => undefined;

  constructor(
    private readonly host: HostView,
    child: ChildProcessWithoutNullStreams,
  ) {
    this.#child = child;
    const take = (line: string): void => {
      this.heard += `${line}\n`;
      this.#lines.push(line);
      this.onLine(line);
      this.#waiting.splice(0).forEach((wake) => wake());
    };
    createInterface({ input: this.#child.stdout }).on('line', take);
    this.#child.stderr.on('data', (chunk: Buffer) => (this.heard += `stderr: ${chunk.toString()}`));
    this.#child.stdin.on('error', () => undefined);
    this.#child.once('close', () => {
      this.over = true;
      this.#waiting.splice(0).forEach((wake) => wake());
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async line(): Promise<string> {
    while (this.#lines.length === 0) {
      if (this.over) throw new Error(`the agent ended; heard:\n${this.heard}`);
      await new Promise<void>((wake) => this.#waiting.push(wake));
    }
    return this.#lines.shift() ?? '';
  }

  send(text: string): void {
    this.#child.stdin.write(text);
  }

  end(): void {
    this.#child.stdin.end();
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** The connection breaks: the agent's pipes close. */
  cut(): void {
    this.#child.stdin.destroy();
    this.#child.stdout.destroy();
    this.#child.stderr.destroy();
  }

  async start(): Promise<void> {
    this.send(agent.loader);
    this.greeting = await this.#greeting();
    if (this.greeting === 'ipsec-deploy-agent need') {
      this.send(`${agent.text}\n\n\n`);
      this.greeting = await this.#greeting();
    }
    if (this.greeting.includes('ready')) this.send(`session mark=${this.mark} protocol=1\n`);
  }

  async #greeting(): Promise<string> {
    for (;;) {
      const line = await this.line();
      if (line.startsWith('ipsec-deploy-agent')) return line;
    }
  }

  /** Sends a request and reads up to the record or the end of the section that answers it. */
  async ask(request: string): Promise<Reply> {
    this.send(request.endsWith('\n') ? request : `${request}\n`);
    const word = request.split(' ', 1)[0]?.trim() ?? '';
    const last =
      {
        observe: 'end observe',
        drift: 'end drift',
        read: 'end file',
        collect: 'end collected',
        fingerprints: 'end fingerprints',
        surroundings: 'end surroundings',
        status: 'end status',
        generation: 'end generation',
      }[word] ?? 'outcome';
    const lines: string[] = [];
    const records: string[] = [];
    for (;;) {
      const line = await this.line();
      lines.push(line);
      if (!line.startsWith(`${this.mark} `)) continue;
      const record = line.slice(this.mark.length + 1);
      records.push(record);
      if (record.startsWith(last) || record.startsWith('error ')) return { lines, records, last: record };
    }
  }

  async apply(change: Change): Promise<Reply> {
    return this.ask(transactionText(this.host, change));
  }
}

export const NONCE = 'a1b2c3d4e5f60718';

export function manifest(generation: number): string {
  return `format 1\ngeneration ${generation}\nrun R1\nmade 2026-11-22T10:00:00Z\n`;
}

/** A transaction block; what is not given is as the host is now. */
export function transactionText(host: HostView, change: Change): string {
  const generation = change.generation ?? 1;
  const files = change.files ?? {};
  const head =
    `transaction id=${change.id ?? `T${generation}`} nonce=${change.nonce ?? NONCE} window=${change.window ?? 30}` +
    ` generation=${generation} expect=${change.expect ?? 'none'} run=R1 keep=${change.keep ?? 10}` +
    ` steps=${change.steps ?? 'read,chmod,keys,policy,ike'} ike=${change.ike ?? 'none'}\n`;
  const sums = Object.values(FILES).map((file) => {
    const text = host.read(file);
    return `@expect path=${file} sha256=${change.expectFiles?.[file] ?? (text === undefined ? 'absent' : sha256(text))}\n`;
  });
  const quoted = (text: string): string => text.replace(/^/gm, '|').replace(/\|$/, '');
  const spd = change.spd ?? (files[FILES.policy] ?? '').split('\n').filter((line) => line.startsWith('{'));
  const canonical = host
    .spd()
    .map((rule) => `${rule}\n`)
    .join('');
  const sent = Object.entries(files).map(
    ([path, text]) => `@file path=${path} mode=0400 sha256=${sha256(text)}\n${quoted(text)}`,
  );
  const kept = (change.keepFiles ?? []).map(
    (path) => `@keep path=${path} mode=0400 sha256=${sha256(host.read(path) ?? '')}\n`,
  );
  const stored = Object.entries(change.stored ?? {}).map(([path, from]) => {
    const text = fs.readFileSync(
      join(host.state, 'generations', String(from), 'files', path.split('/').at(-1) ?? ''),
      'utf8',
    );
    return `@stored path=${path} mode=0400 sha256=${sha256(text)} from=${from}\n`;
  });
  const gone = (change.remove ?? []).map((path) => `@remove path=${path}\n`);
  return [
    head,
    ...sums,
    `@expect-spd sha256=${change.expectSpd ?? sha256(canonical)}\n`,
    ...sent,
    ...kept,
    ...stored,
    ...gone,
    '@spd\n',
    ...spd.map((rule) => `|${rule}\n`),
    ...(change.change === undefined ? [] : ['@change\n', ...change.change.map((line) => `|${line}\n`)]),
    '@manifest\n',
    quoted(manifest(generation)),
    '#@end\n\n\n\n',
  ].join('');
}
