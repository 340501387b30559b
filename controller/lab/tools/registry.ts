/**
 * One simulated host: its kernel's policy and SAs, its services and its key daemon, and every command that reaches them.
 * Owns what is lost with the power, and that commands which take a lock on a real host wait for each other here.
 */

import type { Machine, MachineCall, MachineSetup, MakeMachine } from '../machine.js';
import { emptySpd, type Spd } from '../../policy/spd.js';
import { runBootScripts } from './boot-scripts.js';
import { FaultTable, type Fault } from './faults.js';
import { DaemonHost } from './daemon-host.js';
import type { IkeDaemon } from './in-iked.js';
import { ipseckey } from './ipseckey.js';
import { methodWords, placeArguments, underRootWhereThere } from './method-words.js';
import { searchProcesses } from './processes.js';
import { runIpsecconf } from './run-ipsecconf.js';
import { EMPTY_SAD, type Sad } from '../../keys/kernel/sad.js';
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
const SERVICE_TOOLS: readonly string[] = ['svcadm', 'svccfg', 'svcs', 'svcprop'];

const OK: ToolReply = { exit: 0, stdout: '', stderr: '' };

/** A process that was killed when the power went. */
const KILLED: ToolReply = { exit: 137, stdout: '', stderr: '' };

export class HostMachine implements Machine {
  readonly faults = new FaultTable();
  readonly smf: Smf;
  readonly #daemon = new DaemonHost();
  #spd: Spd = emptySpd();
  #sad: Sad = EMPTY_SAD;
  #nextPid = 1000;
  #life = 0;
  /** Scripts of services that run now. */
  #cut = powerLine();
  #policyTurns = new Turns();
  #keyTurns = new Turns();

  constructor(private readonly setup: MachineSetup) {
    this.smf = new Smf({
      root: setup.root,
      files: setup.files,
      now: () => setup.clock.now(),
      runMethod: (command, env) => this.#runMethod(command, env),
      signal: (fmri, signal) => (fmri === IKE ? this.#signalDaemon(signal) : Promise.resolve()),
    });
  }

  get #isLegacy(): boolean {
    return this.setup.platform === 'solaris-legacy';
  }

  /** The loaded policy. */
  get spd(): Spd {
    return this.#spd;
  }

  /** The loaded SAs. */
  get sad(): Sad {
    return this.#sad;
  }

  get iked(): IkeDaemon | undefined {
    return this.#daemon.daemon;
  }

  /** Names of the commands this machine stands for. */
  static readonly tools: readonly string[] = [
    ...['ipsecconf', 'ipseckey', 'ipsecalgs', 'in.iked', 'ikeadm', 'ikecert'],
    ...['svcadm', 'svcs', 'svcprop', 'svccfg', 'pgrep', 'pkill'],
  ];

  /** Ends with status 137 when the power goes meanwhile. */
  run(tool: string, args: readonly string[], call: MachineCall): Promise<ToolReply> {
    return Promise.race([this.#withFaults(baseName(tool), this.#toolCall(args, call)), this.#cut.whenCut]);
  }

  /** Kernel, daemon and service states are gone; files and the service repository stay. */
  powerCut(): void {
    this.#life += 1;
    this.#cut.cut();
    this.#cut = powerLine();
    this.#spd = emptySpd();
    this.#sad = EMPTY_SAD;
    this.#daemon.powerCut();
    this.#policyTurns = new Turns();
    this.#keyTurns = new Turns();
    this.smf.powerCut();
  }

  /** Starts the enabled services in the order of their dependencies, or runs the boot scripts. */
  async boot(): Promise<void> {
    if (this.setup.platform === 'solaris-smf') return this.smf.boot();
    const life = this.#life;
    await runBootScripts(this.setup.root, this.setup.runScript, () => life === this.#life);
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

  #toolCall(args: readonly string[], { env, stdin, cwd }: MachineCall): ToolCall {
    const { root, files, addresses, hostNames, clock } = this.setup;
    return { args, env, stdin, cwd, root, files, addresses, hostNames, now: clock.now(), pid: this.#nextPid++ };
  }

  async #withFaults(tool: string, call: ToolCall): Promise<ToolReply> {
    const runner = this.#runners[tool];
    if (runner === undefined || (this.#isLegacy && SERVICE_TOOLS.includes(tool)))
      return { exit: 127, stdout: '', stderr: `${tool}: not found\n` };
    const hit = this.faults.take(tool, call.args);
    if (hit === undefined) return runner(call);
    const { fault, released } = hit;
    const life = this.#life;
    switch (fault.kind) {
      case 'lie':
        return this.#lie(tool, call, runner);
      case 'fail':
        return { exit: fault.exit ?? 1, stdout: '', stderr: fault.stderr ?? `${tool}: failed\n` };
      case 'hang':
        await released;
        return life === this.#life ? runner(call) : KILLED;
      case 'late':
        await this.setup.clock.after(fault.seconds);
        return life === this.#life ? runner(call) : KILLED;
      case 'early':
        // The work goes on behind the answer; a power cut in between ends it.
        void this.#later(fault.seconds, () => runner(call));
        return OK;
      case 'dies':
      case 'stale':
        return tool === 'in.iked' ? this.#startDaemon(call, fault) : runner(call);
      case 'out-of-step':
        return tool === 'ikeadm' ? this.#daemon.ask(call, true) : runner(call);
    }
  }

  async #later(seconds: number, work: () => Promise<unknown>): Promise<void> {
    const life = this.#life;
    await this.setup.clock.after(seconds);
    if (life === this.#life) await work();
  }

  /** Runs on a copy: the answer is the usual one, the state and the files stay as they were. */
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
    const before = { spd: this.#spd, sad: this.#sad };
    const reply = await runner({ ...call, files: deaf });
    this.#spd = before.spd;
    this.#sad = before.sad;
    return { ...reply, exit: 0 };
  }

  readonly #runners: Readonly<Record<string, Runner>> = {
    ipsecconf: (call) =>
      this.#policyTurns.take(async () => {
        const life = this.#life;
        const { state, ...reply } = await runIpsecconf(call, this.#spd, this.#isLegacy);
        if (life === this.#life) this.#spd = state;
        return reply;
      }),
    ipseckey: (call) =>
      this.#keyTurns.take(async () => {
        const life = this.#life;
        const { state, ...reply } = await ipseckey(call, this.#sad);
        if (life === this.#life) this.#sad = state;
        return reply;
      }),
    ipsecalgs: async () => OK,
    ikecert: async () => ({ exit: 1, stdout: '', stderr: 'ikecert: certificates are not part of the lab\n' }),
    'in.iked': (call) => this.#startDaemon(call, undefined),
    ikeadm: (call) => this.#daemon.ask(call),
    svcadm: (call) => svcadm(call.args, this.smf, this.#insideMethod(call)),
    svccfg: (call) => svccfg(call, this.smf),
    svcs: (call) => svcs(call.args, this.smf, call.root, call.now),
    svcprop: (call) => svcprop(call.args, this.smf),
    pgrep: async (call) => searchProcesses('pgrep', call.args, this.#processes).reply,
    pkill: (call) => this.#pkill(call),
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
    }
    return reply;
  }

  async #signalDaemon(signal: 'TERM' | 'HUP'): Promise<void> {
    if (signal === 'TERM') return this.#daemon.kill();
    const stale = this.faults.take('in.iked', ['HUP'])?.fault.kind === 'stale';
    if (!stale) await this.#daemon.hangUp(this.#toolCall([], { env: {}, stdin: '', cwd: this.setup.root }));
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

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

export const makeHostMachine: MakeMachine = (setup) => new HostMachine(setup);
