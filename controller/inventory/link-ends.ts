/** The two sides of a link line: which hosts or external ends they are. */

import { positionText, type SourcePosition } from '../errors.js';
import { type Address, formatAddress } from '../model/address.js';
import type { LinkEnd } from '../model/host.js';
import type { Entry } from './check-shape.js';
import { type Directory, findHosts, reportUnknown } from './directory.js';
import { parseHostAddress } from './host-address.js';
import type { BuiltHost } from './hosts.js';
import { checkName, matchesPattern } from './name.js';
import { problemError, type Report } from './problem-list.js';
import type { BetweenShape, MeshShape } from './schema.js';
import { positionOf } from './source-tree.js';

export interface Externals {
  readonly byName: Map<string, { readonly end: Extract<LinkEnd, { kind: 'external' }>; readonly at: SourcePosition }>;
}

export interface EndContext {
  readonly directory: Directory;
  readonly broken: ReadonlySet<string>;
  readonly byName: ReadonlyMap<string, BuiltHost>;
  readonly addressOwner: ReadonlyMap<string, string>;
  readonly externals: Externals;
  readonly report: Report;
}

/** Both sides of a line; a mesh has the same side twice. `undefined` when a side is wrong and has been reported. */
export function lineSides(
  entry: Entry<BetweenShape | MeshShape>,
  context: EndContext,
): readonly [readonly LinkEnd[], readonly LinkEnd[]] | undefined {
  if ('mesh' in entry.value) {
    const { mesh } = entry.value;
    const texts = typeof mesh === 'string' ? [mesh] : mesh;
    const found = texts.map((text, i) =>
      namedEnds(text, positionOf(entry.node, typeof mesh === 'string' ? ['mesh'] : ['mesh', i]), context),
    );
    if (found.some((ends) => ends === undefined)) return undefined;
    const names = new Set(found.flatMap((ends) => ends ?? []));
    const side = [...names].map(hostEnd);
    return [side, side];
  }
  const [left, right] = entry.value.between.map((end, i) => {
    const at = positionOf(entry.node, ['between', i]);
    if (typeof end === 'string') return namedEnds(end, at, context)?.map(hostEnd);
    return externalEnd(end, entry, i, context);
  });
  const [first, second] = entry.value.between;
  if (typeof first === 'object' && typeof second === 'object') {
    const what = 'both ends of the link are external, so there is no host to configure';
    context.report(
      problemError('NO_HOST_IN_LINK', positionOf(entry.node, ['between']), what, 'name a host or remove the line'),
    );
    return undefined;
  }
  return left === undefined || right === undefined ? undefined : [left, right];
}

function hostEnd(host: string): LinkEnd {
  return { kind: 'host', host };
}

function namedEnds(text: string, at: SourcePosition, context: EndContext): readonly string[] | undefined {
  const found = findHosts(context.directory, text);
  if (found === undefined) {
    const isBroken = [...context.broken].some((name) => matchesPattern(text, name));
    if (!isBroken) reportUnknown(context.directory, text, at, context.report);
    return undefined;
  }
  return found;
}

function externalEnd(
  shape: Exclude<BetweenShape['between'][number], string>,
  entry: Entry<unknown>,
  index: number,
  context: EndContext,
): readonly LinkEnd[] | undefined {
  const { report, externals } = context;
  const name = shape.external;
  const at = positionOf(entry.node, ['between', index, 'external']);
  if (!checkName('an external end', name, at, report)) return undefined;
  const host = context.byName.get(name);
  if (host !== undefined || context.directory.groups.has(name)) {
    const kind = host === undefined ? 'group' : 'host';
    const what = `"${name}" is a ${kind} of this inventory, not an external end`;
    report(problemError('NAME_TWICE', at, what, `write ${name} instead of { external: … }, or rename the end`));
    return undefined;
  }
  const texts = typeof shape.address === 'string' ? [shape.address] : shape.address;
  const addresses = texts.map((text, i) => {
    const path = typeof shape.address === 'string' ? [] : [i];
    const addressAt = positionOf(entry.node, ['between', index, 'address', ...path]);
    const address = parseHostAddress(text, addressAt, report);
    const owner = address === undefined ? undefined : context.addressOwner.get(formatAddress(address));
    if (owner !== undefined) {
      const what = `external end "${name}" has the address ${text} of ${owner}`;
      report(problemError('ADDRESS_TWICE', addressAt, what, `link ${owner} itself, or correct the address`));
      return undefined;
    }
    return address;
  });
  const usable = addresses.filter((address) => address !== undefined);
  if (usable.length < addresses.length) return undefined;
  return known(name, usable, at, externals, report);
}

/** One name, one end: a second line may use it again with the same addresses. */
function known(
  name: string,
  addresses: readonly Address[],
  at: SourcePosition,
  externals: Externals,
  report: Report,
): readonly LinkEnd[] | undefined {
  const first = externals.byName.get(name);
  if (first === undefined) {
    const end = { kind: 'external', name, addresses } as const;
    externals.byName.set(name, { end, at });
    return [end];
  }
  const text = (list: readonly Address[]): string => list.map(formatAddress).join(' ');
  if (text(first.end.addresses) === text(addresses)) return [first.end];
  const what = `external end "${name}" has other addresses here than at ${positionText(first.at)}`;
  report(problemError('EXTERNAL_DIFFERS', at, what, 'use the same addresses, or two names'));
  return undefined;
}
