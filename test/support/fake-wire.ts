/** A wire between fake hosts: what two ends protect arrives only when both have the same SA with the same key. */

import { formatAddress, parseAddress, type Address } from '../../controller/model/address.js';
import type { Probe, ProbeReply, ProbeReport, SaCount } from '../../controller/model/probe.js';
import {
  HostLinkError,
  type HostLink,
  type HostSession,
  type OwnAnswer,
  type OwnNetwork,
} from '../../controller/ports.js';
import type { FakeHost } from './fake-fleet.js';

export type WireFault =
  /** Sends and takes without protection. */
  | 'open'
  /** Another key for what comes in: nothing of it is taken. */
  | 'other-key'
  /** Has no SA. */
  | 'no-sa'
  /** Takes what comes, and does not answer. */
  | 'mute'
  /** TCP goes unanswered, pings do not. */
  | 'no-tcp'
  /** The agent has no means to try TCP. */
  | 'no-means'
  /** The agent does not know the request. */
  | 'old-agent'
  /** The connection breaks when it is asked to try something. */
  | 'breaks'
  /** It is asked to try something and never says anything. */
  | 'hangs';

export class FakeWire {
  readonly #ends: ReadonlyMap<string, { readonly host: FakeHost; readonly faults: ReadonlySet<WireFault> }>;
  readonly #bytes = new Map<string, number>();
  /** Requests that hosts were asked, apart from those that `FakeHost` notes. */
  readonly asked: string[] = [];

  /** @param ends by address */
  constructor(ends: ReadonlyMap<string, { readonly host: FakeHost; readonly faults?: readonly WireFault[] }>) {
    this.#ends = new Map(
      [...ends].map(([at, { host, faults = [] }]) => [at, { host, faults: new Set(faults) }] as const),
    );
  }

  link(): HostLink {
    return {
      open: async (host, how) => {
        const at = [...this.#ends].find(([, end]) => end.host.name === host.name)?.[0];
        const end = at === undefined ? undefined : this.#ends.get(at);
        if (at === undefined || end === undefined) throw new Error(`${host.name} is not on the wire`);
        this.asked.push(`${host.name} open${how?.readOnly === true ? ' to look' : ''}`);
        return this.#session(at, end.host.connect(), end.faults);
      },
    };
  }

  #session(at: string, session: HostSession, faults: ReadonlySet<WireFault>): HostSession {
    const name = this.#ends.get(at)?.host.name ?? '';
    let hung: ((error: Error) => void) | undefined;
    return {
      ...session,
      probe: async (probes, seconds) => {
        this.asked.push(`${name} probe ${probes.map((one) => `${one.protocol}${one.port ?? ''}`).join()} ${seconds}`);
        if (faults.has('old-agent')) throw failure('agent', 'unknown request');
        if (faults.has('breaks')) throw failure('lost', 'the connection closed');
        if (faults.has('hangs')) return new Promise((_, reject) => (hung = reject));
        return this.#report(at, probes, faults);
      },
      counters: async () => {
        this.asked.push(`${name} counters`);
        return this.#counts(at);
      },
      close: async () => {
        this.asked.push(`${name} close`);
        hung?.(failure('lost', 'closed'));
        await session.close();
      },
    };
  }

  #report(at: string, probes: readonly Probe[], faults: ReadonlySet<WireFault>): ProbeReport {
    const before = this.#counts(at);
    const replies = probes.map((probe): ProbeReply => {
      if (faults.has('no-means') && probe.protocol === 'tcp')
        return { id: probe.id, answer: 'untried', means: '', text: 'there is no nc' };
      const answer = this.#isAnswered(at, formatAddress(probe.destination), probe) ? 'closed' : 'silent';
      return {
        id: probe.id,
        answer: probe.protocol === 'icmp' && answer === 'closed' ? 'open' : answer,
        means: 'nc',
        text: '',
      };
    });
    return { replies, before, after: this.#counts(at) };
  }

  #isAnswered(from: string, to: string, { protocol }: Probe): boolean {
    const [sender, receiver] = [this.#ends.get(from)?.faults, this.#ends.get(to)?.faults];
    if (sender === undefined || receiver === undefined || sender.has('no-sa')) return false;
    if (sender.has('open')) return receiver.has('open');
    this.#move(`${from} ${from} ${to}`, 84);
    if (receiver.has('other-key') || receiver.has('no-sa') || receiver.has('open')) return false;
    this.#move(`${to} ${from} ${to}`, 84);
    if (receiver.has('mute') || (receiver.has('no-tcp') && protocol === 'tcp')) return false;
    this.#move(`${to} ${to} ${from}`, 60);
    if (sender.has('other-key')) return false;
    this.#move(`${from} ${to} ${from}`, 60);
    return true;
  }

  #move(key: string, bytes: number): void {
    this.#bytes.set(key, (this.#bytes.get(key) ?? 0) + bytes);
  }

  #counts(at: string): readonly SaCount[] {
    if (this.#ends.get(at)?.faults.has('no-sa') === true) return [];
    const others = [...this.#ends.keys()].filter((one) => one !== at);
    return others.flatMap((other) =>
      [
        [at, other],
        [other, at],
      ].map(([src = '', dst = '']) => ({
        type: 'esp',
        spi: spiOf(src, dst),
        src,
        dst,
        bytes: this.#bytes.get(`${at} ${src} ${dst}`) ?? 0,
      })),
    );
  }
}

function spiOf(src: string, dst: string): string {
  const sum = [...`${src} ${dst}`].reduce((all, letter) => (all * 31 + letter.charCodeAt(0)) % 0xffff, 7);
  return `0x${(sum + 256).toString(16)}`;
}

function failure(kind: 'lost' | 'agent', reason: string): HostLinkError {
  return new HostLinkError({ kind, reason, todo: 'look' });
}

/** This machine at an address, where `open` lists what answers it, as `10.0.1.11 443`. */
export function ownNetworkAt(
  source: Address | undefined,
  open: readonly string[] = [],
): OwnNetwork & { asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    addressesOf: async (name) => (name === 'nowhere' || source === undefined ? [] : parse(name)),
    sourceTowards: async () => source,
    connect: async (destination, port): Promise<OwnAnswer> => {
      const target = `${formatAddress(destination)} ${port}`;
      asked.push(target);
      return { answer: open.includes(target) ? 'open' : 'silent', text: '' };
    },
  };
}

function parse(name: string): readonly Address[] {
  const address = parseAddress(name);
  return address === undefined ? [] : [address];
}
