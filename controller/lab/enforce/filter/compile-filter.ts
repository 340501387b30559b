/**
 * All that decides about a lab host's packets, as one nft table: the policy in force, those that connections are latched to,
 * and the SAs. Owns the order of the hooks. A deviation from a real host is said beside the rule that makes it.
 */

import type { SecurityAssociation } from '../../../model/sa.js';
import { saId } from '../../packet-filter.js';
import { CAME_CLEAR, WITHOUT_BINDING } from './arrival-mark.js';
import { inboundChains } from './inbound-chains.js';
import type { KeptPolicies, NumberedPolicy } from './kept-policies.js';
import { outboundChains } from './outbound-chains.js';
import { quotedProtocol } from './nft-match.js';
import { PLACES } from './policy-rules.js';
import { REFUSALS, refuse } from './refusals.js';
import type { FilterChain, Hook, RuleSet } from './rule-set.js';
import { counterName, usable } from './sa-words.js';
import type { WantedSas } from './wanted-sa.js';
import { WIRE_PROTOCOLS } from './wire-tag.js';

export interface CompiledFilter {
  readonly ruleSet: RuleSet;
  /** The SA that each of its counters is of, as `saId` names it. */
  readonly counted: ReadonlyMap<string, string>;
}

/** After defragmentation (-400), before connection tracking (-200). */
const UNSEAL: Hook = { hook: 'prerouting', priority: -350 };
const BIND: Hook = { hook: 'prerouting', priority: -340 };
const IN: Hook = { hook: 'input', priority: 100 };
const OUT: Hook = { hook: 'output', priority: 100 };

/** @throws OperatorError LAB_TAGS_ALIKE */
export function compileFilter(policies: KeptPolicies, sad: Iterable<SecurityAssociation>): CompiledFilter {
  const sas = usable(sad);
  const kept = [policies.current, ...policies.former];
  const inbound = inboundChains(sas);
  const ways = [...inbound.ways.values()];
  const wanted = new Map<string, WantedSas>([
    ...kept.flatMap(({ rules }) => [...rules.wanted]),
    ...ways.map((way) => [way.chain, way.wanted] as const),
  ]);
  const outbound = outboundChains(sas, wanted);
  const chains = new Map<string, FilterChain>([
    ['unseal', { hook: UNSEAL, rules: unsealRules() }],
    ['bind', { hook: BIND, rules: inbound.chains.get('bind') ?? [] }],
    ['input', { hook: IN, rules: inputRules(policies) }],
    ['output', { hook: OUT, rules: outputRules(policies) }],
    ['echo', { rules: echoRules(inbound.ways) }],
    ['error4', { rules: errorRules(policies.current, 4) }],
    ['error6', { rules: errorRules(policies.current, 6) }],
  ]);
  for (const [name, rules] of [...inbound.chains, ...outbound.chains]) if (name !== 'bind') chains.set(name, { rules });
  for (const policy of kept) {
    for (const place of PLACES) chains.set(placeChain(policy, place), { rules: policy.rules.lists[place] });
    for (const [name, rules] of policy.rules.asked) chains.set(name, { rules });
  }
  const counted = new Map(
    sas.flatMap((sa) => [
      ...(sa.inbound ? [[counterName(sa, 'in'), saId(sa)] as const] : []),
      ...(sa.outbound ? [[counterName(sa, 'out'), saId(sa)] as const] : []),
    ]),
  );
  const counters = new Set([...Object.values(REFUSALS), ...counted.keys()]);
  return { ruleSet: { chains, counters, sets: outbound.sets }, counted };
}

function placeChain({ number }: NumberedPolicy, place: string): string {
  return `policy${number}_${place}`;
}

/** Packets for others are let through as they are: forwarding is not subject to policy. */
function unsealRules(): readonly string[] {
  return WIRE_PROTOCOLS.flatMap((wire) => [
    `ip protocol ${wire} fib daddr type local goto open4`,
    `ip6 nexthdr ${wire} fib daddr type local goto open6`,
  ]);
}

/** The low half of the connection's mark. */
const latchedTo = (number: number): string => `ct mark & 0xffff == ${number}`;

/** Only TCP latches in the lab: real hosts latch connected UDP sockets as well. Nothing latches while there are no rules. */
function latch({ current }: KeptPolicies): readonly string[] {
  if (current.number === 0) return [];
  return [`meta l4proto 6 ct state new ${latchedTo(0)} ct mark set ${current.number}`];
}

/** IKE's own ports, which the daemon's sockets bypass policy for. */
const IKE_PORTS = [500, 4500];
/** Router and neighbour discovery. On a real host they go through the outbound rules; in the lab they always pass. */
const DISCOVERY = 'meta l4proto 58 @th,0,8 133-137';

function outputRules(policies: KeptPolicies): readonly string[] {
  const { current, former } = policies;
  return [
    // A real host lets a packet to itself pass where any rule of both directions matches, or none does.
    'oifname "lo" accept',
    `${DISCOVERY} accept`,
    ...IKE_PORTS.map((port) => `meta l4proto 17 th sport ${port} accept`),
    'meta l4proto 1 @th,0,8 0 ct state established goto echo',
    'meta l4proto 58 @th,0,8 129 ct state established goto echo',
    ...latch(policies),
    ...former.flatMap((policy) =>
      ([4, 6] as const).map(
        (family) =>
          `meta nfproto ipv${family} meta l4proto 6 ${latchedTo(policy.number)} goto ${placeChain(policy, `out${family}`)}`,
      ),
    ),
    ...([4, 6] as const).map((family) => `meta nfproto ipv${family} goto ${placeChain(current, `out${family}`)}`),
  ];
}

/** An answer goes the way the request came, whatever the rules. */
function echoRules(ways: ReadonlyMap<number, { readonly chain: string }>): readonly string[] {
  return [
    'ct mark 0 accept',
    ...[...ways].map(([mark, { chain }]) => `ct mark & ${WITHOUT_BINDING} == ${mark} goto ${chain}`),
    refuse(REFUSALS.outNoSa),
  ];
}

/** ICMP that the host itself deals with is not checked: redirects, router discovery, timestamps, address masks; groups. */
const OWN_ICMP = [
  ...[5, 9, 10, 13, 17].map((type) => `meta l4proto 1 @th,0,8 ${type}`),
  DISCOVERY,
  ...['130-132', '143'].map((types) => `meta l4proto 58 @th,0,8 ${types}`),
];
const ECHO_REQUESTS = ['meta l4proto 1 @th,0,8 8', 'meta l4proto 58 @th,0,8 128'];
/** Errors, which are about a connection of this host. */
const ERRORS = {
  4: ['3', '4', '11', '12'].map((type) => `meta l4proto 1 @th,0,8 ${type}`),
  6: ['1-4'].map((types) => `meta l4proto 58 @th,0,8 ${types}`),
} as const;

function inputRules(policies: KeptPolicies): readonly string[] {
  const { current, former } = policies;
  return [
    'iifname "lo" accept',
    ...OWN_ICMP.map((icmp) => `${icmp} accept`),
    ...ECHO_REQUESTS.map((icmp) => `${icmp} ct mark set meta mark accept`),
    ...IKE_PORTS.flatMap((port) => [
      `meta l4proto 17 th dport ${port} ${CAME_CLEAR} accept`,
      `meta l4proto 17 th dport ${port} ${refuse(REFUSALS.inClearExpected)}`,
    ]),
    ...([4, 6] as const).flatMap(aboutConnections),
    ...latch(policies),
    ...[current, ...former].flatMap((policy) => (policy.number === 0 ? [] : connectionRules(policy))),
    ...([4, 6] as const).map((family) => `meta nfproto ipv${family} jump ${placeChain(current, `in${family}`)}`),
    `${CAME_CLEAR} accept`,
    refuse(REFUSALS.inClearExpected),
  ];
}

/** What is said of a connection is held against the rules by the connection's own packet, which the error quotes. */
function errorRules(current: NumberedPolicy, family: 4 | 6): readonly string[] {
  return [`jump ${placeChain(current, `err${family}`)}`, `${CAME_CLEAR} accept`, refuse(REFUSALS.inClearExpected)];
}

function aboutConnections(family: 4 | 6): readonly string[] {
  return ERRORS[family].flatMap((icmp) =>
    [6, 17, 132].map((protocol) => `${icmp} ${quotedProtocol(family)} ${protocol} goto error${family}`),
  );
}

/** A connected socket takes protected packets that no rule of its policy meets. Its first packet is a listener's, which is not latched. */
function connectionRules(policy: NumberedPolicy): readonly string[] {
  const mine = `meta l4proto 6 ct state established ${latchedTo(policy.number)}`;
  return [
    ...([4, 6] as const).map((family) => `meta nfproto ipv${family} ${mine} jump ${placeChain(policy, `in${family}`)}`),
    `${mine} accept`,
  ];
}
