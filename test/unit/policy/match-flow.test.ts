import { describe, expect, test } from 'vitest';
import { parseAddress, type Address } from '../../../controller/model/address.js';
import type { Arrival, OutboundSa, Packet, SaBinding } from '../../../controller/model/packet.js';
import { decideInbound, decideOutbound } from '../../../controller/policy/match-flow.js';
import { ipsecconf } from '../../../controller/lab/tools/ipsecconf.js';
import { emptySpd, hostRules } from '../../../controller/policy/spd.js';
import type { LoadedRule } from '../../../controller/model/policy.js';
import { NAMES, readCases } from './corpus.js';

interface Binding {
  readonly lport: number;
  readonly rport: number;
  readonly ulp: number;
}

interface Query {
  readonly dir: 'in' | 'out';
  readonly laddr: string;
  readonly raddr: string;
  readonly ulp: number;
  readonly lport: number | null;
  readonly rport: number | null;
  readonly icmp_type: number | null;
  readonly icmp_code: number | null;
  readonly conn?: Binding;
  readonly arrives:
    | null
    | { readonly clear: true }
    | {
        readonly clear?: undefined;
        readonly esp: { readonly encr: string; readonly auth: string | null } | null;
        readonly ah: string | null;
        readonly sa_unique?: Binding;
      };
  readonly sas?: readonly {
    readonly esp?: {
      readonly encr: string;
      readonly bits: number;
      readonly auth: string | null;
      readonly auth_bits: number;
    };
    readonly ah?: string;
    readonly ah_bits?: number;
    readonly src?: string | null;
    readonly dst?: string;
    readonly used?: boolean;
    readonly sa_unique?: Binding;
  }[];
  readonly index: number | null;
  readonly rule: string | null;
  readonly verdict: string;
  readonly used?: Readonly<Record<string, number>>;
  readonly alt?: number;
  readonly why?: string;
  readonly latched?: { readonly index: number | null; readonly verdict: string };
  readonly alone?: {
    readonly verdict: string;
    readonly used?: Readonly<Record<string, number>>;
    readonly alt?: number;
  };
}

interface PacketCase {
  readonly id: string;
  readonly note: string;
  readonly policy: string;
  readonly more: readonly { readonly options: readonly string[]; readonly policy: string | null }[];
  readonly rules: readonly {
    readonly index: number;
    readonly dir: string;
    readonly prio: string;
    readonly text: string;
  }[];
  readonly queries: readonly Query[];
}

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`not an address: ${text}`);
  return parsed;
}

function load({ policy, more }: PacketCase): readonly LoadedRule[] {
  let state = emptySpd();
  for (const { options, policy: text } of [{ options: ['-q', '-a'], policy }, ...more]) {
    const files = { read: (path: string) => (path === 'FILE' ? (text ?? undefined) : ''), write: () => undefined };
    const argv = text === null ? options : [...options, 'FILE'];
    state = ipsecconf({ argv, env: {}, stdin: '', files, state, names: NAMES }).state;
  }
  return hostRules(state);
}

function binding(from: Binding | undefined): { readonly binding?: SaBinding } {
  return from === undefined ? {} : { binding: { localPort: from.lport, remotePort: from.rport, protocol: from.ulp } };
}

/** The packet an ICMP error quotes: what a connected socket is checked for. */
function quotedPacket(query: Query, { ulp, lport, rport }: Binding): Packet {
  const { local, remote } = packetOf(query);
  return { local, remote, protocol: ulp, localPort: lport, remotePort: rport };
}

function packetOf(query: Query): Packet {
  const local = address(query.laddr);
  const remote = address(query.raddr);
  return {
    local,
    remote,
    protocol: query.ulp,
    ...(query.lport !== null && { localPort: query.lport }),
    ...(query.rport !== null && { remotePort: query.rport }),
    ...(query.icmp_type !== null && { icmpType: query.icmp_type }),
    ...(query.icmp_code !== null && { icmpCode: query.icmp_code }),
  };
}

function arrivalOf(arrives: NonNullable<Query['arrives']>): Arrival {
  if (arrives.clear) return { kind: 'clear' };
  const { esp, ah } = arrives;
  return {
    kind: 'protected',
    ...(esp && { esp: { encr: esp.encr, ...(esp.auth !== null && esp.auth !== 'none' && { auth: esp.auth }) } }),
    ...(ah !== null && { ah }),
    ...binding(arrives.sa_unique),
  };
}

function sasOf(query: Query): OutboundSa[] | undefined {
  return query.sas?.map((sa) => ({
    ...(sa.esp && {
      esp: {
        encr: sa.esp.encr,
        bits: sa.esp.bits,
        ...(sa.esp.auth !== null && { auth: sa.esp.auth, authBits: sa.esp.auth_bits }),
      },
    }),
    ...(sa.ah !== undefined && { ah: { auth: sa.ah, bits: sa.ah_bits ?? 0 } }),
    ...(sa.src !== null && { source: address(sa.src ?? query.laddr) }),
    destination: address(sa.dst ?? query.raddr),
    used: sa.used ?? false,
    ...binding(sa.sa_unique),
  }));
}

const CASES = readCases<PacketCase>('packets.jsonl');

describe('a packet meets the rule and the fate that the real kernel gives it', () => {
  test.each(CASES.map((one) => [one.id, one.note, one] as const))('%s: %s', (_id, _note, one) => {
    const rules = load(one);
    const got = rules.map(({ index, dir, priority, text }) => ({
      index,
      dir,
      prio: `0x${priority.toString(16)}`,
      text,
    }));
    expect(got).toEqual(one.rules.map(({ index, dir, prio, text }) => ({ index, dir, prio, text })));
    for (const query of one.queries) {
      const packet = packetOf(query);
      const wanted = query.alone ?? query;
      if (query.dir === 'out') {
        const { rule, verdict, used, doubtful } = decideOutbound(rules, packet, sasOf(query));
        expect({ query, index: rule?.index ?? null, rule: rule?.text ?? null, verdict }).toEqual({
          query,
          index: query.index,
          rule: query.rule,
          verdict: wanted.verdict,
        });
        if (verdict === 'protect' && query.sas) expect({ query, used }).toEqual({ query, used: wanted.used });
        if (query.alone) expect(doubtful).toBe(true);
      } else {
        if (query.arrives === null) throw new Error('an inbound query says how the packet arrives');
        const decision = decideInbound(rules, packet, arrivalOf(query.arrives));
        const { rule, verdict, alternative, doubtful } = decision;
        expect({ query, index: rule?.index ?? null, rule: rule?.text ?? null, verdict, alt: alternative }).toEqual({
          query,
          index: query.index,
          rule: query.rule,
          verdict: wanted.verdict,
          alt: wanted.alt,
        });
        if (query.why !== undefined && !query.alone && decision.why !== 'drop-rule')
          expect({ query, why: decision.why }).toEqual({ query, why: query.why });
        if (query.alone) expect(doubtful).toBe(true);
        if (query.conn && query.latched) {
          const quoted = decideInbound(rules, quotedPacket(query, query.conn), arrivalOf(query.arrives));
          expect({ query, index: quoted.rule?.index ?? null, verdict: quoted.verdict }).toEqual({
            query,
            index: query.latched.index,
            verdict: query.latched.verdict,
          });
        }
      }
    }
  });
});
