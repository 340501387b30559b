/** A lab in the test's process, and the built command line run against it as an operator would run it. */

import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { makeKeyStore } from '../../controller/cli/commands/init.js';
import { markedProcesses } from '../../controller/lab/host-processes.js';
import { startLab, type Lab } from '../../controller/lab/lab.js';
import { seedHosts, seedInventory } from '../../controller/lab/seed-inventory.js';
import { parseAddress } from '../../controller/model/address.js';
import type { Keying } from '../../controller/model/host.js';
import type { PlatformName } from '../../controller/platform/adapter.js';
import type { KeyStore, Vault } from '../../controller/ports.js';
import { openVault } from '../../controller/vault/age-vault.js';
import { generateIdentity, writeIdentityFile } from '../../controller/vault/identity.js';
import { bareEnvironment, expectExit, Runs, type Ran, type Running } from './runs.js';
import { WatchedHost, type HostState } from './watched-host.js';

// A busy machine makes processes slow; what hangs is still found.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

/** The checkout's own, unless an installed one is to be tested. */
export const PROGRAM =
  process.env['IPSEC_DEPLOY_PROGRAM'] ?? join(import.meta.dirname, '..', '..', 'bin', 'ipsec-deploy.js');

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
