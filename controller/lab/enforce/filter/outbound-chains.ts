/** The chains that choose the SAs for a packet that a rule wants protected, and put their tag on it. */

import { SA_TYPE, type SecurityAssociation } from '../../../model/sa.js';
import { REFUSALS, refuse } from './refusals.js';
import { anySource, bindingsOf, counterName, ends, familyOf, isBound, pairs, saName, words } from './sa-words.js';
import { serves, type WantedSas } from './wanted-sa.js';
import { putTag, wireTag, WIRE_PROTOCOLS, wrapRules } from './wire-tag.js';

export interface OutboundChains {
  readonly chains: ReadonlyMap<string, readonly string[]>;
  readonly sets: ReadonlyMap<string, string>;
}

/** `sas` in the order they were added; `wanted` by the name of the chain that chooses. */
export function outboundChains(
  sas: readonly SecurityAssociation[],
  wanted: ReadonlyMap<string, WantedSas>,
): OutboundChains {
  const all = inOrder(sas.filter(({ outbound }) => outbound));
  const wishes = [...wanted.values()];
  const ownable = new Set(
    all.filter((sa) => !isBound(sa) && wishes.some((wish) => wish.unique && serves(sa, wish))).map(saName),
  );
  const chains = new Map<string, readonly string[]>();
  for (const family of [4, 6] as const) {
    for (const wire of WIRE_PROTOCOLS) {
      chains.set(`wrap${family}_${wire}`, [...wrapRules(family, wire), refuse(REFUSALS.outCarrier)]);
    }
  }
  for (const [name, wish] of wanted)
    for (const [one, rules] of choice(name, wish, all, ownable)) chains.set(one, rules);
  for (const sa of all) chains.set(`seal_${saName(sa)}`, seal([sa], ownable));
  if (wishes.some(({ esp, ah }) => esp && ah)) {
    const both = pairs(all);
    chains.set('seal_both', [
      ...both.map(([esp, ah]) => `meta mark ${place(esp, all) + (place(ah, all) << 16)} goto ${pairName(esp, ah)}`),
      refuse(REFUSALS.outNoSa),
    ]);
    for (const [esp, ah] of both) chains.set(pairName(esp, ah), seal([esp, ah], ownable));
  }
  const sets = all.filter((sa) => ownable.has(saName(sa))).map((sa) => [ownSet(sa), ownSetBody(sa)] as const);
  return { chains, sets: new Map(sets) };
}

/** A source given before any source, and the youngest first. */
function inOrder(sas: readonly SecurityAssociation[]): readonly SecurityAssociation[] {
  return sas.toReversed().sort((a, b) => Number(anySource(a)) - Number(anySource(b)));
}

/** From 1, so that none is 0. */
function place(sa: SecurityAssociation, all: readonly SecurityAssociation[]): number {
  return all.indexOf(sa) + 1;
}

function pairName(esp: SecurityAssociation, ah: SecurityAssociation): string {
  return `seal_${saName(esp)}_${saName(ah)}`;
}

type NamedChain = readonly [string, readonly string[]];

/** With one kind wanted the first SA that serves takes the packet; with both, ESP and AH are looked for one after the other. */
function choice(
  name: string,
  wish: WantedSas,
  all: readonly SecurityAssociation[],
  ownable: ReadonlySet<string>,
): readonly NamedChain[] {
  const rows = (type: number, then: (sa: SecurityAssociation) => string): readonly string[] =>
    all
      .filter((sa) => sa.type === type && serves(sa, wish))
      .flatMap((sa) => row(sa, wish.unique && ownable.has(saName(sa)), then(sa)));
  if (wish.esp !== wish.ah) {
    const type = wish.esp ? SA_TYPE.esp : SA_TYPE.ah;
    return [[name, [...rows(type, (sa) => `goto seal_${saName(sa)}`), refuse(REFUSALS.outNoSa)]]];
  }
  const ahShift = 16;
  return [
    [`esp_${name}`, rows(SA_TYPE.esp, (sa) => `meta mark set ${place(sa, all)} return`)],
    [`ah_${name}`, rows(SA_TYPE.ah, (sa) => `meta mark set meta mark | ${place(sa, all) << ahShift} return`)],
    [
      name,
      [
        'meta mark set 0',
        `jump esp_${name}`,
        `meta mark 0 ${refuse(REFUSALS.outNoSa)}`,
        `jump ah_${name}`,
        `meta mark & 0xffff0000 == 0 ${refuse(REFUSALS.outNoSa)}`,
        'goto seal_both',
      ],
    ],
  ];
}

function row(sa: SecurityAssociation, ofItsOwn: boolean, then: string): readonly string[] {
  const flows = ofItsOwn ? ownFlow(sa) : bindingsOf(sa);
  return flows.map((flow) => words(ends([sa]), flow, then));
}

const ownSet = (sa: SecurityAssociation): string => `own_${saName(sa)}`;

/** An SA that a flow took for its own holds that flow, and is full with it. */
function ownSetBody(sa: SecurityAssociation): string {
  const ip = familyOf(sa) === 4 ? 'ip' : 'ip6';
  const type = `typeof ${ip} saddr . ${ip} daddr . meta l4proto . th sport . th dport; size 1; flags dynamic;`;
  return sa.used ? `${type} elements = { ${noFlow(sa)} };` : type;
}

function noFlow(sa: SecurityAssociation): string {
  const none = familyOf(sa) === 4 ? '0.0.0.0' : '::';
  return `${none} . ${none} . 255 . 0 . 0`;
}

/** Goes on when the SA is this flow's already, or becomes it. */
function ownFlow(sa: SecurityAssociation): readonly string[] {
  const ip = familyOf(sa) === 4 ? 'ip' : 'ip6';
  const take = (ports: string): string =>
    `update @${ownSet(sa)} { ${ip} saddr . ${ip} daddr . meta l4proto . ${ports} }`;
  return [
    ...[6, 17, 132].map((protocol) => `meta l4proto ${protocol} ${take('th sport . th dport')}`),
    `meta l4proto != 6 meta l4proto != 17 meta l4proto != 132 ${take('0 . 0')}`,
  ];
}

/** An SA that carried anything is no flow's own any more; adding to a full set ends the rule, not the chain. */
function seal(sas: readonly SecurityAssociation[], ownable: ReadonlySet<string>): readonly string[] {
  const [first] = sas;
  if (first === undefined) return [];
  const family = familyOf(first);
  const tag = wireTag(sas);
  return [
    ...sas.filter((sa) => ownable.has(saName(sa))).map((sa) => `add @${ownSet(sa)} { ${noFlow(sa)} }`),
    [...sas.map((sa) => `counter name ${counterName(sa, 'out')}`), `jump wrap${family}_${tag.protocol}`].join(' '),
    `${putTag(family, tag)} accept`,
  ];
}
