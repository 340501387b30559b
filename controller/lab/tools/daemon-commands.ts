/** The commands that start, ask, signal and end the key daemon of a simulated host. Owns what each does to the rest of the lab. */

import type { IkeNetwork } from '../ike-network.js';
import type { NetworkHost } from '../network-host.js';
import { DaemonHost } from './daemon-host.js';
import type { Fault, FaultTable } from './faults.js';
import { NO_EXCHANGES, type Exchanges } from './ikeadm.js';
import type { IkeDaemon } from './in-iked.js';
import { searchProcesses, type SimulatedProcess } from './processes.js';
import type { Smf } from './smf.js';
import { IKE } from './smf-services.js';
import type { ToolCall, ToolReply } from './tool.js';

export interface DaemonSurroundings {
  readonly host: NetworkHost;
  readonly smf: Smf;
  readonly faults: FaultTable;
  /** The key daemons of the lab; absent where each is alone. */
  readonly ike: IkeNetwork | undefined;
}

export class DaemonCommands {
  readonly #held = new DaemonHost();

  constructor(private readonly around: DaemonSurroundings) {}

  get daemon(): IkeDaemon | undefined {
    return this.#held.daemon;
  }

  powerCut(): void {
    this.#held.powerCut();
  }

  /** It dies on its own; resolves when its service has taken note. */
  async die(): Promise<void> {
    this.#held.kill();
    const { smf } = this.around;
    await smf.enqueue(() => smf.processesExited(IKE));
  }

  async ask(call: ToolCall): Promise<ToolReply> {
    const { ike, host, faults } = this.around;
    const before = this.daemon;
    const reply = await this.#held.ask(call, () => this.#exchanges);
    if (reply.exit === 0 && call.args.join(' ').endsWith('flush p1')) {
      ike?.flushPhaseOne(host);
      faults.end('out-of-step');
    }
    if (before !== this.daemon) await this.#tell();
    return reply;
  }

  async start(call: ToolCall, fault: Fault | undefined): Promise<ToolReply> {
    const { smf, faults } = this.around;
    const configured = smf.find(IKE)[0]?.stored.running.get('config/config_file');
    const { reply, started } = await this.#held.start(call, configured, fault?.kind === 'stale');
    if (fault?.kind === 'dies' && started) this.die().catch(() => undefined);
    else if (started) {
      // A new daemon believes in nothing.
      faults.end('out-of-step');
      await this.#tell();
    }
    return reply;
  }

  /** `own`: a call of the host's own, to read its files anew with. */
  async signal(signal: 'TERM' | 'HUP', own: ToolCall): Promise<void> {
    if (signal === 'TERM') return this.#held.kill();
    const stale = this.around.faults.take('in.iked', ['HUP'])?.fault.kind === 'stale';
    if (stale) return;
    await this.#held.hangUp(own);
    await this.#tell();
  }

  search(call: ToolCall): ToolReply {
    return searchProcesses('pgrep', call.args, this.#processes).reply;
  }

  async pkill(call: ToolCall, own: ToolCall): Promise<ToolReply> {
    const { reply, hit, signal } = searchProcesses('pkill', call.args, this.#processes);
    if (hit.length === 0) return reply;
    if (signal === 'HUP' || signal === '1') await this.signal('HUP', own);
    else {
      const noted = this.die();
      if (!isInsideMethod(call)) await noted;
    }
    return reply;
  }

  get #exchanges(): Exchanges {
    const { ike, host } = this.around;
    const isDeluded = host.isOutOfStep;
    if (ike === undefined) return { ...NO_EXCHANGES, isDeluded };
    return { phaseOne: ike.phaseOne(host), counts: ike.counts(host), isDeluded };
  }

  get #processes(): SimulatedProcess[] {
    const { daemon } = this;
    return daemon === undefined ? [] : [{ name: 'in.iked', pid: daemon.pid }];
  }

  /** The key daemons of the lab look at what is other than before. */
  async #tell(): Promise<void> {
    const { ike, host } = this.around;
    await ike?.changed(host);
  }
}

/** A method's own calls carry the name of its service. Others that come while it runs do not, and are waited for as ever. */
export function isInsideMethod(call: ToolCall): boolean {
  return call.env['SMF_FMRI'] !== undefined;
}
