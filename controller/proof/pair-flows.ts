/**
 * Everything one address sends to another, divided by what becomes of it: both ends' rules, and then the SAs or the key
 * daemons that must carry what both protect. Exact; one way only.
 */

import { formatAddress, type Address } from '../model/address.js';
import type { Keying } from '../model/host.js';
import type { LoadedRule } from '../model/policy.js';
import { wantedBy } from '../policy/agree.js';
import { protectionsOf } from '../policy/match-flow.js';
import { suits } from '../policy/match-sa.js';
import type { Traffic } from '../policy/traffic.js';
import { ikeAgreement, type IkeAgreement } from './ike-agreement.js';
import { trafficDivider, withoutIke, type DivideTraffic, type TrafficClass } from './pair-classes.js';
import { disagreement, rulePlace, type Way } from './pair-disagreement.js';
import type { PairFault, PairVerdict } from './pair-fault.js';
import { carriage, type Meeting } from './sa-agreement.js';
import type { FiledSa } from './sa-shelf.js';

/** What carries protected traffic. */
export type Security =
  | { readonly kind: 'manual'; readonly sas: readonly FiledSa[] }
  | { readonly kind: 'ike'; readonly agreement: IkeAgreement };

export interface PairFlow {
  /** Names of the ends. */
  readonly from: string;
  readonly to: string;
  readonly source: Address;
  readonly destination: Address;
  /** Seen from the sender; disjoint. */
  readonly traffics: readonly Traffic[];
  /** The same with IKE's own ports where they would be among it: for words only. */
  readonly inWords: readonly Traffic[];
  /** `refused` with a fault is lost though nobody meant it; without one a rule drops it. */
  readonly kind: 'clear' | 'protected' | 'refused';
  /** A fault of severity `warning` may come with any kind. */
  readonly fault?: PairFault;
  readonly sender?: LoadedRule;
  readonly receiver?: LoadedRule;
  readonly security?: Security;
  /** Whether it is the key daemons' own, which no rule meets. */
  readonly ike: boolean;
  /** Whether what a host had loaded before may change it (alternatives that the kernel remembers). */
  readonly doubtful: boolean;
}

/** Answers for one way at a time. The parts cover all traffic once; IKE's own ports are a part of their own. */
export type AskFlows = (way: Way) => readonly PairFlow[];

/** Remembers divisions of traffic between rules of the same kinds: keep it for as long as the work on one fleet. */
export function flowProver(divide: DivideTraffic = trafficDivider()): AskFlows {
  return (way) => {
    const { sender, receiver, source, destination } = way;
    const sending = sender.rules.between('out', source, destination);
    const receiving = receiver.rules.between('in', destination, source);
    const found: PairFlow[] = [];
    const [from, to] = [sender.name, receiver.name];
    const note = (one: TrafficClass, verdict: Verdict): void => {
      const [mine, theirs] = [sending[one.sender], receiving[one.receiver]];
      const flow: { -readonly [key in keyof PairFlow]: PairFlow[key] } = {
        from,
        to,
        source,
        destination,
        traffics: verdict.traffics ?? one.traffics,
        inWords: verdict.inWords ?? one.inWords,
        kind: verdict.kind,
        ike: one.meets === 'ike',
        doubtful: one.doubtful,
      };
      if (mine !== undefined) flow.sender = mine;
      if (theirs !== undefined) flow.receiver = theirs;
      if (verdict.fault !== undefined) flow.fault = verdict.fault;
      if (verdict.security !== undefined) flow.security = verdict.security;
      found.push(flow);
    };
    for (const one of divide(source.family, sending, receiving)) {
      const [leaves, arrives] = [sending[one.sender], receiving[one.receiver]];
      if (one.meets !== 'agreed' || leaves === undefined || arrives === undefined)
        note(one, judged(way, one, leaves, arrives));
      else {
        const meeting = { sender, receiver, source, destination, leaves, arrives };
        for (const part of secured(meeting, one, way.keying)) note(one, part);
      }
    }
    return found;
  };
}

/** What becomes of a class of traffic, or of a part of it. */
interface Verdict extends Pick<PairFlow, 'kind' | 'fault' | 'security'> {
  readonly traffics?: readonly Traffic[];
  readonly inWords?: readonly Traffic[];
}

/** The verdict of the two rules alone. */
function judged(
  way: Way,
  { meets, traffics }: TrafficClass,
  mine: LoadedRule | undefined,
  theirs: LoadedRule | undefined,
): Verdict {
  if (meets === 'clear' || meets === 'ike') return { kind: 'clear' };
  if (meets === 'sender-drops' || meets === 'receiver-drops' || meets === 'agreed') return { kind: 'refused' };
  const { verdict, what, todo } = disagreement(way, meets, mine);
  const icmp = traffics.every(({ kind }) => kind === 'icmp');
  return {
    kind: 'refused',
    fault: {
      verdict,
      what: icmp ? `${what} (a ping is answered all the same: hosts answer it without asking their rules)` : what,
      todo,
      severity: icmp ? 'warning' : 'error',
      sender: rulePlace(way.sender, mine),
      receiver: rulePlace(way.receiver, theirs),
    },
  };
}

/** The keys for what both ends' rules protect: manual SAs where there are any that suit, else IKE. */
function secured(
  meeting: Meeting,
  { traffics, inWords }: TrafficClass,
  keying: Keying | undefined,
): readonly Verdict[] {
  const parts = carriage(meeting, inWords);
  return parts.flatMap((part): readonly Verdict[] => {
    const exact = parts.length === 1 ? traffics : withoutIke(part.traffics, meeting.source.family);
    if (exact.length === 0) return [];
    const covers = parts.length === 1 ? { traffics, inWords } : { traffics: exact, inWords: part.traffics };
    if (part.sas.length === 0) return [{ ...covers, ...negotiated(meeting, keying) }];
    const security = { kind: 'manual', sas: part.sas } as const;
    const { fault } = part;
    if (fault === undefined) return [{ ...covers, kind: 'protected', security }];
    return fault.severity === 'warning'
      ? [{ ...covers, kind: 'protected', security, fault }]
      : [{ ...covers, kind: 'refused', fault }];
  });
}

function negotiated(meeting: Meeting, keying: Keying | undefined): Verdict {
  const { sender, receiver, source, destination } = meeting;
  const atHand = sender.sas.between(source, destination);
  const daemons = sender.ike.rules(source, destination).length + receiver.ike.rules(destination, source).length > 0;
  if (daemons || (keying === 'ike-psk' && atHand.length === 0)) {
    const agreed = ikeAgreement(sender, receiver, source, destination);
    return 'verdict' in agreed
      ? { kind: 'refused', fault: agreed }
      : { kind: 'protected', security: { kind: 'ike', agreement: agreed } };
  }
  return { kind: 'refused', fault: withoutSa(meeting, atHand) };
}

const KEYS = '/etc/inet/secret/ipseckeys';

/** Neither a manual SA that the sender takes nor any IKE: which of the two it lacks. */
function withoutSa({ sender, receiver, source, destination, leaves }: Meeting, atHand: readonly FiledSa[]): PairFault {
  const there = receiver.sas.between(source, destination);
  const way = `from ${formatAddress(source)} to ${formatAddress(destination)}`;
  const alternatives = protectionsOf(leaves);
  const wanted = wantedBy(alternatives);
  const lacking = (['esp', 'ah'] as const).find((kind) => wanted[kind] && !atHand.some((sa) => sa.kind === kind));
  const unsuited = (['esp', 'ah'] as const).find(
    (kind) =>
      wanted[kind] && !atHand.some((sa) => sa.kind === kind && alternatives.some((one) => suits(kind, sa.sa, one))),
  );
  const fault = (verdict: PairVerdict, what: string, todo: string): PairFault => ({
    verdict,
    severity: 'error',
    what,
    todo,
    sender: atHand.length === 0 ? rulePlace(sender, leaves) : sender.place(KEYS, atHand[0]?.line),
    receiver: receiver.place(KEYS, there[0]?.line),
  });
  if (lacking !== undefined) {
    const who = there.some(({ kind }) => kind === lacking)
      ? `${sender.name} does not have`
      : `neither ${sender.name} nor ${receiver.name} has`;
    return fault(
      'missing-sa',
      `both ends protect it, and ${who} an ${lacking} SA or an IKE rule ${way}`,
      'put the same SA into both key files, or IKE rules and a preshared key on both ends',
    );
  }
  if (unsuited !== undefined) {
    return fault(
      'no-common-algorithm',
      `${sender.name} must protect it, and its SAs ${way} do not suit its own rule`,
      'give the SA the algorithms and at least the key lengths of the rule',
    );
  }
  return fault(
    'missing-sa',
    `both ends protect it, and the SAs that ${sender.name} has ${way} are for other ports or protocols`,
    'add SAs for the rest to both key files, or leave ports and protocol out of the SA',
  );
}
