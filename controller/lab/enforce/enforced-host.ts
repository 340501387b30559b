/** One host of the enforcing lab: namespaces with a real SSH server, and the simulated commands inside. Owns its power switch. */

import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import * as fs from 'node:fs';
import { deliverHost } from '../host-folder.js';
import { HostInside, outcomeOf, type InsideSettings } from '../host-inside.js';
import { HostOutside } from '../host-outside.js';
import { keepHostKey } from '../host-key.js';
import { hostKind } from '../host-kind.js';
import type { LabNode } from '../lab-node.js';
import type { BridgeCall } from '../tool-bridge.js';
import type { HostMachine } from '../tools/registry.js';
import { Turns } from '../tools/turns.js';
import type { ToolReply } from '../tools/tool.js';
import { toHost, toMachine } from './host-paths.js';
import { HostSpace } from './host-space.js';
import { deliverTree, stubFolder, writeBootFiles } from './host-tree.js';
import type { Disturbance } from '../disturbance.js';
import { HostDisk } from './host-disk.js';
import { HostClock } from './host-clock.js';
import { LivingFilter } from './living-filter.js';
import { Link } from './link.js';
import { NftFilter } from './filter/nft-filter.js';
import type { IkeNetwork } from '../ike-network.js';
import { join } from 'node:path';
import type { Wire } from './wire.js';

export interface EnforcedHostSettings extends InsideSettings<HostMachine> {
  readonly labFolder: string;
  /** The wire's end of its cable. */
  readonly port: string;
  /** The key daemons of the lab. */
  readonly ike: IkeNetwork;
  readonly authorizedKeys: readonly string[];
  readonly wire: Wire;
  /** Not in the inventory: a stranger on the wire. */
  readonly isOutsider: boolean;
}

export class EnforcedHost extends HostOutside<HostMachine> implements LabNode {
  protected readonly inside: HostInside<HostMachine>;
  readonly hostKeyLine: string;
  readonly port = 22;
  readonly link: Link;
  readonly clock: HostClock;
  readonly disk: HostDisk;
  readonly #filter = new LivingFilter<NftFilter>();
  #space: HostSpace | undefined;
  /** Boots and resets come one after another; the power goes at once. */
  readonly #turns = new Turns();
  #powerCuts = 0;
  /** Settles when what the power cuts so far have ended is gone. */
  #gone: Promise<unknown> = Promise.resolve();

  constructor(protected readonly settings: EnforcedHostSettings) {
    super();
    const { paths, name, ike } = settings;
    this.#deliver();
    this.hostKeyLine = keepHostKey(paths.hostKey, name).publicLine;
    // Key daemons have nothing that asks them once more when the way is there again.
    this.link = new Link(settings.wire, { host: name, port: settings.port }, () => ike.changed(this.machine));
    this.clock = new HostClock(settings.clock, join(paths.folder, 'clock'));
    this.inside = new HostInside(settings, {
      setup: { runScript: (argv, env) => this.#runScript(argv, env), clock: this.clock, filter: this.#filter, ike },
      isAlive: (pid) => this.#space?.isAlive(pid) ?? false,
      answer: (call, run) => this.#translate(call, run),
    });
    this.disk = new HostDisk(this.inside.files, join(paths.folder, 'disk'));
  }

  get isOutsider(): boolean {
    return this.settings.isOutsider;
  }

  /** What decides about the host's packets now; nothing when the host is off. */
  get filter(): NftFilter | undefined {
    return this.#filter.current;
  }

  /** Process 1 of the host, by its id on this machine; nothing when the host is off. */
  get pid(): number | undefined {
    return this.#space?.pid;
  }

  start(argv: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcessWithoutNullStreams {
    return this.#on.start(this.disk.under(argv), { ...this.#environment, ...env });
  }

  /** Starts a command of this machine, nft or tcpdump say, in the host's network namespace. */
  startInNetwork(argv: readonly string[]): ChildProcessWithoutNullStreams {
    return this.#on.startInNetwork(argv);
  }

  get #on(): HostSpace {
    if (this.#space === undefined) throw new Error(`host ${this.name} is switched off`);
    return this.#space;
  }

  async disturb(disturbance: Disturbance): Promise<void> {
    switch (disturbance.what) {
      case 'cut':
        return this.link.cut(disturbance.direction);
      case 'heal':
        return this.link.heal();
      case 'loss':
        return this.link.lose(disturbance.percent);
      case 'delay':
        return this.link.delay(disturbance.milliseconds);
      case 'clock':
        return this.clock.setOffset(disturbance.offsetSeconds);
      case 'disk':
        return this.disk.set(disturbance.disk, this.#space);
    }
  }

  powerCut(): Promise<void> {
    const wasOn = this.#space !== undefined;
    const ended = this.close().then(() => (wasOn ? this.link.detach() : undefined));
    this.#gone = Promise.allSettled([this.#gone, ended]);
    return ended;
  }

  /** Ends the host for good, when the wire goes as well. */
  async close(): Promise<void> {
    this.#powerCuts++;
    const space = this.#space;
    this.#space = undefined;
    this.#filter.end();
    const dead = space?.kill();
    await this.inside.cut(() => undefined);
    await dead;
  }

  /** Brings the host up, unless the power is cut after this was asked for. */
  boot(): Promise<void> {
    const asked = this.#powerCuts;
    return this.#turns.take(() => this.#boot(asked));
  }

  async #boot(asked: number): Promise<void> {
    await this.#gone;
    if (this.#space !== undefined || asked !== this.#powerCuts) return;
    try {
      await this.link.attach(await this.openSpace());
      await this.bootInside();
    } catch (error) {
      // What the power left half made goes by itself; the cable may have been laid after its end was taken away.
      if (asked !== this.#powerCuts) return void (await this.link.detach());
      await this.powerCut();
      throw error;
    }
  }

  /** The first part of a boot: the host's namespaces, without a network. Returns the id of their first process. */
  async openSpace(): Promise<number> {
    const { name, paths, labFolder, platform } = this.settings;
    const before = this.#powerCuts;
    writeBootFiles(paths, this.settings);
    const space = await HostSpace.open(name, paths.folder, stubFolder(labFolder, platform));
    if (before !== this.#powerCuts) {
      await space.kill();
      throw new Error(`host ${name} lost its power before it began to boot`);
    }
    this.#space = space;
    this.#filter.begin(new NftFilter((args, stdin) => space.runInNetwork(['nft', ...args], stdin)));
    return space.pid;
  }

  /** The second: what boots before there is a network, policy and keys among it, then the network, then SSH. */
  async bootInside(): Promise<void> {
    const space = this.#on;
    if (await this.inside.boot()) await space.goOnline();
    // A host whose process 1 is killed from outside has lost its power as well.
    void space.over.then(() => (this.#space === space ? this.powerCut() : undefined));
  }

  async reset(): Promise<void> {
    const off = this.powerCut();
    const asked = this.#powerCuts;
    await this.#turns.take(async () => {
      await off;
      this.clock.setOffset(0);
      await this.disk.set('ok', undefined);
      fs.rmSync(this.root, { recursive: true, force: true });
      this.#deliver();
      await this.#boot(asked);
    });
  }

  #deliver(): void {
    const { paths, name, addresses, platform, hostNames } = this.settings;
    deliverHost(paths, { name, addresses, platform, hosts: hostNames });
    deliverTree(paths, platform);
  }

  get #environment(): Readonly<Record<string, string>> {
    const shell = `/${hostKind(this.platform).loginShell ?? 'bin/sh'}`;
    const path = '/usr/sbin:/usr/bin:/sbin:/bin';
    return { PATH: path, HOME: '/root', SHELL: shell, LOGNAME: 'root', USER: 'root' };
  }

  /** The machine knows its files by their places here, the host's commands by their own. */
  async #translate(call: BridgeCall, run: (call: BridgeCall) => Promise<ToolReply>): Promise<ToolReply> {
    const { root } = this;
    const args = call.args.map((word) => toMachine(root, word));
    const reply = await run({ ...call, args, cwd: toMachine(root, call.cwd) });
    return { ...reply, stdout: toHost(root, reply.stdout), stderr: toHost(root, reply.stderr) };
  }

  #runScript(argv: readonly string[], env: Readonly<Record<string, string>>): Promise<ToolReply> {
    if (this.#space === undefined) return Promise.resolve({ exit: 137, stdout: '', stderr: '' });
    return outcomeOf(
      this.start(
        argv.map((word) => toHost(this.root, word)),
        env,
      ),
    );
  }
}
