/** Lines of `links:` to links: every pair once, each with a keying and suite that both its ends accept. */

import { positionText, type SourcePosition } from '../errors.js';
import { formatAddress } from '../model/address.js';
import type { Keying, Link, LinkEnd, Suite } from '../model/host.js';
import type { Entry } from './check-shape.js';
import type { Directory } from './directory.js';
import type { BuiltHost } from './hosts.js';
import type { Layer } from './layer.js';
import { lineFaults, type LineFaults } from './line-faults.js';
import { choose, type SharedSetting } from './link-choice.js';
import { type EndContext, type Externals, lineSides } from './link-ends.js';
import { problemError, problemWarning, type Report, someOf, type Sourced } from './problem-list.js';
import type { BetweenShape, MeshShape } from './schema.js';
import { nodeAt, positionOf } from './source-tree.js';
import { DEFAULT_SUITE, isCounterMode, parseSuite, suiteText } from './suite.js';

const MAX_LINKS = 250_000;

const KEYING: SharedSetting<Keying> = { key: 'keying', builtIn: 'ike-psk', text: String };
const SUITE: SharedSetting<Suite> = { key: 'suite', builtIn: DEFAULT_SUITE, text: suiteText };

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

export function buildLinks(input: LinkInput, reportAll: Report): Links {
  let isSound = input.broken.size === 0;
  const report: Report = (problem) => {
    if (problem.severity === 'error') isSound = false;
    reportAll(problem);
  };
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
  for (const entry of input.entries) {
    const sides = lineSides(entry, context);
    if (sides === undefined) continue;
    const [left, right] = sides;
    const pairs = (left.length * right.length) / (left === right ? 2 : 1);
    if (links.size + pairs > MAX_LINKS) {
      const what = `the inventory would have more than ${MAX_LINKS} links with this line`;
      report(problemError('TOO_MANY_LINKS', entry.at, what, 'link fewer hosts, or split the fleet'));
      continue;
    }
    linkLine(entry, left, right, { byName, links, defaults: input.defaults, broken: input.broken, report });
  }
  if (isSound) reportUnlinked(input.hosts, links, report);
  return { links: [...links.values()], externals: context.externals.byName };
}

interface LineContext {
  readonly byName: ReadonlyMap<string, BuiltHost>;
  readonly links: Map<string, Link>;
  readonly defaults: Layer | undefined;
  readonly broken: ReadonlySet<string>;
  readonly report: Report;
}

function linkLine(entry: LinkEntry, left: readonly LinkEnd[], right: readonly LinkEnd[], context: LineContext): void {
  const said = lineSays(entry, context.report);
  const faults = lineFaults();
  const seen = new Set<string>();
  for (const a of left) {
    for (const b of right) {
      const [first, second] = endName(a) < endName(b) ? [a, b] : [b, a];
      const id = `${endName(first)}--${endName(second)}`;
      if (endName(a) === endName(b) || seen.has(id)) continue;
      seen.add(id);
      linkPair(id, [first, second], entry, said, faults, context);
    }
  }
  // A host that is missing only because its own entry is wrong has been told of there
  if (seen.size === 0 && context.broken.size === 0) {
    const what = `this line links no two hosts${'mesh' in entry.value ? ': a mesh needs at least two' : ''}`;
    const todo = 'put hosts into the groups it names, or remove the line';
    context.report(problemError('EMPTY_LINK', entry.at, what, todo));
  }
  faults.report(context.report);
}

interface LineSays {
  readonly keying: Sourced<Keying> | undefined;
  readonly suite: Sourced<Suite> | undefined;
}

function lineSays(entry: LinkEntry, report: Report): LineSays {
  const { keying, suite } = entry.value;
  const node = nodeAt(entry.node, ['suite']);
  return {
    keying: keying === undefined ? undefined : { value: keying, at: positionOf(entry.node, ['keying']) },
    suite: suite === undefined || node === undefined ? undefined : parseSuite(suite, node, report),
  };
}

function linkPair(
  id: string,
  ends: readonly [LinkEnd, LinkEnd],
  { at, value: { probes } }: LinkEntry,
  said: LineSays,
  faults: LineFaults,
  { byName, links, defaults }: LineContext,
): void {
  const [x, y] = [builtEnd(ends[0], byName), builtEnd(ends[1], byName)];
  const keying = choose(KEYING, { line: said.keying, ends: [x?.keying, y?.keying], defaults: defaults?.keying });
  const suite = choose(SUITE, { line: said.suite, ends: [x?.suite, y?.suite], defaults: defaults?.suite });
  for (const choice of [keying, suite]) {
    if (choice.kind === 'chosen') continue;
    const { what, todo } = choice;
    faults.add(what, id, (names) => problemError('ENDS_DISAGREE', at, `${names}: ${what}`, todo));
  }
  if ((families(ends[0], x) & families(ends[1], y)) === 0) {
    const what = 'one end has only IPv4 addresses and the other only IPv6';
    const todo = 'give both ends an address of one family';
    faults.add('families', id, (names) => problemError('NO_COMMON_FAMILY', at, `${names}: ${what}`, todo));
  }
  if (keying.kind === 'disagree' || suite.kind === 'disagree') return;
  if (keying.value === 'manual' && isCounterMode(suite.value)) {
    const what = `${suite.value.encr} with manual keys repeats its key stream after every reboot and gives the plaintext away (RFC 8221)`;
    const todo = 'use keying: ike-psk, or encr: aes(256) with encrAuth: sha256';
    const where = suite.at ?? at;
    faults.add('counter', id, (names) => problemError('COUNTER_MODE_MANUAL', where, `${names}: ${what}`, todo));
  }
  const link: Link = { id, ends, keying: keying.value, suite: suite.value, ...(probes && { probes }), at };
  const earlier = links.get(id);
  if (earlier === undefined) links.set(id, link);
  else addRepetition(earlier, link, faults);
}

function addRepetition(earlier: Link, link: Link, faults: LineFaults): void {
  const isSame = earlier.keying === link.keying && suiteText(earlier.suite) === suiteText(link.suite);
  const before = `linked before at ${positionText(earlier.at)}`;
  faults.add(`${before} ${isSame}`, link.id, (names) =>
    isSame
      ? problemWarning('LINK_TWICE', link.at, `${names}: ${before}, with the same settings`, 'remove one of the two')
      : problemError('LINK_TWICE', link.at, `${names}: ${before}, with other settings`, 'keep one line for each pair'),
  );
}

function endName(end: LinkEnd): string {
  return end.kind === 'host' ? end.host : end.name;
}

function builtEnd(end: LinkEnd, byName: ReadonlyMap<string, BuiltHost>): BuiltHost | undefined {
  return end.kind === 'host' ? byName.get(end.host) : undefined;
}

/** A bit for each address family of the end. */
function families(end: LinkEnd, built: BuiltHost | undefined): number {
  const addresses = end.kind === 'external' ? end.addresses : (built?.host.addresses ?? []);
  return addresses.reduce((found, address) => found | (address.family === 4 ? 1 : 2), 0);
}

function reportUnlinked(hosts: readonly BuiltHost[], links: ReadonlyMap<string, Link>, report: Report): void {
  const linked = new Set([...links.values()].flatMap((link) => link.ends.map(endName)));
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
