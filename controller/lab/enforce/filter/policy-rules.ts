/**
 * A host's policy as lists of nft rules: which rule decides about a packet, by priority, and what it says. Which SA then
 * carries a packet is left to the chains named here, since SAs change more often. States reference rules by itself, so that
 * packets can be held against the evaluator.
 */

import { createHash } from 'node:crypto';

import type { Action, LoadedRule, Protection } from '../../../model/policy.js';
import type { ActionMarks, MarksOf } from '../../../policy/remembered-actions.js';
import { CAME_CLEAR, fittingMark, halfMarks, markTest, MISBOUND } from './arrival-mark.js';
import { selectorMatches } from './nft-match.js';
import { REFUSALS, refuse } from './refusals.js';
import { wantedBy, wantedName, type WantedSas } from './wanted-sa.js';

/** `err`: ICMP errors, by the packets that they quote. */
export const PLACES = ['out4', 'out6', 'in4', 'in6', 'err4', 'err6'] as const;
export type Place = (typeof PLACES)[number];

export interface PolicyRules {
  /** A packet that runs past the end of a list meets no rule. */
  readonly lists: Readonly<Record<Place, readonly string[]>>;
  /** What the lists ask of SAs, by the name of the chain that chooses. */
  readonly wanted: ReadonlyMap<string, WantedSas>;
  /** What the lists ask of packets that come in, by the name of the chain that looks. */
  readonly asked: ReadonlyMap<string, readonly string[]>;
  /** Rules in force. */
  readonly size: number;
}

/** Rules in listing order, which is what counts among those of equal priority. Those of tunnels are not the host's. */
export function policyRules(rules: readonly LoadedRule[], marksOf: MarksOf): PolicyRules {
  const own = rules.filter(({ tunnel }) => tunnel === undefined).toSorted((a, b) => b.priority - a.priority);
  const lists: Record<Place, string[]> = { out4: [], out6: [], in4: [], in6: [], err4: [], err6: [] };
  const wanted = new Map<string, WantedSas>();
  const asked = new Map<string, readonly string[]>();
  for (const rule of own) {
    const { dir, family, selector, actions } = rule;
    if (dir === 'out') {
      const says = outVerdict(actions, marksOf(rule), wanted);
      for (const match of selectorMatches(selector, 'out')) lists[`out${family}`].push(line(match, says));
      continue;
    }
    const says = (held: 'in' | 'quoted'): string => {
      const chain = askChain(actions, marksOf(rule), held === 'in' ? EXCUSED : []);
      const name = `ask_${createHash('sha256').update(chain.join('\n')).digest('hex').slice(0, 16)}`;
      asked.set(name, chain);
      return `goto ${name}`;
    };
    for (const match of selectorMatches(selector, 'in')) lists[`in${family}`].push(line(match, says('in')));
    for (const match of selectorMatches(selector, 'quoted')) lists[`err${family}`].push(line(match, says('quoted')));
  }
  return { lists, wanted, asked, size: own.length };
}

function line(match: string, says: string): string {
  return match === '' ? says : `${match} ${says}`;
}

/** Outbound, a bypass among protections is of no effect, and a drop counts in the first place only. */
function outVerdict(actions: readonly Action[], marks: ActionMarks, wanted: Map<string, WantedSas>): string {
  if (actions[0]?.kind === 'discard') return refuse(REFUSALS.outRule);
  if (!marks.esp && !marks.ah) return 'accept';
  const sas = wantedBy(protections(actions), marks);
  const name = `want_${wantedName(sas)}`;
  wanted.set(name, sas);
  return `goto ${name}`;
}

function protections(actions: readonly Action[]): readonly Protection[] {
  return actions.filter((action) => action.kind === 'protect');
}

/** Accepts or drops, never returns. */
function askChain(actions: readonly Action[], { clear }: ActionMarks, excused: readonly string[]): readonly string[] {
  const ways = protections(actions);
  const unprotected = actions[0]?.kind === 'discard' ? REFUSALS.inRule : REFUSALS.inUnprotected;
  return [
    `${CAME_CLEAR} ${clear ? 'accept' : refuse(unprotected)}`,
    ...(ways.length === 0 ? [] : [`${markTest({ mask: MISBOUND, value: MISBOUND })} ${refuse(REFUSALS.inSaPorts)}`]),
    ...ways.flatMap((way) => {
      const fits = fittingMark(way);
      return fits === undefined ? [] : [`${markTest(fits)} accept`];
    }),
    ...ways.flatMap((way) =>
      halfMarks(way).flatMap((half) => excused.map((icmp) => `${icmp} ${markTest(half)} accept`)),
    ),
    refuse(ways.length > 0 ? REFUSALS.inMisfit : clear ? REFUSALS.inClearExpected : REFUSALS.inRule),
  ];
}

/** ICMP messages that pass although a part of their protection is missing (illumos ip/spd.c, ipsec_inbound_accept_clear()). */
const EXCUSED: readonly string[] = [
  ...[0, 4, 9, 11, 14, 16].map((type) => `meta l4proto 1 @th,0,8 ${type}`),
  ...[0, 1, 4].map((code) => `meta l4proto 1 @th,0,8 3 @th,8,8 ${code}`),
  ...['0-3', '5-127', '129-255'].map((types) => `meta l4proto 58 @th,0,8 ${types}`),
];
