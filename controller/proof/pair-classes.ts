/**
 * All traffic between two addresses, divided by the rule that sends it and the rule that takes it. Addresses are settled by
 * the caller, so pairs of hosts with rules of the same kinds share one division: a fleet costs what its links cost.
 */

import type { Action, Family, LoadedRule, Transform } from '../model/policy.js';
import { encounter, type Encounter } from '../policy/encounter.js';
import { isDoubtful } from '../policy/match-flow.js';
import { UDP } from '../policy/match-selector.js';
import {
  cutTraffic,
  everyTraffic,
  meetTraffic,
  mirroredTraffic,
  selectedTraffic,
  trafficTo,
  type Traffic,
} from '../policy/traffic.js';

export interface TrafficClass {
  /** Seen from the sender; disjoint. */
  readonly traffics: readonly Traffic[];
  /** The same with IKE's own ports where they would be among it: for words only. */
  readonly inWords: readonly Traffic[];
  /** Places in the lists of rules given; -1 where none matches. */
  readonly sender: number;
  readonly receiver: number;
  /** `ike`: the daemon's ports bypass every rule (illumos in.iked(1M)). */
  readonly meets: Encounter | 'ike';
  readonly doubtful: boolean;
}

/** Divides traffic for these rules, each list in the order tried. The classes cover everything once. */
export type DivideTraffic = (
  family: Family,
  sending: readonly LoadedRule[],
  receiving: readonly LoadedRule[],
) => readonly TrafficClass[];

/** Remembers each division: keep it for as long as the work on one fleet. */
export function trafficDivider(): DivideTraffic {
  const divisions = new Map<string, readonly TrafficClass[]>();
  const kindOf = ruleKinds();
  return (family, sending, receiving) => {
    const kinds = [sending, receiving].map((rules) => rules.map(kindOf).join());
    const key = `${family} ${kinds.join(' ')}`;
    const known = divisions.get(key) ?? divide(family, sending, receiving);
    divisions.set(key, known);
    return known;
  };
}

/** Numbers rules by what they select, addresses apart, and do. */
function ruleKinds(): (rule: LoadedRule) => number {
  const numbers = new Map<string, number>();
  const known = new WeakMap<LoadedRule, number>();
  return (rule) => {
    const before = known.get(rule);
    if (before !== undefined) return before;
    const said = kindText(rule);
    const number = numbers.get(said) ?? numbers.size;
    numbers.set(said, number);
    known.set(rule, number);
    return number;
  };
}

/** All of a rule but its addresses. Written by hand: a fleet has a hundred thousand rules. */
function kindText({ selector, actions }: LoadedRule): string {
  const { protocol, localPort, remotePort, icmpType, icmpCode } = selector;
  let text = `${protocol} ${localPort} ${remotePort}`;
  for (const range of [icmpType, icmpCode]) text += range === undefined ? ' -' : ` ${range.from}-${range.to}`;
  for (const action of actions) text += `|${actionText(action)}`;
  return text;
}

function actionText(action: Action): string {
  if (action.kind !== 'protect') return action.kind;
  const { ah, esp } = action;
  return `${lengths(ah)} ${lengths(esp?.encr)} ${lengths(esp?.auth)} ${esp?.sealed === true} ${action.unique}`;
}

function lengths(transform: Transform | undefined): string {
  return transform === undefined ? '-' : `${transform.algorithm}(${transform.minBits}..${transform.maxBits})`;
}

interface Cell {
  readonly traffic: Traffic;
  readonly place: number;
}

function divide(family: Family, sending: readonly LoadedRule[], receiving: readonly LoadedRule[]): TrafficClass[] {
  const out = cellsOf(family, sending);
  const into = cellsOf(family, receiving).map(({ traffic, place }) => ({ traffic: mirroredTraffic(traffic), place }));
  const classes = new Map<string, { readonly sender: number; readonly receiver: number; readonly met: Traffic[] }>();
  for (const leaving of out) {
    for (const arriving of into) {
      const met = meetTraffic(leaving.traffic, arriving.traffic);
      if (met === undefined) continue;
      const key = `${leaving.place} ${arriving.place}`;
      const known = classes.get(key);
      if (known !== undefined) known.met.push(met);
      else classes.set(key, { sender: leaving.place, receiver: arriving.place, met: [met] });
    }
  }
  const found = [...classes.values()].flatMap(({ sender, receiver, met }): TrafficClass[] => {
    const left = withoutIke(met, family);
    if (left.length === 0) return [];
    const [mine, theirs] = [sending[sender], receiving[receiver]];
    return [
      {
        traffics: left,
        inWords: met,
        sender,
        receiver,
        meets: encounter(mine, theirs),
        doubtful: isDoubtful(mine) || isDoubtful(theirs),
      },
    ];
  });
  const ike = ikeTraffic(family);
  return [...found, { traffics: ike, inWords: ike, sender: -1, receiver: -1, meets: 'ike', doubtful: false }];
}

function cellsOf(family: Family, rules: readonly LoadedRule[]): readonly Cell[] {
  const cells: Cell[] = [];
  let left = everyTraffic(family);
  for (const [place, rule] of rules.entries()) {
    if (left.length === 0) break;
    for (const selected of selectedTraffic(rule.selector)) {
      left = left.flatMap((part) => {
        const met = meetTraffic(part, selected);
        if (met === undefined) return [part];
        cells.push({ traffic: met, place });
        return cutTraffic(part, met);
      });
    }
  }
  return [...cells, ...left.map((traffic) => ({ traffic, place: -1 }))];
}

/** Towards IKE, and IKE behind a NAT. */
const IKE_PORTS = [500, 4500];

function ikeTraffic(family: Family): readonly Traffic[] {
  return IKE_PORTS.flatMap((port) => trafficTo(family, UDP, port));
}

/** What is left of traffic when IKE's own is taken out: no rule meets that. */
export function withoutIke(traffics: readonly Traffic[], family: Family): readonly Traffic[] {
  return ikeTraffic(family).reduce((left, port) => left.flatMap((part) => cutTraffic(part, port)), traffics);
}
