/**
 * One simulated host: its kernel's policy and SAs, its services and its key daemon, and every command that reaches them.
 * Owns what is lost with the power, and that commands which take a lock on a real host wait for each other here.
 */

import type { Machine, MachineCall, MachineSetup, MakeMachine } from '../machine.js';
import type { SecurityAssociation } from '../../model/sa.js';
import { remember } from '../../policy/remembered-actions.js';
import type { Spd } from '../../policy/spd.js';
import { without } from '../sad-edits.js';
import type { NetworkHost } from '../network-host.js';
import { saId, type KernelState } from '../packet-filter.js';
import { runBootScripts } from './boot-scripts.js';
import { FaultTable, type Fault } from './faults.js';
import { DaemonHost } from './daemon-host.js';
import type { IkeDaemon } from './in-iked.js';
import { ipseckey } from './ipseckey.js';
import { methodWords, placeArguments, underRootWhereThere } from './method-words.js';
import { searchProcesses } from './processes.js';
import { runIpsecconf } from './run-ipsecconf.js';
import { UNUSED } from '../../keys/kernel/sa-lifetimes.js';
import type { Sad } from '../../keys/kernel/sad.js';
import { NO_EXCHANGES, type Exchanges } from './ikeadm.js';
import { Kernel } from './kernel.js';
import { nc } from './nc.js';
import { ping } from './ping.js';
import type { MethodResult } from './smf-methods.js';
import { Smf } from './smf.js';
import { IKE } from './smf-services.js';
import { svcadm } from './svcadm.js';
import { svccfg } from './svccfg.js';
import { svcprop, svcs } from './svcs.js';
import type { FileAccess, ToolCall, ToolReply } from './tool.js';
import { Turns } from './turns.js';

type Runner = (call: ToolCall) => Promise<ToolReply>;

/** Commands that only ask for things: a lie is to say yes. */
const DEAF_TOOLS: readonly string[] = ['svcadm', 'svccfg', 'pkill', 'in.iked', 'ikeadm'];

/** There from the services on. */
const SERVICE_TOOLS: readonly string[] = ['svcadm', 'svccfg', 'svcs', 'svcprop', 'nc'];

/** Who waits for an answer that does not come waits no longer in the lab, which knows at once that none will. */
const LONGEST_SILENCE_SECONDS = 1;

const OK: ToolReply = { exit: 0, stdout: '', stderr: '' };

/** A process that was killed when the power went. */
const KILLED: ToolReply = { exit: 137, stdout: '', stderr: '' };

export class HostMachine implements Machine, NetworkHost {
  readonly faults = new FaultTable((fault, is) => {
    if (fault.kind === 'out-of-step') this.#stepChanged(is === 'placed' ? (fault.lost ?? 'both') : undefined);
  });
  readonly smf: Smf;
  readonly #daemon = new DaemonHost();
  readonly #kernel: Kernel;
  #nextPid = 1000;
  #isOn = false;
  /** Scripts of services that run now. */
  #cut = powerLine();
  #policyTurns = new Turns();
  #keyTurns = new Turns();

  constructor(private readonly setup: MachineSetup) {
    const { clock, filter } = setup;
    this.#kernel = new Kernel({ clock, filter, ...(filter && { onAge: () => this.#ageOnItsOwn() }) });
    this.smf = new Smf({
      root: setup.root,
      files: setup.files,
      now: () => setup.clock.now(),
      runMethod: (command, env) => this.#runMethod(command, env),
      signal: (fmri, signal) => (fmri === IKE ? this.#signalDaemon(signal) : Promise.resolve()),
    });
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
    return this.#keyTurns.take(async () => {
      if (this.#isOn) await this.#kernel.change({ sad: change(this.sad) });
    });
  }

  age(): Promise<void> {
    return this.#keyTurns.take(async () => {
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
    this.#policyTurns = new Turns();
    this.#keyTurns = new Turns();
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
    this.#daemon.kill();
    await this.smf.enqueue(() => this.smf.processesExited(IKE));
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

  #toolCall(args: readonly string[], { env, stdin, cwd }: MachineCall): ToolCall {
    const { root, files, addresses, hostNames, clock } = this.setup;
    return { args, env, stdin, cwd, root, files, addresses, hostNames, now: clock.now(), pid: this.#nextPid++ };
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
    const runner = this.#runners[tool];
    if (runner === undefined || (this.#isLegacy && SERVICE_TOOLS.includes(tool)))
      return { exit: 127, stdout: '', stderr: `${tool}: not found\n` };
    const hit = this.faults.take(tool, call.args);
    if (hit === undefined) return runner(call);
    const { fault, released } = hit;
    const { life } = this.#kernel;
    switch (fault.kind) {
      case 'lie':
        return this.#lie(tool, call, runner);
      case 'fail':
        return { exit: fault.exit ?? 1, stdout: '', stderr: fault.stderr ?? `${tool}: failed\n` };
      case 'hang':
        await released;
        return life.aborted ? KILLED : runner(call);
      case 'late':
        await this.setup.clock.after(fault.seconds);
        return life.aborted ? KILLED : runner(call);
      case 'early':
        // The work goes on behind the answer; a power cut in between ends it.
        void this.#later(fault.seconds, () => runner(call));
        return OK;
      case 'dies':
      case 'stale':
        return tool === 'in.iked' ? this.#startDaemon(call, fault) : runner(call);
      case 'out-of-step':
        return runner(call);
    }
  }

  async #later(seconds: number, work: () => Promise<unknown>): Promise<void> {
    const { life } = this.#kernel;
    await this.setup.clock.after(seconds);
    if (!life.aborted) await work();
  }

  /** The answer is the usual one; neither the kernel nor a file is other than before. */
  async #lie(tool: string, call: ToolCall, runner: Runner): Promise<ToolReply> {
    if (DEAF_TOOLS.includes(tool)) return OK;
    const { files } = call;
    const deaf: FileAccess = {
      read: (path) => files.read(path),
      stat: (path) => files.stat(path),
      write: async () => undefined,
      append: async () => undefined,
      remove: async () => undefined,
    };
    const told = { ...call, files: deaf };
    const run =
      tool === 'ipsecconf' ? this.#policy(told, true) : tool === 'ipseckey' ? this.#keys(told, true) : runner(told);
    return { ...(await run), exit: 0 };
  }

  /** `isDeaf`: the kernel does not hear of it. */
  async #policy(call: ToolCall, isDeaf = false): Promise<ToolReply> {
    const before = this.spd;
    const reply = await this.#policyTurns.take(async () => {
      const { life } = this.#kernel;
      const { state, offered, ...said } = await runIpsecconf(call, this.spd, this.#isLegacy);
      if (!isDeaf && !life.aborted && (state !== this.spd || offered.length > 0)) {
        await this.#kernel.change({ spd: state, remembered: remember(this.kernel.remembered, offered) });
      }
      return said;
    });
    if (before !== this.spd) await this.#tell();
    return reply;
  }

  async #keys(call: ToolCall, isDeaf = false): Promise<ToolReply> {
    const { reply, gone } = await this.#keyTurns.take(async () => {
      const { life } = this.#kernel;
      const before = await this.#kernel.aged();
      const currents = [...call.args, ...call.stdin.split(/\s+/)].some((word) => LISTING_WORDS.includes(word))
        ? await this.#kernel.currents()
        : undefined;
      const { state, ...said } = await ipseckey(call, before, (sa) => currents?.get(saId(sa)) ?? UNUSED);
      const isChanged = !isDeaf && !life.aborted && !isSame(state, this.sad);
      const lost = [...before].flatMap(([key, sa]) => (state.has(key) ? [] : [sa]));
      if (isChanged) await this.#kernel.change({ sad: state });
      return { reply: said, gone: isChanged ? lost : undefined };
    });
    if (gone !== undefined) {
      if (call.args.some((word) => word.startsWith('delete'))) await this.setup.ike?.deleted(this, gone);
      await this.#tell();
    }
    return reply;
  }

  get #exchanges(): Exchanges {
    const { ike } = this.setup;
    const isDeluded = this.isOutOfStep;
    if (ike === undefined) return { ...NO_EXCHANGES, isDeluded };
    return { phaseOne: ike.phaseOne(this), counts: ike.counts(this), isDeluded };
  }

  async #ask(call: ToolCall): Promise<ToolReply> {
    const before = this.daemon;
    const reply = await this.#daemon.ask(call, () => this.#exchanges);
    if (reply.exit === 0 && call.args.join(' ').endsWith('flush p1')) {
      this.setup.ike?.flushPhaseOne(this);
      this.faults.end('out-of-step');
    }
    if (before !== this.daemon) await this.#tell();
    return reply;
  }

  /** Waits as long as the caller would, or as the lab lets it. */
  async #silence(seconds: number): Promise<void> {
    await this.setup.clock.after(Math.min(seconds, LONGEST_SILENCE_SECONDS));
  }

  async #ping(call: ToolCall): Promise<ToolReply> {
    return ping(call, async ({ source, destination, seconds }) => {
      const answer = await this.setup.wire?.ping(this, source, destination);
      if (answer !== 'open') await this.#silence(seconds);
      return answer === 'open';
    });
  }

  async #nc(call: ToolCall): Promise<ToolReply> {
    return nc(call, async ({ source, destination, sourcePort, port, seconds }) => {
      const [from, to] = [
        { address: source, port: sourcePort },
        { address: destination, port },
      ];
      const answer = (await this.setup.wire?.connect(this, from, to)) ?? 'silent';
      if (answer === 'silent') await this.#silence(seconds ?? LONGEST_SILENCE_SECONDS);
      return answer;
    });
  }

  readonly #runners: Readonly<Record<string, Runner>> = {
    ipsecconf: (call) => this.#policy(call),
    ipseckey: (call) => this.#keys(call),
    ipsecalgs: async () => OK,
    ikecert: async () => ({ exit: 1, stdout: '', stderr: 'ikecert: certificates are not part of the lab\n' }),
    'in.iked': (call) => this.#startDaemon(call, undefined),
    ikeadm: (call) => this.#ask(call),
    svcadm: (call) => svcadm(call.args, this.smf, this.#insideMethod(call)),
    svccfg: (call) => svccfg(call, this.smf),
    svcs: (call) => svcs(call.args, this.smf, call.root, call.now),
    svcprop: (call) => svcprop(call.args, this.smf),
    pgrep: async (call) => searchProcesses('pgrep', call.args, this.#processes).reply,
    pkill: (call) => this.#pkill(call),
    ping: (call) => this.#ping(call),
    nc: (call) => this.#nc(call),
  };

  get #processes(): { name: string; pid: number }[] {
    const { daemon } = this.#daemon;
    return daemon === undefined ? [] : [{ name: 'in.iked', pid: daemon.pid }];
  }

  async #pkill(call: ToolCall): Promise<ToolReply> {
    const { reply, hit, signal } = searchProcesses('pkill', call.args, this.#processes);
    if (hit.length === 0) return reply;
    if (signal === 'HUP' || signal === '1') await this.#signalDaemon('HUP');
    else {
      this.#daemon.kill();
      const restarted = this.smf.enqueue(() => this.smf.processesExited(IKE));
      if (!this.#insideMethod(call)) await restarted;
    }
    return reply;
  }

  async #startDaemon(call: ToolCall, fault: Fault | undefined): Promise<ToolReply> {
    const configured = this.smf.find(IKE)[0]?.stored.running.get('config/config_file');
    const { reply, started } = await this.#daemon.start(call, configured, fault?.kind === 'stale');
    if (fault?.kind === 'dies' && started) {
      this.#daemon.kill();
      this.smf.enqueue(() => this.smf.processesExited(IKE)).catch(() => undefined);
    } else if (started) {
      // A new daemon believes in nothing.
      this.faults.end('out-of-step');
      await this.#tell();
    }
    return reply;
  }

  async #signalDaemon(signal: 'TERM' | 'HUP'): Promise<void> {
    if (signal === 'TERM') return this.#daemon.kill();
    const stale = this.faults.take('in.iked', ['HUP'])?.fault.kind === 'stale';
    if (stale) return;
    await this.#daemon.hangUp(this.#toolCall([], { env: {}, stdin: '', cwd: this.setup.root }));
    await this.#tell();
  }

  /** A method's own calls carry the name of its service. Others that come while it runs do not, and are waited for as ever. */
  #insideMethod(call: ToolCall): boolean {
    return call.env['SMF_FMRI'] !== undefined;
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

/** Words of ipseckey that show what an SA has carried. */
const LISTING_WORDS: readonly string[] = ['dump', 'get'];

function isSame(one: Sad, other: Sad): boolean {
  return one === other || (one.size === other.size && [...one].every(([key, sa]) => other.get(key) === sa));
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

export const makeHostMachine: MakeMachine = (setup) => new HostMachine(setup);
