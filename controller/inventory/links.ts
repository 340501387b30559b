/** Lines of `links:` to links: every pair once, each with the keying and suite that both its ends can accept. */

import { positionText, type SourcePosition } from '../errors.js';
import { formatAddress } from '../model/address.js';
import type { Keying, Link, LinkEnd, Suite } from '../model/host.js';
import type { Entry } from './check-shape.js';
import type { Directory } from './directory.js';
import type { BuiltHost } from './hosts.js';
import type { Layer } from './layer.js';
import { type EndContext, type Externals, lineSides } from './link-ends.js';
import { problemError, problemWarning, type Report, someOf, type Sourced } from './problem-list.js';
import type { BetweenShape, MeshShape } from './schema.js';
import { nodeAt, positionOf } from './source-tree.js';
import { DEFAULT_SUITE, isCounterMode, parseSuite, suiteText } from './suite.js';

const MAX_LINKS = 250_000;
const DEFAULT_KEYING: Keying = 'ike-psk';

type LinkEntry = Entry<BetweenShape | MeshShape>;

export interface LinkInput {
  readonly entries: readonly LinkEntry[];
  readonly hosts: readonly BuiltHost[];
  readonly directory: Directory;
  readonly broken: ReadonlySet<string>;
  readonly defaults: Layer | undefined;
}

export interface Links {
  readonly links: readonly Link[];
  readonly externals: Externals['byName'];
}

export function buildLinks(input: LinkInput, report: Report): Links {
  const byName = new Map(input.hosts.map((built) => [built.host.name, built]));
  const context: EndContext = {
    directory: input.directory,
    broken: input.broken,
    byName,
    addressOwner: new Map(
      input.hosts.flatMap(({ host }) => host.addresses.map((address) => [formatAddress(address), host.name] as const)),
    ),
    externals: { byName: new Map() },
    report,
  };
  const links = new Map<string, Link>();
  let unresolved = 0;
  for (const entry of input.entries) {
    const sides = lineSides(entry, context);
    if (sides === undefined) {
      unresolved++;
      continue;
    }
    const [left, right] = sides;
    const room = MAX_LINKS - links.size;
    if (left.length * right.length > room * (left === right ? 2 : 1)) {
      const what = `the inventory would have more than ${MAX_LINKS} links with this line`;
      report(problemError('TOO_MANY_LINKS', entry.at, what, 'link fewer hosts, or split the fleet'));
      unresolved++;
      continue;
    }
    linkLine(entry, left, right, { byName, links, defaults: input.defaults, report });
  }
  if (unresolved === 0 && input.broken.size === 0) reportUnlinked(input.hosts, links, report);
  return { links: [...links.values()], externals: context.externals.byName };
}

interface LineContext {
  readonly byName: ReadonlyMap<string, BuiltHost>;
  readonly links: Map<string, Link>;
  readonly defaults: Layer | undefined;
  readonly report: Report;
}

function linkLine(entry: LinkEntry, left: readonly LinkEnd[], right: readonly LinkEnd[], context: LineContext): void {
  const { links, report } = context;
  const said = lineSays(entry, report);
  const seen = new Set<string>();
  // One problem for all pairs that share its cause: a mesh of hundreds must not report each pair
  const faults = new Map<string, { ids: string[]; problem: (ids: string) => Parameters<Report>[0] }>();
  const fault = (cause: string, id: string, problem: (ids: string) => Parameters<Report>[0]): void => {
    const known = faults.get(cause);
    if (known === undefined) faults.set(cause, { ids: [id], problem });
    else known.ids.push(id);
  };
  for (const a of left) {
    for (const b of right) {
      const [first, second] = endName(a) < endName(b) ? [a, b] : [b, a];
      const id = `${endName(first)}--${endName(second)}`;
      if (endName(a) === endName(b) || seen.size === seen.add(id).size) continue;
      const [x, y] = [choices(first, context.byName), choices(second, context.byName)];
      const keying = choose(
        'keying',
        said.keying,
        x.keying,
        y.keying,
        context.defaults?.keying,
        DEFAULT_KEYING,
        String,
      );
      const suite = choose('suite', said.suite, x.suite, y.suite, context.defaults?.suite, DEFAULT_SUITE, suiteText);
      for (const choice of [keying, suite]) {
        if (choice.kind === 'disagree')
          fault(choice.cause, id, (ids) =>
            problemError('ENDS_DISAGREE', entry.at, `${ids}: ${choice.what}`, choice.todo),
          );
      }
      if (!shareFamily(first, second, context.byName)) {
        const what = 'one end has only IPv4 addresses and the other only IPv6';
        fault('family', id, (ids) =>
          problemError('NO_COMMON_FAMILY', entry.at, `${ids}: ${what}`, 'give both ends an address of one family'),
        );
      }
      if (keying.kind === 'disagree' || suite.kind === 'disagree') continue;
      const link: Link = { id, ends: [first, second], keying: keying.value, suite: suite.value, at: entry.at };
      if (link.keying === 'manual' && isCounterMode(link.suite)) {
        fault('counter', id, (ids) => counterMode(link, ids, suite.at ?? entry.at));
      }
      const earlier = links.get(id);
      if (earlier === undefined) links.set(id, link);
      else repeated(earlier, link, fault);
    }
  }
  if (seen.size === 0) {
    const what = `this line links no two hosts${'mesh' in entry.value ? ': a mesh needs at least two' : ''}`;
    report(problemError('EMPTY_LINK', entry.at, what, 'put hosts into the groups it names, or remove the line'));
  }
  for (const { ids, problem } of faults.values()) report(problem(someOf(ids)));
}

function lineSays(
  entry: LinkEntry,
  report: Report,
): { keying: Sourced<Keying> | undefined; suite: Sourced<Suite> | undefined } {
  const { keying, suite } = entry.value;
  const node = nodeAt(entry.node, ['suite']);
  return {
    keying: keying === undefined ? undefined : { value: keying, at: positionOf(entry.node, ['keying']) },
    suite: suite === undefined || node === undefined ? undefined : parseSuite(suite, node, report),
  };
}

function endName(end: LinkEnd): string {
  return end.kind === 'host' ? end.host : end.name;
}

function choices(end: LinkEnd, byName: ReadonlyMap<string, BuiltHost>): Partial<BuiltHost> {
  return (end.kind === 'host' ? byName.get(end.host) : undefined) ?? {};
}

type Chosen<T> =
  | { readonly kind: 'chosen'; readonly value: T; readonly at: SourcePosition | undefined }
  | { readonly kind: 'disagree'; readonly cause: string; readonly what: string; readonly todo: string };

/** The line decides; else the ends, as far as they say anything and agree; else the defaults. */
function choose<T>(
  key: 'keying' | 'suite',
  line: Sourced<T> | undefined,
  x: Sourced<T> | undefined,
  y: Sourced<T> | undefined,
  defaults: Sourced<T> | undefined,
  builtIn: T,
  text: (value: T) => string,
): Chosen<T> {
  if (line === undefined && x !== undefined && y !== undefined && text(x.value) !== text(y.value)) {
    const what = `the ends disagree on ${key}: ${text(x.value)} at ${positionText(x.at)}, ${text(y.value)} at ${positionText(y.at)}`;
    return { kind: 'disagree', cause: what, what, todo: `add "${key}:" to this line` };
  }
  const chosen = line ?? x ?? y ?? defaults;
  return { kind: 'chosen', value: chosen?.value ?? builtIn, at: chosen?.at };
}

function counterMode(link: Link, ids: string, at: SourcePosition): Parameters<Report>[0] {
  const what = `${ids}: ${link.suite.encr} with manual keys repeats its key stream after every reboot and gives the plaintext away (RFC 4106 §10)`;
  return problemError('COUNTER_MODE_MANUAL', at, what, 'use keying: ike-psk, or encr: aes(256) with encrAuth: sha256');
}

function repeated(
  earlier: Link,
  link: Link,
  fault: (cause: string, id: string, problem: (ids: string) => Parameters<Report>[0]) => void,
): void {
  const isSame = earlier.keying === link.keying && suiteText(earlier.suite) === suiteText(link.suite);
  const where = positionText(earlier.at);
  fault(`${where} ${isSame}`, link.id, (ids) =>
    isSame
      ? problemWarning(
          'LINK_TWICE',
          link.at,
          `${ids}: linked before at ${where}, with the same settings`,
          'remove one of the two',
        )
      : problemError(
          'LINK_TWICE',
          link.at,
          `${ids}: linked before at ${where}, with other settings`,
          'keep one line for each pair',
        ),
  );
}

function families(end: LinkEnd, byName: ReadonlyMap<string, BuiltHost>): number {
  const addresses = end.kind === 'external' ? end.addresses : (byName.get(end.host)?.host.addresses ?? []);
  return addresses.reduce((found, address) => found | (address.family === 4 ? 1 : 2), 0);
}

function shareFamily(a: LinkEnd, b: LinkEnd, byName: ReadonlyMap<string, BuiltHost>): boolean {
  return (families(a, byName) & families(b, byName)) !== 0;
}

function reportUnlinked(hosts: readonly BuiltHost[], links: ReadonlyMap<string, Link>, report: Report): void {
  const linked = new Set<string>();
  for (const link of links.values()) link.ends.forEach((end) => linked.add(endName(end)));
  const unlinked = new Map<SourcePosition, string[]>();
  for (const { host } of hosts) {
    if (linked.has(host.name)) continue;
    const sharing = unlinked.get(host.at);
    if (sharing === undefined) unlinked.set(host.at, [host.name]);
    else sharing.push(host.name);
  }
  for (const [at, names] of unlinked) {
    const what = `no link names ${someOf(names)}: only what the template says is protected there`;
    report(problemWarning('UNLINKED_HOST', at, what, 'add a line under "links:", or ignore this'));
  }
}
