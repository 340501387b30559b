/**
 * Every packet of one direction and family, divided by the rule that decides it: exact, with nothing left out and nothing
 * twice. Works along the remote addresses, so that its cost grows with the rules, not with their square.
 */

import type { Direction, Family, LoadedRule } from '../model/policy.js';
import {
  cutShared,
  everyAddress,
  everything,
  meet,
  meetAddresses,
  prefixRange,
  selectedRegions,
  type AddressRange,
  type Region,
} from './region.js';

/** What a comparison may cost: rules overlap in ways that no bound on their number would catch. */
export class Effort {
  #left: number;
  constructor(units: number) {
    this.#left = units;
  }

  /** @throws TangledPolicy when there is nothing left */
  spend(units: number): void {
    this.#left -= units;
    if (this.#left < 0) throw new TangledPolicy();
  }
}

/** Rules that overlap so much that what they mean is not worked out in reasonable time. */
export class TangledPolicy extends Error {
  override readonly name = 'TangledPolicy';
  constructor() {
    super('the rules overlap too much to be compared');
  }
}

const UNBOUNDED = new Effort(Infinity);

export interface Cell {
  readonly region: Region;
  /** None = no rule matches. */
  readonly rule: LoadedRule | undefined;
}

/** What to divide; left out: every address. */
export interface Window {
  readonly local?: AddressRange;
  readonly remote?: AddressRange;
}

/** The host's rules of one direction and family in the order they are tried: by priority, equals as given. */
export function rulesInOrder(rules: readonly LoadedRule[], dir: Direction, family: Family): readonly LoadedRule[] {
  return rules
    .filter((rule) => rule.dir === dir && rule.family === family && rule.tunnel === undefined)
    .toSorted((a, b) => b.priority - a.priority);
}

/** Cells are disjoint and cover the window. */
export function partition(
  rules: readonly LoadedRule[],
  dir: Direction,
  family: Family,
  window: Window = {},
): readonly Cell[] {
  const cells: Cell[] = [];
  for (const slice of slices([rulesInOrder(rules, dir, family)], family, window)) {
    const [tried = []] = slice.tried;
    cells.push(...divide(tried, everything(family, window.local, slice.remote)));
  }
  return cells;
}

/** Divides these boxes by the first of `tried` that meets each packet. */
export function divide(tried: readonly LoadedRule[], boxes: readonly Region[], effort = UNBOUNDED): readonly Cell[] {
  const cells: Cell[] = [];
  let left = boxes;
  for (const rule of tried) {
    if (left.length === 0) break;
    for (const selected of selectedRegions(rule.selector)) {
      effort.spend(left.length);
      const rest: Region[] = [];
      for (const box of left) {
        const met = meet(box, selected);
        if (met === undefined) rest.push(box);
        else {
          cells.push({ region: met, rule });
          rest.push(...cutShared(box, met));
        }
      }
      left = rest;
    }
  }
  return [...cells, ...left.map((region): Cell => ({ region, rule: undefined }))];
}

/** A run of remote addresses for which the same rules come into question. */
export interface Slice {
  readonly remote: AddressRange;
  /** For each list that was given, the rules that can meet these addresses, in the list's order. */
  readonly tried: readonly (readonly LoadedRule[])[];
}

interface Bound {
  readonly at: bigint;
  readonly begins: boolean;
  readonly list: number;
  readonly place: number;
}

/** Cuts the remote addresses of a window wherever a rule of any list begins or ends. Lists keep their order. */
export function slices(
  lists: readonly (readonly LoadedRule[])[],
  family: Family,
  window: Window = {},
  effort = UNBOUNDED,
): readonly Slice[] {
  const whole = window.remote ?? everyAddress(family);
  const bounds: Bound[] = [];
  const active = lists.map(() => new Set<number>());
  for (const [list, rules] of lists.entries()) {
    for (const [place, { selector }] of rules.entries()) {
      if (window.local !== undefined && selector.local !== undefined) {
        if (meetAddresses(prefixRange(selector.local), window.local) === undefined) continue;
      }
      if (selector.remote === undefined) {
        active[list]?.add(place);
        continue;
      }
      const range = meetAddresses(prefixRange(selector.remote), whole);
      if (range === undefined) continue;
      if (range.from === whole.from) active[list]?.add(place);
      else bounds.push({ at: range.from, begins: true, list, place });
      if (range.to < whole.to) bounds.push({ at: range.to + 1n, begins: false, list, place });
    }
  }
  bounds.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  const found: Slice[] = [];
  let from = whole.from;
  const emit = (to: bigint): void => {
    effort.spend(active.reduce((sum, places) => sum + places.size, 1));
    found.push({ remote: { from, to }, tried: lists.map((rules, list) => chosen(rules, active[list])) });
  };
  for (let at = 0; at < bounds.length;) {
    const here = bounds[at]?.at ?? 0n;
    emit(here - 1n);
    for (let bound = bounds[at]; bound?.at === here; bound = bounds[++at]) {
      if (bound.begins) active[bound.list]?.add(bound.place);
      else active[bound.list]?.delete(bound.place);
    }
    from = here;
  }
  emit(whole.to);
  return found;
}

/** The rules at these places, in order. */
function chosen(rules: readonly LoadedRule[], places: Iterable<number> = []): readonly LoadedRule[] {
  const found: LoadedRule[] = [];
  for (const place of Int32Array.from(places).sort()) {
    const rule = rules[place];
    if (rule !== undefined) found.push(rule);
  }
  return found;
}
