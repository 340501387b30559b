/**
 * Sets of packets in a person's words: `10.0.2.0/24 → web1 tcp/22`. Boxes of the same addresses are said in one phrase, and
 * "all but" where that is shorter.
 */

import { formatAddress, formatPrefix, type Address, type Prefix } from '../model/address.js';
import type { Family, NumberRange } from '../model/policy.js';
import { joined, trafficKey } from './join-regions.js';
import { everyAddress, type AddressRange, type Region } from './region.js';
import { covered, cutEvery, hulls } from './traffic-cover.js';
import { ALL_BYTES, ALL_PORTS, everyTraffic, isEveryProtocol, protocolsOf, type Traffic } from './traffic.js';

const WIDTH = { 4: 32, 6: 128 } as const;

/** The fewest prefixes that make up a range. */
function rangePrefixes({ from, to }: AddressRange, family: Family): readonly Prefix[] {
  const found: Prefix[] = [];
  for (let at = from; at <= to;) {
    let length: number = WIDTH[family];
    let size = 1n;
    while (length > 0 && (at & size) === 0n && at + 2n * size - 1n <= to) {
      size *= 2n;
      length--;
    }
    found.push({ address: { family, value: at }, length });
    at += size;
  }
  return found;
}

/** Names for addresses, where the reader knows one. */
export type AddressName = (address: Address) => string | undefined;

const nameless: AddressName = () => undefined;

/** `10.0.2.0/24`, `web1`, `any`, `any but 10.0.1.11`, `10.0.0.1–10.0.0.7`. Ranges must be disjoint. */
export function addressesText(ranges: readonly AddressRange[], family: Family, nameOf: AddressName = nameless): string {
  const runs = joinedRuns(ranges);
  const gaps = complement(runs, family);
  if (gaps.length === 0) return family === 4 ? 'any' : 'any IPv6';
  const words = runs.flatMap((run) => runWords(run, family, nameOf));
  const missing = gaps.flatMap((gap) => runWords(gap, family, nameOf));
  const [first] = runs;
  const open = first?.from === 0n && runs.at(-1)?.to === everyAddress(family).to;
  return open && missing.length <= words.length
    ? `${family === 4 ? 'any' : 'any IPv6'} but ${listed(missing)}`
    : listed(words);
}

function joinedRuns(ranges: readonly AddressRange[]): readonly AddressRange[] {
  const runs: AddressRange[] = [];
  for (const range of ranges.toSorted((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0))) {
    const last = runs.at(-1);
    if (last !== undefined && range.from <= last.to + 1n) {
      runs[runs.length - 1] = { from: last.from, to: range.to > last.to ? range.to : last.to };
    } else runs.push(range);
  }
  return runs;
}

function complement(runs: readonly AddressRange[], family: Family): readonly AddressRange[] {
  const gaps: AddressRange[] = [];
  let from = 0n;
  for (const run of runs) {
    if (from < run.from) gaps.push({ from, to: run.from - 1n });
    from = run.to + 1n;
  }
  const { to } = everyAddress(family);
  if (from <= to) gaps.push({ from, to });
  return gaps;
}

/** More prefixes than this and a range is said by its ends. */
const MOST_PREFIXES = 2;

function runWords(run: AddressRange, family: Family, nameOf: AddressName): readonly string[] {
  const prefixes = rangePrefixes(run, family);
  if (prefixes.length <= MOST_PREFIXES) return prefixes.map((prefix) => prefixWord(prefix, nameOf));
  return [`${addressWord(run.from, family, nameOf)}–${addressWord(run.to, family, nameOf)}`];
}

function prefixWord(prefix: Prefix, nameOf: AddressName): string {
  const { address, length } = prefix;
  return (length === WIDTH[address.family] ? nameOf(address) : undefined) ?? formatPrefix(prefix);
}

function addressWord(value: bigint, family: Family, nameOf: AddressName): string {
  const address = { family, value };
  return nameOf(address) ?? formatAddress(address);
}

/** Most words in one list before the rest is only counted. */
const MOST_WORDS = 6;

function listed(words: readonly string[]): string {
  if (words.length <= MOST_WORDS) return words.join(', ');
  return `${words.slice(0, MOST_WORDS - 1).join(', ')} and ${words.length - MOST_WORDS + 1} more`;
}

/**
 * `tcp/80,443`, `tcp,udp from 53`, `icmp type 8`, `protocol 47`, `anything`, `anything but tcp/80`,
 * `tcp/1-1023 but tcp/22`: whichever is shortest; more
 * than six phrases are cut short. The boxes must be disjoint.
 */
export function trafficText(traffics: readonly Traffic[], family: Family): string {
  const set = trafficSetKey(traffics, family);
  const before = SAID.get(set);
  if (before !== undefined) return before;
  const text = shortestText(traffics, family);
  if (SAID.size >= MOST_SAID) SAID.clear();
  SAID.set(set, text);
  return text;
}

/** The words of the last sets: finding the shortest takes long, and the hosts of a fleet have the same few sets. */
const SAID = new Map<string, string>();
const MOST_SAID = 500;

function trafficSetKey(traffics: readonly Traffic[], family: Family): string {
  return `${family} ${traffics.map(trafficKey).join()}`;
}

function shortestText(traffics: readonly Traffic[], family: Family): string {
  const missing = cutEvery(everyTraffic(family), traffics);
  if (missing.length === 0) return 'anything';
  const words = (boxes: readonly Traffic[]): string => listed(boxWords(covered(boxes), family));
  const whole = hulls(traffics);
  const holes = cutEvery(whole, traffics);
  const candidates = [
    words(traffics),
    `anything but ${words(missing)}`,
    // Of several kinds it would not be clear which one the holes are cut from.
    ...(whole.length === 1 && holes.length > 0 ? [`${words(whole)} but ${words(holes)}`] : []),
  ];
  return candidates.reduce((best, one) => (one.length < best.length ? one : best));
}

/** A phrase for each box; boxes that differ only in one port, or in the ICMP type, share one. */
function boxWords(boxes: readonly Traffic[], family: Family): readonly string[] {
  const phrases = new Map<
    string,
    { readonly box: Traffic; readonly field: 'local' | 'remote'; readonly ranges: NumberRange[] }
  >();
  for (const box of boxes) {
    const [byRemote, byLocal] = [allBut(box, 'remote'), allBut(box, 'local')];
    const alike = boxes.filter((one) => allBut(one, 'remote').rest === byRemote.rest).length;
    const { rest, range, field } = alike > 1 ? byRemote : byLocal;
    const key = `${field} ${rest}`;
    const known = phrases.get(key);
    if (known === undefined) phrases.set(key, { box, field, ranges: [range] });
    else known.ranges.push(range);
  }
  return [...phrases.values()].map(({ box, field, ranges }) => boxText(box, family, { [field]: ranges }));
}

/** The one range of a box that a list may stand for, and all else of it as a key. */
function allBut(box: Traffic, field: 'local' | 'remote') {
  switch (box.kind) {
    case 'ports': {
      const other = field === 'local' ? box.remote : box.local;
      return { field, range: field === 'local' ? box.local : box.remote, rest: `${box.protocols} ${rangeText(other)}` };
    }
    case 'icmp':
      return { field, range: box.type, rest: `icmp ${rangeText(box.code)}` };
    case 'other':
      return { field, range: ALL_BYTES, rest: `other ${box.protocols.toString(36)}` };
  }
}

/** Ranges that stand in for a box's own: of ports at an end; of ICMP types for either. */
interface Listing {
  readonly local?: readonly NumberRange[];
  readonly remote?: readonly NumberRange[];
}

/** Empty for everything. */
function rangesText(ranges: readonly NumberRange[], all: NumberRange): string {
  const [first] = ranges;
  if (first?.from === all.from && first.to === all.to) return '';
  return ranges.map(rangeText).join();
}

const NAMES: Readonly<Record<number, string>> = { 6: 'tcp', 17: 'udp', 132: 'sctp', 47: 'gre', 50: 'esp', 51: 'ah' };

/** One box: `tcp/443`, `tcp/80,443 from 1024-65535`, `icmp type 8`, `other protocols`. */
function boxText(traffic: Traffic, family: Family, listing: Listing = {}): string {
  switch (traffic.kind) {
    case 'ports': {
      const protocols = protocolsOf(traffic, family).map((number) => NAMES[number] ?? String(number));
      const remote = rangesText(listing.remote ?? [traffic.remote], ALL_PORTS);
      const local = rangesText(listing.local ?? [traffic.local], ALL_PORTS);
      return `${protocols.join(',')}${remote === '' ? '' : `/${remote}`}${local === '' ? '' : ` from ${local}`}`;
    }
    case 'icmp': {
      const name = family === 4 ? 'icmp' : 'ipv6-icmp';
      const type = rangesText(listing.local ?? listing.remote ?? [traffic.type], ALL_BYTES);
      const code = rangesText([traffic.code], ALL_BYTES);
      return `${name}${type === '' ? '' : ` type ${type}`}${code === '' ? '' : ` code ${code}`}`;
    }
    case 'other': {
      if (isEveryProtocol(traffic, family)) return 'other protocols';
      const numbers = protocolsOf(traffic, family);
      return numbers.length > 8
        ? 'other protocols but some'
        : `protocol ${numbers.map((number) => NAMES[number] ?? String(number)).join(',')}`;
    }
  }
}

function rangeText({ from, to }: NumberRange): string {
  return from === to ? String(from) : `${from}-${to}`;
}

export interface FlowText {
  readonly from: string;
  readonly to: string;
  readonly traffic: string;
}

/**
 * Phrases for a set seen from the sender (`local` sends): addresses that have the same traffic are said together.
 * The boxes must be disjoint.
 */
export function flowTexts(regions: readonly Region[], nameOf: AddressName = nameless): readonly FlowText[] {
  const places = new Map<string, { readonly region: Region; readonly traffics: Traffic[] }>();
  for (const region of joined(regions)) {
    const key = [region.family, region.local.from, region.local.to, region.remote.from, region.remote.to].join();
    const place = places.get(key);
    if (place === undefined) places.set(key, { region, traffics: [region.traffic] });
    else place.traffics.push(region.traffic);
  }
  const rows = new Map<
    string,
    { readonly region: Region; readonly set: string; readonly remotes: AddressRange[]; readonly traffic: string }
  >();
  for (const { region, traffics } of places.values()) {
    const { family, local, remote } = region;
    // By the set itself: words of two long sets may be the same.
    const set = trafficSetKey(traffics, family);
    const traffic = trafficText(traffics, family);
    const key = [local.from, local.to, set].join();
    const row = rows.get(key);
    if (row === undefined) rows.set(key, { region, set, remotes: [remote], traffic });
    else row.remotes.push(remote);
  }
  const columns = new Map<
    string,
    { readonly region: Region; readonly locals: AddressRange[]; readonly to: string; readonly traffic: string }
  >();
  for (const { region, set, remotes, traffic } of rows.values()) {
    const { local } = region;
    const to = addressesText(remotes, region.family, nameOf);
    const key = [set, ...remotes.map(({ from, to: last }) => `${from}-${last}`)].join();
    const column = columns.get(key);
    if (column === undefined) columns.set(key, { region, locals: [local], to, traffic });
    else column.locals.push(local);
  }
  return [...columns.values()].map(({ region, locals, to, traffic }) => ({
    from: addressesText(locals, region.family, nameOf),
    to,
    traffic,
  }));
}

/** `10.0.2.0/24 → web1 tcp/22` */
export function flowText({ from, to, traffic }: FlowText): string {
  return `${from} → ${to} ${traffic}`;
}
