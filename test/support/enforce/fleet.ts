/** An enforcing lab in the test's process, its inventory and keys in a folder, and the built command line run where the controller is. */

import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { makeKeyStore } from '../../../controller/cli/commands/init.js';
import type { EnforcedHost } from '../../../controller/lab/enforce/enforced-host.js';
import { startEnforcingLab, type EnforcingLab } from '../../../controller/lab/enforce/enforcing-lab.js';
import { formatAddress, parseAddress, type Address } from '../../../controller/model/address.js';
import type { PlatformName } from '../../../controller/platform/adapter.js';
import { generateIdentity, writeIdentityFile } from '../../../controller/vault/identity.js';
import { PROGRAM } from '../cli.js';
import { bareEnvironment, expectExit, Runs, type Ran, type Running } from '../runs.js';
import { startCapture, type Capture } from './capture.js';
import { leftOf, netNamespaces, ticksNow } from './leftovers.js';
import type { NetSpace } from './net-tool.js';

/** Where the controller stands, as the example inventory has it. */
export const CONTROLLER = '10.0.0.5';

/** How the hosts are logged in to, for the `defaults` of an inventory. */
export const SSH = 'ssh: { user: deploy, privilege: pfexec, auth: [{ key: client_ed25519 }], config: none }';

/** The wire's bridge: every frame between any two passes it once. */
const WIRE_DEVICE = 'wire0';

export interface EnforcedHostPlan {
  readonly name: string;
  readonly addresses: readonly string[];
  /** `solaris-smf` unless said. */
  readonly platform?: PlatformName;
  /** In no inventory: a stranger. */
  readonly isOutsider?: boolean;
}

export class EnforcedFleet {
  readonly #runs = new Runs();

  private constructor(
    readonly folder: string,
    readonly lab: EnforcingLab,
    readonly program: string,
  ) {}

  /** `program`: another one than the checkout's, say with an agent that stops where it is told. */
  static async start(hosts: readonly EnforcedHostPlan[], program = PROGRAM): Promise<EnforcedFleet> {
    const folder = fs.mkdtempSync(join(tmpdir(), 'ipsec-enforce-'));
    const plans = hosts.map(({ addresses, ...host }) => ({ ...host, addresses: addresses.map(address) }));
    const controller = [address(CONTROLLER), address('fd00::5')];
    const lab = await startEnforcingLab({ folder: join(folder, 'lab'), hosts: plans, controller });
    const fleet = new EnforcedFleet(folder, lab, program);
    fs.symlinkSync(lab.clientKeyFile, fleet.file('client_ed25519'));
    await writeIdentityFile(fleet.file('identity.txt'), await generateIdentity(), new Date());
    await makeKeyStore(folder, false);
    return fleet;
  }

  host(name: string): EnforcedHost {
    return this.lab.host(name);
  }

  /** The host's network, for tools of this machine. They end with the host's power. */
  space(name: string): NetSpace {
    return hostNetwork(this.host(name));
  }

  get controller(): NetSpace {
    return { name: 'controller', enter: this.lab.wire.enter([]) };
  }

  addressOf(name: string): string {
    const [first] = this.host(name).addresses;
    if (first === undefined) throw new Error(`${name} has no address`);
    return formatAddress(first);
  }

  file(name: string): string {
    return join(this.folder, name);
  }

  /** The inventory: what each has in common, and the text from `defaults:` on. */
  writeInventory(text: string, { confirmWindowSeconds = 20, file = 'inventory.yaml' } = {}): void {
    fs.mkdirSync(this.file('templates'), { recursive: true });
    const head = `version: 1
fleet: lab
management: [${CONTROLLER}]
settings: { keyStore: keys.age, identityFile: identity.txt, templates: templates, confirmWindowSeconds: ${confirmWindowSeconds} }
`;
    fs.writeFileSync(this.file(file), head + text);
  }

  /** Lines `web1: { address: …, hostKey: …, MORE }` for an inventory. */
  hostLines(more: Readonly<Record<string, string>>): string {
    return Object.entries(more)
      .map(([name, rest]) => {
        const { addresses, hostKeyLine } = this.host(name);
        const list = addresses.map((one) => `'${formatAddress(one)}'`).join(', ');
        return `  ${name}: { address: [${list}], hostKey: ${hostKeyLine}${rest === '' ? '' : `, ${rest}`} }\n`;
      })
      .join('');
  }

  writeTemplate(name: string, text: string): void {
    fs.mkdirSync(this.file('templates/solaris'), { recursive: true });
    fs.writeFileSync(this.file(`templates/solaris/${name}.hbs`), text);
  }

  /** `ipsec-deploy WORDS` where the controller is. */
  startRun(...words: readonly string[]): Running {
    const argv = this.lab.wire.enter([process.execPath, this.program, ...words]);
    return this.#runs.start(argv, { cwd: this.folder, env: bareEnvironment(this.folder) });
  }

  run(...words: readonly string[]): Promise<Ran> {
    return this.startRun(...words).ended;
  }

  /** Runs a command that has to end with this status; anything else shows what it said. */
  async expect(exit: number, ...words: readonly string[]): Promise<Ran> {
    const ran = await this.run(...words);
    expectExit(ran, exit);
    return ran;
  }

  /** A new session of the machine's own SSH client, from the controller; what the command printed, or nothing when it failed. */
  async ssh(name: string, command: string, connectSeconds = 2): Promise<string | undefined> {
    const known = this.file('known_hosts');
    fs.writeFileSync(known, [...this.lab.hosts.values()].map(knownHostLine).join(''));
    const options = [
      `UserKnownHostsFile=${known}`,
      'BatchMode=yes',
      'IdentitiesOnly=yes',
      'KexAlgorithms=curve25519-sha256',
      `ConnectTimeout=${connectSeconds}`,
    ].flatMap((option) => ['-o', option]);
    const words = [
      'ssh',
      '-F',
      'none',
      '-i',
      this.lab.clientKeyFile,
      ...options,
      `root@${this.addressOf(name)}`,
      command,
    ];
    const place = { cwd: this.folder, env: bareEnvironment(this.folder) };
    const { exit, stdout } = await this.#runs.start(this.lab.wire.enter(words), place).ended;
    return exit === 0 ? stdout : undefined;
  }

  /** Of everything between any two, the controller too. */
  capture(): Promise<Capture> {
    return startCapture(this.controller, WIRE_DEVICE);
  }

  async powerCut(name: string): Promise<void> {
    await this.host(name).powerCut();
  }

  async boot(name: string): Promise<void> {
    await this.host(name).boot();
  }

  /** Ends all by id, removes the folder, and looks that no process, namespace or mount is left. */
  async close(): Promise<void> {
    const pids = [this.lab.wire.pid, ...[...this.lab.hosts.values()].map(({ pid }) => pid)];
    const namespaces = new Set(netNamespaces(pids));
    const end = ticksNow();
    await this.#runs.end();
    await this.lab.close();
    fs.rmSync(this.folder, { recursive: true, force: true });
    expect(leftOf(this.folder, namespaces, end)).toEqual([]);
    expect(fs.existsSync(this.folder)).toBe(false);
  }
}

function knownHostLine({ addresses, hostKeyLine }: EnforcedHost): string {
  return addresses.map((one) => `${formatAddress(one)} ${hostKeyLine}\n`).join('');
}

function address(text: string): Address {
  const found = parseAddress(text);
  if (found === undefined) throw new Error(`not an address: ${text}`);
  return found;
}

/** Tools there are killed with the host: they are in its process namespace too, or they would keep its network. */
function hostNetwork({ name, pid }: EnforcedHost): NetSpace {
  if (pid === undefined) throw new Error(`${name} is switched off`);
  return { name, enter: ['nsenter', '--target', String(pid), '--net', '--pid', '--'] };
}
