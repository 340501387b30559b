/** The chains that know by its tag which SAs of this host a packet came under, and turn it back into what was sent. */

import { OperatorError } from '../../../errors.js';
import type { SecurityAssociation } from '../../../model/sa.js';
import { arrivalMark, CAME_CLEAR, CAME_PROTECTED, MISBOUND, setMark } from './arrival-mark.js';
import { REFUSALS, refuse } from './refusals.js';
import { anySource, bindingsOf, counterName, ends, familyOf, isBound, pairs, words } from './sa-words.js';
import { wantedLike, wantedName, type WantedSas } from './wanted-sa.js';
import { matchTag, tagText, unwrapRules, wireTag } from './wire-tag.js';

export interface InboundChains {
  readonly chains: ReadonlyMap<string, readonly string[]>;
  /** The mark of each way in which packets can come, and what an answer in the same way needs. */
  readonly ways: ReadonlyMap<number, { readonly chain: string; readonly wanted: WantedSas }>;
}

/** SAs that come together in one packet. */
type Lot = readonly SecurityAssociation[];

/** @throws OperatorError LAB_TAGS_ALIKE when packets of two SAs could not be told apart */
export function inboundChains(sas: readonly SecurityAssociation[]): InboundChains {
  const all = sas.filter(({ inbound }) => inbound);
  // Of a given source first, as the kernel finds them.
  const lots: readonly Lot[] = [...all.map((sa) => [sa]), ...pairs(all)].toSorted(
    (a, b) => Number(a.every(anySource)) - Number(b.every(anySource)),
  );
  refuseAlike(lots);
  const open: Record<4 | 6, string[]> = { 4: [], 6: [] };
  const bind: string[] = [];
  const ways = new Map<number, { chain: string; wanted: WantedSas }>();
  for (const lot of lots) {
    const [first] = lot;
    if (first === undefined) continue;
    const family = familyOf(first);
    const mark = arrivalMark(lot);
    const wanted = wantedLike(lot);
    ways.set(mark, { chain: `want_${wantedName(wanted)}`, wanted });
    let carried = mark;
    if (lot.some(isBound)) {
      // Ports can be read only once the packet is what it was: a number of the lot's own until then.
      carried = bind.length + 1;
      for (const binding of bindingsOfAll(lot))
        bind.push(words(`meta mark ${carried}`, binding, setMark(mark), 'accept'));
      bind.push(words(`meta mark ${carried}`, setMark(mark | MISBOUND), 'accept'));
    }
    const counters = lot.map((sa) => `counter name ${counterName(sa, 'in')}`);
    open[family].push(
      words(matchTag(family, wireTag(lot)), ends(lot), ...counters, setMark(carried), `goto unwrap${family}`),
    );
  }
  const unknown = refuse(REFUSALS.inUnknownSa);
  const chains: (readonly [string, readonly string[]])[] = [
    ['open4', [...open[4], unknown]],
    ['open6', [...open[6], unknown]],
    ['unwrap4', [...unwrapRules(4), unknown]],
    ['unwrap6', [...unwrapRules(6), unknown]],
    ['bind', [`${CAME_CLEAR} accept`, `${CAME_PROTECTED} accept`, ...bind]],
  ];
  return { chains: new Map(chains), ways };
}

/** Both must agree. */
function bindingsOfAll(lot: Lot): readonly string[] {
  return lot.reduce<readonly string[]>(
    (texts, sa) => texts.flatMap((text) => bindingsOf(sa).map((one) => words(text, one))),
    [''],
  );
}

function refuseAlike(lots: readonly Lot[]): void {
  const seen = new Map<string, Lot[]>();
  for (const lot of lots) {
    const [first] = lot;
    if (first === undefined) continue;
    const key = `${familyOf(first)} ${first.dst.address.value} ${tagText(wireTag(lot))}`;
    const others = seen.get(key) ?? [];
    const alike = others.find((other) => sourcesMeet(other, lot));
    if (alike !== undefined) throw tagsAlike(alike, lot);
    seen.set(key, [...others, lot]);
  }
}

function sourcesMeet(a: Lot, b: Lot): boolean {
  const [one, other] = [a, b].map((lot) => lot.find((sa) => !anySource(sa))?.src.address.value);
  return one === undefined || other === undefined || one === other;
}

function tagsAlike(a: Lot, b: Lot): OperatorError {
  const [one, other] = [a, b].map((lot) => lot.map(({ spi }) => `0x${spi.toString(16)}`).join(' and '));
  return new OperatorError('LAB_TAGS_ALIKE', {
    what: `the lab cannot tell packets of SPI ${one} from packets of SPI ${other}: their marks on the wire are the same by chance`,
    todo: 'change one of the two SPIs or keys; real hosts have no such limit',
  });
}
