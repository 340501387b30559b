/**
 * One simulated host: its kernel's policy and SAs, its services and its key daemon, and every command that reaches them.
 * Owns what is lost with the power, and that commands which take a lock on a real host wait for each other here.
 */

import type { Machine, MachineCall, MachineSetup, MakeMachine } from '../machine.js';
import type { SecurityAssociation } from '../../model/sa.js';
import type { Spd } from '../../policy/spd.js';
import { without } from '../sad-edits.js';
import type { NetworkHost } from '../network-host.js';
import type { KernelState } from '../packet-filter.js';
import { runBootScripts } from './boot-scripts.js';
import { answerUnder, KILLED } from './faulted-call.js';
import { FaultTable } from './faults.js';
import { DaemonCommands, isInsideMethod } from './daemon-commands.js';
import type { IkeDaemon } from './in-iked.js';
import { methodWords, placeArguments, underRootWhereThere } from './method-words.js';
import type { Sad } from '../../keys/kernel/sad.js';
import { KernelCommands } from './kernel-commands.js';
import { Kernel } from './kernel.js';
import type { MethodResult } from './smf-methods.js';
import { Smf } from './smf.js';
import { IKE } from './smf-services.js';
import { svcadm } from './svcadm.js';
import { svccfg } from './svccfg.js';
import { svcprop, svcs } from './svcs.js';
import type { ToolCall, ToolReply } from './tool.js';
import { ncOverWire, pingOverWire } from './wire-tools.js';

type Runner = (call: ToolCall) => Promise<ToolReply>;

/** There from the services on. */
const SERVICE_TOOLS: readonly string[] = ['svcadm', 'svccfg', 'svcs', 'svcprop', 'nc'];

const OK: ToolReply = { exit: 0, stdout: '', stderr: '' };

export class HostMachine implements Machine, NetworkHost {
  readonly faults = new FaultTable((fault, is) => {
    if (fault.kind === 'out-of-step') this.#stepChanged(is === 'placed' ? (fault.lost ?? 'both') : undefined);
  });
  readonly smf: Smf;
  readonly #kernel: Kernel;
  #nextPid = 1000;
  #isOn = false;
  /** Scripts of services that run now. */
  #cut = powerLine();
  readonly #commands: KernelCommands;
  readonly #daemon: DaemonCommands;

  constructor(private readonly setup: MachineSetup) {
    const { clock, filter } = setup;
    this.#kernel = new Kernel({ clock, filter, ...(filter && { onAge: () => this.#ageOnItsOwn() }) });
    this.#commands = new KernelCommands({
      kernel: this.#kernel,
      isLegacy: this.#isLegacy,
      onChange: () => this.#tell(),
      onDelete: async (gone) => setup.ike?.deleted(this, gone),
    });
    this.smf = new Smf({
      root: setup.root,
      files: setup.files,
      now: () => setup.clock.now(),
      runMethod: (command, env) => this.#runMethod(command, env),
      signal: (fmri, signal) => (fmri === IKE ? this.#daemon.signal(signal, this.#ownCall()) : Promise.resolve()),
    });
    this.#daemon = new DaemonCommands({ host: this, smf: this.smf, faults: this.faults, ike: setup.ike });
    setup.ike?.join(this);
  }

  get #isLegacy(): boolean {
    return this.setup.platform === 'solaris-legacy';
  }

  get addresses(): MachineSetup['addresses'] {
    return this.setup.addresses;
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  get kernel(): KernelState {
    return this.#kernel.state;
  }

  /** The loaded policy. */
  get spd(): Spd {
    return this.#kernel.state.spd;
  }

  /** The loaded SAs. */
  get sad(): Sad {
    return this.#kernel.state.sad;
  }

  get iked(): IkeDaemon | undefined {
    return this.#daemon.daemon;
  }

  get daemon(): IkeDaemon | undefined {
    return this.#daemon.daemon;
  }

  get isOutOfStep(): boolean {
    return this.faults.has('out-of-step');
  }

  now(): Date {
    return this.setup.clock.now();
  }

  isWorn(sa: SecurityAssociation): boolean {
    return this.#kernel.isWorn(sa);
  }

  isUsed(sa: SecurityAssociation): boolean {
    return this.#kernel.counts?.isUsed(sa) ?? false;
  }

  count(sa: SecurityAssociation, bytes: number): void {
    this.#kernel.counts?.count(sa, bytes);
  }

  changeSas(change: (sad: Sad) => Sad): Promise<void> {
    return this.#commands.withSas(async () => {
      if (this.#isOn) await this.#kernel.change({ sad: change(this.sad) });
    });
  }

  age(): Promise<void> {
    return this.#commands.withSas(async () => {
      const { life } = this.#kernel;
      const sad = await this.#kernel.aged();
      if (!life.aborted && sad !== this.sad) await this.#kernel.change({ sad });
    });
  }

  /** Names of the commands this machine stands for. */
  static readonly tools: readonly string[] = [
    ...['ipsecconf', 'ipseckey', 'ipsecalgs', 'in.iked', 'ikeadm', 'ikecert'],
    ...['svcadm', 'svcs', 'svcprop', 'svccfg', 'pgrep', 'pkill', 'ping', 'nc'],
  ];

  /** Ends with status 137 when the power goes meanwhile. */
  run(tool: string, args: readonly string[], call: MachineCall): Promise<ToolReply> {
    return Promise.race([this.#withFaults(baseName(tool), this.#toolCall(args, call)), this.#cut.whenCut]);
  }

  /** Kernel, daemon and service states are gone; files and the service repository stay. */
  powerCut(): void {
    this.#isOn = false;
    this.#kernel.powerCut();
    this.#cut.cut();
    this.#cut = powerLine();
    this.#daemon.powerCut();
    this.#commands.powerCut();
    this.smf.powerCut();
  }

  /** Starts the enabled services in the order of their dependencies, or runs the boot scripts. */
  async boot(): Promise<void> {
    const { life } = this.#kernel;
    this.#isOn = true;
    await this.#kernel.boot();
    if (life.aborted) return;
    if (this.setup.platform === 'solaris-smf') return this.smf.boot();
    await runBootScripts(this.setup.root, this.setup.runScript, () => !life.aborted);
  }

  /** Resolves when services have nothing left to do. */
  idle(): Promise<void> {
    return this.smf.idle();
  }

  /** The key daemon dies on its own. */
  async killDaemon(): Promise<void> {
    await this.#daemon.die();
  }

  /** The key daemons of the lab look at what is other than before. */
  async #tell(): Promise<void> {
    await this.setup.ike?.changed(this);
  }

  async #ageOnItsOwn(): Promise<void> {
    await this.age();
    await this.#tell();
  }

  /** The kernel loses what the daemon negotiated, or is followed again. What goes wrong shows at the next command. */
  #stepChanged(lost: 'in' | 'out' | 'both' | undefined): void {
    const isLost = ({ manager, inbound, outbound }: SecurityAssociation): boolean =>
      manager !== undefined && ((inbound && lost !== 'out') || (outbound && lost !== 'in'));
    const work =
      lost === undefined ? this.#tell() : this.changeSas((sad) => without(sad, [...sad.values()].filter(isLost)));
    work.catch(() => undefined);
  }

  #toolCall(args: readonly string[], { env, stdin, cwd, isAlive }: MachineCall): ToolCall {
    const { root, files, addresses, hostNames, clock } = this.setup;
    const pid = this.#nextPid++;
    return { args, env, stdin, cwd, root, files, addresses, hostNames, now: clock.now(), pid, isAlive };
  }

  /** What the lab cannot do fails loudly, also in the middle of a service's method. */
  async #withFaults(tool: string, call: ToolCall): Promise<ToolReply> {
    try {
      return await this.#answer(tool, call);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      return { exit: 126, stdout: '', stderr: `${tool}: the lab could not carry this out: ${text}\n` };
    }
  }

  async #answer(tool: string, call: ToolCall): Promise<ToolReply> {
    if (call.isAlive?.() === false) return KILLED;
    const runner = this.#runners[tool];
    if (runner === undefined || (this.#isLegacy && SERVICE_TOOLS.includes(tool)))
      return { exit: 127, stdout: '', stderr: `${tool}: not found\n` };
    const hit = this.faults.take(tool, call.args);
    if (hit === undefined) return runner(call);
    return answerUnder(hit, {
      tool,
      call,
      clock: this.setup.clock,
      life: this.#kernel.life,
      run: runner,
      runDeaf: (told) => this.#runDeaf(tool, told, runner),
      startDaemon: (told, fault) => this.#daemon.start(told, fault),
    });
  }

  #runDeaf(tool: string, call: ToolCall, runner: Runner): Promise<ToolReply> {
    if (tool === 'ipsecconf') return this.#commands.policy(call, true);
    return tool === 'ipseckey' ? this.#commands.keys(call, true) : runner(call);
  }

  readonly #runners: Readonly<Record<string, Runner>> = {
    ipsecconf: (call) => this.#commands.policy(call),
    ipseckey: (call) => this.#commands.keys(call),
    ipsecalgs: async () => OK,
    ikecert: async () => ({ exit: 1, stdout: '', stderr: 'ikecert: certificates are not part of the lab\n' }),
    'in.iked': (call) => this.#daemon.start(call, undefined),
    ikeadm: (call) => this.#daemon.ask(call),
    svcadm: (call) => svcadm(call.args, this.smf, isInsideMethod(call)),
    svccfg: (call) => svccfg(call, this.smf),
    svcs: (call) => svcs(call.args, this.smf, call.root, call.now),
    svcprop: (call) => svcprop(call.args, this.smf),
    pgrep: async (call) => this.#daemon.search(call),
    pkill: (call) => this.#daemon.pkill(call, this.#ownCall()),
    ping: (call) => pingOverWire(call, this, this.setup),
    nc: (call) => ncOverWire(call, this, this.setup),
  };

  /** What the machine itself reads files for. */
  #ownCall(): ToolCall {
    return this.#toolCall([], { env: {}, stdin: '', cwd: this.setup.root });
  }

  /** Simulated commands are answered here; anything else is a script of the host. */
  async #runMethod(command: string, env: Readonly<Record<string, string>>): Promise<MethodResult> {
    const { root, files, runScript } = this.setup;
    const [program = '', ...operands] = methodWords(command);
    const tool = baseName(program);
    if (this.#runners[tool] === undefined) {
      const words = await underRootWhereThere([program, ...operands], root, files);
      return runScript(words, env);
    }
    const args = await placeArguments(operands, root, files);
    return this.#withFaults(tool, this.#toolCall(args, { env, stdin: '', cwd: root }));
  }
}

/** What calls under way wait for besides their own answer. */
function powerLine(): { readonly whenCut: Promise<ToolReply>; readonly cut: () => void } {
  let cut = (): void => undefined;
  const whenCut = new Promise<ToolReply>((resolve) => {
    cut = () => resolve(KILLED);
  });
  return { whenCut, cut };
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

export const makeHostMachine: MakeMachine = (setup) => new HostMachine(setup);
