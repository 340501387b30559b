/** One host of the plain lab: its folder, its commands, its SSH service and its power switch. */

import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Address } from '../model/address.js';
import { deliverHost, hostPathFolders, installStubs } from './host-folder.js';
import { HostInside, outcomeOf, type InsideSettings } from './host-inside.js';
import { HostOutside } from './host-outside.js';
import { keepHostKey } from './host-key.js';
import { hostKind } from './host-kind.js';
import { HostProcesses } from './host-processes.js';
import type { Machine } from './machine.js';
import type { PlainWire } from './plain-wire.js';
import type { SshKeyPair } from './openssh-key.js';
import { letsIn } from './ssh-admission.js';
import type { SshCredentials } from './ssh-auth.js';
import type { SshFaults } from './ssh-faults.js';
import { SshService, type Network, type OffStyle } from './ssh-server.js';
import type { HostMachine } from './tools/registry.js';
import type { ToolReply } from './tools/tool.js';

export interface LabHostSettings<M extends Machine> extends InsideSettings<M> {
  readonly port: number;
  readonly credentials: SshCredentials;
  /** What runs commands and stubs; `['/bin/sh']` unless a test looks at another shell. */
  readonly shell: readonly string[];
  /** Where SSH clients are, for the policy to judge their connections by; it judges none when this is not given. */
  readonly client?: Address | undefined;
  /** What carries the packets of its commands. */
  readonly wire?: PlainWire | undefined;
}

export class LabHost<M extends Machine = HostMachine> extends HostOutside<M> {
  readonly faults: SshFaults = {};
  readonly #processes: HostProcesses;
  protected readonly inside: HostInside<M>;
  #service: SshService | undefined;
  #key: SshKeyPair;

  private constructor(protected readonly settings: LabHostSettings<M>) {
    super();
    const { paths, name, wire } = settings;
    this.#processes = new HostProcesses(paths.folder);
    this.#key = keepHostKey(paths.hostKey, name);
    this.inside = new HostInside(settings, {
      setup: { runScript: (argv, env) => this.#runScript(argv, env), wire, ike: wire?.ike },
    });
  }

  /** Boots the host in a folder that has its FIFOs, and opens its SSH service. */
  static async start<M extends Machine>(settings: LabHostSettings<M>): Promise<LabHost<M>> {
    installStubs(settings.paths.root, settings.shell, settings.platform);
    const host = new LabHost(settings);
    try {
      await host.boot();
      host.#service = await SshService.listen({
        port: settings.port,
        hostKey: host.#key.privateKey,
        credentials: settings.credentials,
        faults: host.faults,
        admits: (clientPort) => host.#admits(clientPort),
        start: (command, connection) => host.start([...host.loginShell, '-c', command], { SSH_CONNECTION: connection }),
      });
    } catch (error) {
      await host.powerCut();
      throw error;
    }
    return host;
  }

  get port(): number {
    return this.#ssh.port;
  }

  /** What runs the command line of an SSH session. */
  get loginShell(): readonly string[] {
    const { loginShell } = hostKind(this.platform);
    return loginShell === undefined ? this.settings.shell : [join(this.root, loginShell)];
  }

  /** SSH connections let in since the lab came up. */
  get connections(): number {
    return this.#ssh.welcomed;
  }

  /** `ssh-ed25519 AAAA…` */
  get hostKeyLine(): string {
    return this.#key.publicLine;
  }

  get #ssh(): SshService {
    if (this.#service === undefined) throw new Error(`host ${this.name} has not started`);
    return this.#service;
  }

  /** What a command finds in its environment. */
  get environment(): Readonly<Record<string, string>> {
    const { paths } = this.settings;
    return {
      PATH: [...hostPathFolders(paths.root), process.env['PATH'] ?? '/usr/bin:/bin'].join(':'),
      HOME: paths.home,
      SHELL: this.loginShell[0] ?? '/bin/sh',
      LOGNAME: 'root',
      USER: 'root',
      IPSEC_AGENT_ROOT: paths.root,
    };
  }

  /** Starts a command on the host as its SSH service would. */
  start(argv: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcessWithoutNullStreams {
    if (!this.isOn) throw new Error(`host ${this.name} is switched off`);
    return this.#processes.start({ argv, env: { ...this.environment, ...env }, cwd: this.settings.paths.home });
  }

  /** Kills everything on the host at this moment; its files stay as they are. `silent`: connections get no sign of it. */
  async powerCut(style: OffStyle = 'reset'): Promise<void> {
    const unplugged = this.#unplug(style);
    await this.#processes.killAll();
    await unplugged;
  }

  async #unplug(style: OffStyle): Promise<void> {
    this.#service?.switchOff(style);
    await this.inside.cut(() => this.#processes.killSessions());
  }

  /** Brings the host up again: its services in boot order, then SSH. */
  async boot(): Promise<void> {
    if (this.isOn) return;
    if (await this.inside.boot()) this.#service?.switchOn();
  }

  /** Puts the host back to how it was delivered. Port and host key stay. */
  async reset(): Promise<void> {
    // Somebody else may have pressed its switch meanwhile.
    do await this.powerCut();
    while (this.isOn);
    const { paths, name, addresses, platform, hostNames, shell } = this.settings;
    for (const folder of [paths.root, paths.home]) fs.rmSync(folder, { recursive: true, force: true });
    deliverHost(paths, { name, addresses, platform, hosts: hostNames });
    installStubs(paths.root, shell, platform);
    await this.boot();
  }

  /** Gives the host a new SSH key, as a reinstallation would. */
  changeHostKey(): void {
    fs.rmSync(this.settings.paths.hostKey, { force: true });
    this.#key = keepHostKey(this.settings.paths.hostKey, this.name);
    this.#ssh.setHostKey(this.#key.privateKey);
  }

  /** What becomes of SSH's packets from now on; when the network is down, of those of the host's commands too. */
  setNetwork(network: Network): void {
    this.#ssh.setNetwork(network);
    for (const address of this.addresses) this.settings.wire?.setCut(address, network === 'down');
  }

  #admits(clientPort: number): boolean {
    const { client } = this.settings;
    const { spd } = this.machine;
    const own = this.addresses.find(({ family }) => family === client?.family);
    if (spd === undefined || client === undefined || own === undefined) return true;
    return letsIn(spd, { address: own, port: this.port }, { address: client, port: clientPort });
  }

  /** Breaks every SSH connection that is open now. */
  dropConnections(): void {
    this.#ssh.dropConnections();
  }

  /** Ends the host for good; the lab kills its detached processes together with those of the others. */
  async close(): Promise<void> {
    await this.#unplug('reset');
    await this.#service?.close();
  }

  #runScript(argv: readonly string[], env: Readonly<Record<string, string>>): Promise<ToolReply> {
    if (!this.isOn) return Promise.resolve({ exit: 137, stdout: '', stderr: '' });
    return outcomeOf(this.start(argv, env));
  }
}
