/** A lab in the test's process, and the built command line run against it as an operator would run it. */

import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { makeKeyStore } from '../../controller/cli/commands/init.js';
import { markedProcesses } from '../../controller/lab/host-processes.js';
import { startLab, type Lab } from '../../controller/lab/lab.js';
import type { Intercept } from '../../controller/lab/host-inside.js';
import type { LabHost } from '../../controller/lab/lab-host.js';
import { seedHosts, seedInventory } from '../../controller/lab/seed-inventory.js';
import type { Fault } from '../../controller/lab/tools/faults.js';
import { parseAddress } from '../../controller/model/address.js';
import type { Keying } from '../../controller/model/host.js';
import type { PlatformName } from '../../controller/platform/adapter.js';
import type { KeyStore, Vault } from '../../controller/ports.js';
import { openVault } from '../../controller/vault/age-vault.js';
import { generateIdentity, writeIdentityFile } from '../../controller/vault/identity.js';
import { bareEnvironment, expectExit, Runs, type Ran, type Running } from './runs.js';

// A busy machine makes processes slow; what hangs is still found.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/** The checkout's own, unless an installed one is to be tested. */
export const PROGRAM =
  process.env['IPSEC_DEPLOY_PROGRAM'] ?? join(import.meta.dirname, '..', '..', 'bin', 'ipsec-deploy.js');

export const POLICY_FILE = '/etc/inet/ipsecinit.conf';
export const KEYS_FILE = '/etc/inet/secret/ipseckeys';
export const IKE_FILE = '/etc/inet/ike/config';
export const PSK_FILE = '/etc/inet/secret/ike.preshared';
export const MANAGED = [POLICY_FILE, KEYS_FILE, IKE_FILE, PSK_FILE] as const;

export interface ToolUse {
  readonly tool: string;
  readonly args: readonly string[];
}

/** Everything on a host that a change could touch, in a form that two looks can be compared by. */
export interface HostState {
  readonly files: Readonly<Record<string, { readonly mode: string; readonly text: string } | 'absent'>>;
  /** Rules as `ipsecconf -Ln` lists them, by ascending index. */
  readonly rules: readonly string[];
  /** Loaded SAs with their keys, a line each, sorted; those that key daemons agreed on come and go with traffic, and are left out. */
  readonly sas: readonly string[];
  readonly services: readonly string[];
  readonly generation: string | undefined;
}

/** A host of the lab that remembers what was done to it. */
export class WatchedHost {
  /** Simulated commands that the agent or an operator ran, in order. */
  readonly uses: ToolUse[] = [];
  /** All that commands sent back over SSH. */
  readonly replies: Buffer[] = [];
  /** Called before each simulated command. */
  before: ((use: ToolUse) => void | Promise<void>) | undefined;
  /** Stands in for each simulated command. */
  intercept: Intercept | undefined;
  #connectionsBefore = 0;

  constructor(readonly lab: LabHost) {
    this.watch();
  }

  watch(): void {
    this.lab.faults.overhear = (chunk) => void this.replies.push(chunk);
    this.lab.intercept = async (call, run) => {
      const use = { tool: call.tool, args: call.args };
      this.uses.push(use);
      await this.before?.(use);
      return this.intercept === undefined ? run() : this.intercept(call, run);
    };
  }

  /** Forgets what it remembers. */
  forget(): void {
    this.uses.length = 0;
    this.replies.length = 0;
    this.#connectionsBefore = this.lab.connections;
  }

  /** SSH connections since it last forgot. */
  get connections(): number {
    return this.lab.connections - this.#connectionsBefore;
  }

  /** The commands that change something, as they would be typed; paths without the lab's root. */
  get changes(): readonly string[] {
    return this.uses.filter(isChange).map((use) => this.#typed(use));
  }

  get typed(): readonly string[] {
    return this.uses.map((use) => this.#typed(use));
  }

  #typed({ tool, args }: ToolUse): string {
    return [tool.replace(/^.*\//, ''), ...args].join(' ').replaceAll(this.lab.root, '');
  }

  path(path: string): string {
    return join(this.lab.root, path);
  }

  read(path: string): string {
    return fs.readFileSync(this.path(path), 'latin1');
  }

  /** What an operator would have put there by hand. */
  write(path: string, text: string, mode = 0o400): void {
    fs.rmSync(this.path(path), { force: true });
    fs.writeFileSync(this.path(path), text, { mode });
  }

  remove(path: string): void {
    fs.rmSync(this.path(path));
  }

  /** Runs a simulated command, unrecorded. */
  async tool(tool: string, ...args: readonly string[]): Promise<string> {
    return (await this.lab.machine.run(tool, args, { env: {}, stdin: '', cwd: this.lab.root })).stdout;
  }

  fault(tool: string, fault: Fault, when?: (args: readonly string[]) => boolean, times?: number): { release(): void } {
    return this.lab.machine.faults.place({
      tool,
      fault,
      ...(when === undefined ? {} : { when }),
      ...(times === undefined ? {} : { times }),
    });
  }

  async state(): Promise<HostState> {
    await this.lab.machine.idle();
    const files = Object.fromEntries(
      MANAGED.map((path): [string, HostState['files'][string]] => {
        const stat = fs.statSync(this.path(path), { throwIfNoEntry: false });
        return [path, stat === undefined ? 'absent' : { mode: modeText(stat.mode), text: this.read(path) }];
      }),
    );
    const negotiated = new Set(
      [...this.lab.machine.sad.values()].flatMap(({ spi, manager }) => (manager === undefined ? [] : [spi])),
    );
    const services = (await this.tool('svcs', '-aH', '-o', 'state,fmri')).split('\n');
    return {
      files,
      rules: rulesOf(await this.tool('ipsecconf', '-ln')),
      sas: sasOf(await this.tool('ipseckey', '-n', '-s', '-')).filter((line) => !negotiated.has(spiOf(line))),
      services: services.filter((line) => line.includes('/network/ipsec/')).map((line) => line.replace(/\s+/g, ' ')),
      generation: this.generation,
    };
  }

  get generation(): string | undefined {
    const folder = this.path('/var/ipsec-deploy/generations');
    const numbers = fs.existsSync(folder) ? fs.readdirSync(folder) : [];
    const confirmed = numbers.filter((number) => fs.existsSync(join(folder, number, 'confirmed'))).map(Number);
    return confirmed.length === 0 ? undefined : String(Math.max(...confirmed));
  }

  get transactionIsOpen(): boolean {
    return fs.existsSync(this.path('/var/ipsec-deploy/tx'));
  }

  /** Resolves when no transaction is open any more; the host's own timer may have to run out first. */
  async settled(seconds: number): Promise<void> {
    await until(() => !this.transactionIsOpen, seconds, `${this.lab.name} still has an open transaction`);
  }
}

function modeText(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}

/** Rule lines in the order of their indexes. */
export function rulesOf(listing: string): string[] {
  const lines = listing.split('\n');
  const rules = lines.flatMap((line, at) => {
    const index = /^#INDEX (\d+)/.exec(line)?.[1];
    return index === undefined ? [] : [{ index: Number(index), text: (lines[at + 1] ?? '').trimEnd() }];
  });
  return rules.sort((a, b) => a.index - b.index).map(({ text }) => text);
}

/** One line an SA of `ipseckey -s`, sorted: the kernel keeps them in no order. */
function sasOf(saved: string): string[] {
  const lines = saved.replace(/\s*\\\n\s*/g, ' ').split('\n');
  return lines
    .filter((line) => line.startsWith('add '))
    .map((line) => line.trim())
    .sort();
}

function spiOf(line: string): number {
  return Number(/ spi (0x[0-9a-f]+) /.exec(line)?.[1]);
}

const LISTING: Readonly<Record<string, (args: readonly string[]) => boolean>> = {
  ipsecconf: (args) => args.every((arg) => /^-(L|n|Ln|l|ln|c)$/.test(arg) || !arg.startsWith('-')) && args.length > 0,
  ipseckey: (args) => args.includes('-s') || args.includes('-c') || args.includes('dump') || args.includes('get'),
  'in.iked': (args) => args.includes('-c'),
  ikeadm: (args) => args.includes('get') || args.includes('dump'),
  svcs: () => true,
  svcprop: () => true,
  pgrep: () => true,
};

export function isChange({ tool, args }: ToolUse): boolean {
  return LISTING[tool.replace(/^.*\//, '')]?.(args) !== true;
}

/** Looks again until it holds. For what happens on a host without telling the test: its files. */
export async function until(holds: () => boolean, seconds: number, complaint: string): Promise<void> {
  const deadline = performance.now() + seconds * 1000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(complaint);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** What was protected may come to be in the clear: a port that is opened, a link that is taken away. */
export const OPENING = ['--accept-risk', 'in-the-clear'] as const;

export interface FleetOptions {
  readonly keying?: Keying;
  /** Of every host; `solaris-smf` unless said. */
  readonly platform?: PlatformName;
  /** In all; two unless said. */
  readonly hosts?: number;
  readonly confirmWindowSeconds?: number;
  /** Whom a host's SSH lets in: whomever its loaded policy does, or all that come. */
  readonly letIn?: 'by-policy' | 'all';
}

/** A lab, its inventory and its keys in a folder of their own, and the words to run the command line there. */
export class TestFleet {
  readonly #runs = new Runs();
  readonly hosts = new Map<string, WatchedHost>();
  #inventory: string;

  private constructor(
    readonly folder: string,
    readonly lab: Lab,
    inventory: string,
  ) {
    this.#inventory = inventory;
    for (const host of lab.hosts.values()) this.hosts.set(host.name, new WatchedHost(host));
  }

  static async start(options: FleetOptions = {}): Promise<TestFleet> {
    const {
      keying = 'ike-psk',
      platform = 'solaris-smf',
      hosts = 2,
      confirmWindowSeconds = 60,
      letIn = 'by-policy',
    } = options;
    const client = letIn === 'all' ? undefined : parseAddress('127.0.0.1');
    const folder = fs.mkdtempSync(join(tmpdir(), 'ipsec-cli-'));
    const lab = await startLab({ folder, hosts: seedHosts(hosts).map((host) => ({ ...host, platform })), client });
    const seed = seedInventory([...lab.hosts.values()], keying);
    const inventory = replaced(seed, 'confirmWindowSeconds: 20', `confirmWindowSeconds: ${confirmWindowSeconds}`);
    const fleet = new TestFleet(folder, lab, inventory);
    fleet.writeInventory(inventory);
    await writeIdentityFile(join(folder, 'identity.txt'), await generateIdentity(), new Date());
    await makeKeyStore(folder, false);
    return fleet;
  }

  host(name: string): WatchedHost {
    const host = this.hosts.get(name);
    if (host === undefined) throw new Error(`the lab has no host ${name}`);
    return host;
  }

  get web1(): WatchedHost {
    return this.host('web1');
  }

  get db1(): WatchedHost {
    return this.host('db1');
  }

  get inventory(): string {
    return this.#inventory;
  }

  writeInventory(text: string): void {
    this.#inventory = text;
    fs.writeFileSync(this.file('inventory.yaml'), text);
  }

  /** Replaces words of the inventory that must be there. */
  edit(from: string, to: string): void {
    this.writeInventory(replaced(this.#inventory, from, to));
  }

  /** A change that concerns both ends: one more port without IPsec. It has to be applied with `OPENING`. */
  openPort(port: number): void {
    this.edit(
      '        - { lport: 443, ulp: tcp }\n',
      `        - { lport: 443, ulp: tcp }\n        - { lport: ${port}, ulp: tcp }\n`,
    );
  }

  file(name: string): string {
    return join(this.folder, name);
  }

  get vault(): Vault {
    return openVault(
      { keyStore: this.file('keys.age'), recipients: [], identityFile: this.file('identity.txt') },
      undefined,
    );
  }

  keys(): Promise<KeyStore> {
    return this.vault.read();
  }

  /** Empties the key store, so that the next run draws new keys. */
  async forgetKeys(): Promise<void> {
    const vault = this.vault;
    const { salt } = await vault.read();
    await vault.write({ salt, keys: new Map() });
  }

  /** The environment of an operator who has nothing set up but this. */
  get environment(): Record<string, string> {
    return bareEnvironment(this.folder);
  }

  start(...words: readonly string[]): Running {
    return this.spawn(process.execPath, [PROGRAM, ...words]);
  }

  spawn(program: string, words: readonly string[]): Running {
    return this.#runs.start([program, ...words], { cwd: this.folder, env: this.environment });
  }

  /** `run('apply')` is `ipsec-deploy apply` in the fleet's folder. */
  run(...words: readonly string[]): Promise<Ran> {
    return this.start(...words).ended;
  }

  /** Runs a command that has to end with this status; anything else shows what it said. */
  async expect(exit: number, ...words: readonly string[]): Promise<Ran> {
    const ran = await this.run(...words);
    expectExit(ran, exit);
    return ran;
  }

  async states(): Promise<Record<string, HostState>> {
    const entries = [...this.hosts.values()].map(async (host) => [host.lab.name, await host.state()] as const);
    return Object.fromEntries(await Promise.all(entries));
  }

  forget(): void {
    for (const host of this.hosts.values()) host.forget();
  }

  /** Hosts as delivered, no fault on any, nothing remembered; the keys stay. */
  async reset(inventory = this.#inventory): Promise<void> {
    await this.#runs.end();
    for (const host of this.hosts.values()) {
      host.lab.machine.faults.clear();
      for (const fault of Object.keys(host.lab.faults)) Reflect.deleteProperty(host.lab.faults, fault);
      host.before = undefined;
      host.intercept = undefined;
      await host.lab.reset();
      host.watch();
    }
    this.writeInventory(inventory);
    this.forget();
  }

  /** Ends all by id, removes the folder, and looks that nothing is left. */
  async close(): Promise<void> {
    await this.#runs.end();
    for (const host of this.hosts.values()) host.lab.machine.faults.clear();
    await this.lab.close();
    const left = markedProcesses((marker) => marker.startsWith(this.lab.folder));
    fs.rmSync(this.folder, { recursive: true, force: true });
    expect(left).toEqual([]);
    expect(fs.existsSync(this.folder)).toBe(false);
  }
}

function replaced(text: string, from: string, to: string): string {
  if (!text.includes(from)) throw new Error(`the inventory has no ${from}`);
  return text.replace(from, to);
}

/** What a run printed under `--output json`. */
export function jsonLines(ran: Pick<Ran, 'stdout'>): readonly Record<string, unknown>[] {
  return ran.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
