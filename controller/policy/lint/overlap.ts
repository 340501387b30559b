/** Whether two rules can meet the same packet, and whether one meets all that another does. Quick, and exact for both. */

import { prefixContains, type Prefix } from '../../model/address.js';
import type { LoadedRule, NumberRange, Selector } from '../../model/policy.js';
import { meetAll, selectedRegions, type Region } from '../region.js';

/** Boxes of a rule's selector, made once: rules are values and never change. */
const known = new WeakMap<Selector, readonly Region[]>();

export function regionsOf({ selector }: LoadedRule): readonly Region[] {
  const made = known.get(selector) ?? selectedRegions(selector);
  known.set(selector, made);
  return made;
}

/** Of the same direction or not; families must agree. */
export function mayMeet(a: LoadedRule, b: LoadedRule): boolean {
  return couldMeet(a.selector, b.selector) && meetAll(regionsOf(a), regionsOf(b)).length > 0;
}

/** False only where the fields alone tell that no packet meets both. */
export function couldMeet(a: Selector, b: Selector): boolean {
  return (
    a.family === b.family &&
    agree(a.protocol, b.protocol) &&
    agree(a.localPort, b.localPort) &&
    agree(a.remotePort, b.remotePort) &&
    rangesMeet(a.icmpType, b.icmpType) &&
    prefixesMeet(a.remote, b.remote) &&
    prefixesMeet(a.local, b.local)
  );
}

function agree(a: number | undefined, b: number | undefined): boolean {
  return a === undefined || b === undefined || a === b;
}

function rangesMeet(a: NumberRange | undefined, b: NumberRange | undefined): boolean {
  return a === undefined || b === undefined || (a.from <= b.to && b.from <= a.to);
}

function prefixesMeet(a: Prefix | undefined, b: Prefix | undefined): boolean {
  return a === undefined || b === undefined || prefixContains(a, b) || prefixContains(b, a);
}

/** Whether every packet that `inner` meets is met by `outer`, as far as the fields tell. */
export function covers(outer: Selector, inner: Selector): boolean {
  return (
    outer.family === inner.family &&
    same(outer.protocol, inner.protocol) &&
    same(outer.localPort, inner.localPort) &&
    same(outer.remotePort, inner.remotePort) &&
    within(outer.icmpType, inner.icmpType) &&
    within(outer.icmpCode, inner.icmpCode) &&
    inside(outer.remote, inner.remote) &&
    inside(outer.local, inner.local)
  );
}

function same(outer: number | undefined, inner: number | undefined): boolean {
  return outer === undefined || outer === inner;
}

function within(outer: NumberRange | undefined, inner: NumberRange | undefined): boolean {
  if (outer === undefined) return true;
  return inner !== undefined && outer.from <= inner.from && inner.to <= outer.to;
}

function inside(outer: Prefix | undefined, inner: Prefix | undefined): boolean {
  return outer === undefined || (inner !== undefined && prefixContains(outer, inner));
}
