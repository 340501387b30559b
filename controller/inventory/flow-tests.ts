/** Lines of `tests:` to flows that the rendered policies must treat as said. */

import type { SourcePosition } from '../errors.js';
import { type Address, parseAddress, parsePrefix, type Prefix, sameAddress } from '../model/address.js';
import type { FlowPeer, FlowTest } from '../model/host.js';
import type { Entry } from './check-shape.js';
import type { BuiltHost } from './hosts.js';
import type { Links } from './links.js';
import { problemError, type Report } from './problem-list.js';
import type { TestShape } from './schema.js';
import { positionOf } from './source-tree.js';
import { suggestion } from './suggest.js';

export interface TestContext {
  readonly hosts: ReadonlyMap<string, BuiltHost>;
  readonly externals: Links['externals'];
  readonly broken: ReadonlySet<string>;
  readonly report: Report;
}

export function buildTests(entries: readonly Entry<TestShape>[], context: TestContext): readonly FlowTest[] {
  return entries.flatMap((entry) => buildTest(entry, context) ?? []);
}

function buildTest(entry: Entry<TestShape>, context: TestContext): FlowTest | undefined {
  const { report } = context;
  const { from, to, ulp, port, expect } = entry.value;
  const [source, target] = [
    flowPeer(from, positionOf(entry.node, ['from']), context),
    flowPeer(to, positionOf(entry.node, ['to']), context),
  ];
  const isPortless = ulp !== 'tcp' && ulp !== 'udp' && ulp !== 6 && ulp !== 17;
  if (port !== undefined && isPortless) {
    const at = positionOf(entry.node, ['port']);
    report(problemError('PORT_WITHOUT_ULP', at, `${ulp} has no ports`, 'remove port, or use ulp: tcp or udp'));
  }
  if (source === undefined || target === undefined) return undefined;
  if (source.peer.kind !== 'host' && target.peer.kind !== 'host') {
    const what = 'neither end of the test is a host of this inventory, so no policy can answer it';
    report(problemError('NO_HOST_IN_TEST', entry.at, what, 'name a host as from or to'));
    return undefined;
  }
  if (from === to) {
    report(
      problemError('TEST_OF_ITSELF', entry.at, `the test sends from ${from} to itself`, 'name two different ends'),
    );
    return undefined;
  }
  if (!source.addresses.some((a) => target.addresses.some((b) => a.family === b.family))) {
    report(
      problemError(
        'NO_COMMON_FAMILY',
        entry.at,
        `${from} and ${to} share no address family`,
        'use addresses of one family',
      ),
    );
    return undefined;
  }
  const flow = { from: source.peer, to: target.peer, ulp, expect, at: entry.at };
  return port === undefined ? flow : { ...flow, port };
}

function flowPeer(
  text: string,
  at: SourcePosition,
  context: TestContext,
): { peer: FlowPeer; addresses: readonly Address[] } | undefined {
  const host = context.hosts.get(text);
  if (host !== undefined) return { peer: { kind: 'host', host: text }, addresses: host.host.addresses };
  const external = context.externals.get(text)?.end.addresses;
  if (external !== undefined) {
    return { peer: { kind: 'external', name: text, addresses: external }, addresses: external };
  }
  const address = parseAddress(text);
  if (address !== undefined) return { peer: ownerOf(address, context), addresses: [address] };
  const prefixes = text === 'any' ? EVERYWHERE : parsedPrefix(text);
  if (prefixes !== undefined) {
    return { peer: { kind: 'prefixes', prefixes }, addresses: prefixes.map((prefix) => prefix.address) };
  }
  if (!context.broken.has(text)) {
    const known = [...context.hosts.keys(), ...context.externals.keys()];
    const todo = suggestion(text, known, 'correct it, or add the host');
    context.report(problemError('UNKNOWN_HOST', at, `"${text}" is no host, external end or address`, todo));
  }
  return undefined;
}

/** An address of an end that has a policy is that end. */
function ownerOf(address: Address, { hosts, externals }: TestContext): FlowPeer {
  const isIt = (one: Address): boolean => sameAddress(one, address);
  for (const [name, { host }] of hosts) if (host.addresses.some(isIt)) return { kind: 'host', host: name, address };
  for (const [name, { end }] of externals) {
    if (end.addresses.some(isIt)) return { kind: 'external', name, addresses: [address] };
  }
  return { kind: 'address', address };
}

const EVERYWHERE: readonly Prefix[] = [
  { address: { family: 4, value: 0n }, length: 0 },
  { address: { family: 6, value: 0n }, length: 0 },
];

function parsedPrefix(text: string): readonly Prefix[] | undefined {
  const prefix = parsePrefix(text);
  return prefix === undefined ? undefined : [prefix];
}
