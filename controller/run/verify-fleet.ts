/** From what hosts report to what cannot wait: hosts that fail open, and daemons and kernels that are out of step. */

import PQueue from 'p-queue';

import type { CompareSettings, HostView } from '../drift/compare-view.js';
import { daemonAlarms, isAboutPair, unheldAlarm, withUnheld, type ReceivingEnd } from '../drift/daemon-alarms.js';
import { failOpenAlarms } from '../drift/fail-open.js';
import { unheldSas, type KernelEnd, type UnheldSas } from '../drift/unheld-sas.js';
import { ALARM_KINDS, type Alarm } from '../model/alarm.js';
import type { Host, Inventory } from '../model/host.js';
import type { DriftReport } from '../model/observation.js';
import { linksByHost } from '../proof/protecting-rules.js';
import { HostLinkError, type Clock, type HostLink, type HostSession } from '../ports.js';
import type { DesiredFleet } from './desire-fleet.js';
import { takeEvidence } from './host-evidence.js';

export interface VerifyInput {
  readonly inventory: Inventory;
  readonly desired: Pick<DesiredFleet, 'desired' | 'digest'>;
  readonly clock: Clock;
  readonly settings: CompareSettings;
}

export interface SecondLook {
  readonly link: HostLink;
  /** Hosts at a time. */
  readonly forks: number;
  readonly stop: AbortSignal;
}

/** Of a report only this is kept: fleets are large. */
interface Seen {
  readonly alarms: readonly Alarm[];
  /** `undefined` where a transaction is open: SAs may be on their way. */
  readonly kernel: KernelEnd | undefined;
  readonly receiving: ReceivingEnd;
}

export class FleetVerifier {
  readonly #input: VerifyInput;
  readonly #links: ReadonlyMap<string, readonly string[]>;
  readonly #seen = new Map<string, Seen>();

  constructor(input: VerifyInput) {
    this.#input = input;
    this.#links = linksByHost(input.inventory);
  }

  /** In the place of `session.observe()`: changes nothing on the host, and judges it at once. */
  async observe(session: HostSession, host: Host): Promise<DriftReport> {
    const { report, view } = await takeEvidence(session, host, this.#input.clock);
    if (view !== undefined) this.#seen.set(host.name, this.#judge(host, view));
    return report;
  }

  /** About `selected`, worst kind first. Their peers were looked at too, and are what they are compared with. */
  async alarms(selected: readonly Host[], second: SecondLook): Promise<readonly Alarm[]> {
    const alarms = selected.flatMap(({ name }) => this.#seen.get(name)?.alarms ?? []);
    const unheld = await this.#unheldTwice(new Set(selected.map(({ name }) => name)), second);
    for (const one of unheld) {
      const receiver = this.#seen.get(one.receiver);
      const sender = this.#seen.get(one.sender);
      if (receiver === undefined || sender === undefined) continue;
      const { adapter } = sender.receiving;
      const told = alarms.findIndex((alarm) => isAboutPair(alarm, one));
      const known = alarms[told];
      if (known === undefined) alarms.push(unheldAlarm(one, receiver.receiving, adapter));
      else alarms[told] = withUnheld(known, one, adapter);
    }
    const rank = ({ kind }: Alarm): number => ALARM_KINDS.indexOf(kind);
    return alarms.toSorted((a, b) => rank(a) - rank(b));
  }

  #judge(host: Host, view: HostView): Seen {
    const { desired, settings } = this.#input;
    const { report, adapter } = view;
    const wanted = desired.desired.get(host.name);
    const promise = { links: this.#links.get(host.name) ?? [], rendered: wanted?.spd };
    const state = wanted && { host: wanted, digest: desired.digest };
    const isAtRest = report.settled && report.openTransaction === undefined;
    return {
      alarms: [...failOpenAlarms(view, promise, settings), ...daemonAlarms(view, state, settings)],
      kernel: isAtRest ? { host: host.name, addresses: host.addresses, sad: report.sad } : undefined,
      receiving: { adapter, peers: report.daemon?.peers ?? [] },
    };
  }

  /** Hosts are not looked at in one moment, and SAs come and go: what is found once is looked at again on both ends. */
  async #unheldTwice(chosen: ReadonlySet<string>, { link, forks, stop }: SecondLook): Promise<readonly UnheldSas[]> {
    const first = this.#unheld(chosen);
    if (first.length === 0 || stop.aborted) return [];
    const names = new Set(first.flatMap(({ sender, receiver }) => [sender, receiver]));
    const queue = new PQueue({ concurrency: forks });
    const hosts = this.#input.inventory.hosts.filter(({ name }) => names.has(name));
    await Promise.all(hosts.map((host) => queue.add(() => this.#lookAgain(host, link))));
    const wasSo = new Set(first.map(pairName));
    return this.#unheld(chosen).filter((one) => wasSo.has(pairName(one)));
  }

  #unheld(chosen: ReadonlySet<string>): readonly UnheldSas[] {
    const ends = [...this.#seen.values()].flatMap(({ kernel }) => kernel ?? []);
    return unheldSas(ends).filter(({ sender, receiver }) => chosen.has(sender) || chosen.has(receiver));
  }

  /** A host that does not answer any more is compared with no other. */
  async #lookAgain(host: Host, link: HostLink): Promise<void> {
    this.#seen.delete(host.name);
    let session: HostSession | undefined;
    try {
      session = await link.open(host, { readOnly: true });
      await this.observe(session, host);
    } catch (error) {
      if (!(error instanceof HostLinkError)) throw error;
    } finally {
      await session?.close();
    }
  }
}

function pairName({ source, destination }: UnheldSas): string {
  return `${source} ${destination}`;
}
