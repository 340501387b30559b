/** Lint of rules that reach further than was meant: IPv6 neighbour discovery, and everything. */

import type { LoadedRule } from '../../model/policy.js';
import { rulesInOrder, slices } from '../partition.js';
import { meetAll, type Region } from '../region.js';
import type { LintRule } from './finding.js';
import { couldMeet, regionsOf } from './overlap.js';
import { entriesOf, entryPlace, listed, type PolicySubject } from './policy-subject.js';
import { leftover, within } from './reach.js';
import { kindOf } from './rule-kind.js';

type Rule = LintRule<PolicySubject>;

const HARD = 'encr_algs aes(256) encr_auth_algs sha256';

const DISCOVERY: readonly Region[] = [
  {
    family: 6,
    local: { from: 0n, to: (1n << 128n) - 1n },
    remote: { from: 0n, to: (1n << 128n) - 1n },
    traffic: { kind: 'icmp', type: { from: 133, to: 137 }, code: { from: 0, to: 255 } },
  },
];

const neighbourDiscovery: Rule = {
  code: 'NEIGHBOUR_DISCOVERY',
  severity: 'warning',
  title: 'IPv6 neighbour discovery meets a rule',
  why: 'Outbound router and neighbour messages go through the rules like any packet: the host waits for an SA to a neighbour that it cannot find yet, and IPv6 stops.',
  example: {
    bad: `{} ipsec { ${HARD} }\n`,
    good: `{ ulp ipv6-icmp type 133-137 dir both } pass {}\n{} ipsec { ${HARD} }\n`,
  },
  *check(subject) {
    if (subject.local.length > 0 && !subject.local.some(({ family }) => family === 6)) return;
    const out = rulesInOrder(subject.rules, 'out', 6).filter((rule) => meetAll(regionsOf(rule), DISCOVERY).length > 0);
    const caught = new Set<LoadedRule>();
    for (const { remote, tried } of slices([out], 6)) {
      const [list = []] = tried;
      for (const [i, rule] of list.entries()) {
        if (kindOf(rule) === 'bypass' || caught.has(rule)) continue;
        const earlier = list.slice(0, i).filter((one) => couldMeet(one.selector, rule.selector));
        if (leftover(meetAll(within(rule, remote), DISCOVERY), earlier).length > 0) caught.add(rule);
      }
    }
    const entries = [...entriesOf(subject, caught)].toSorted((a, b) => a.line - b.line);
    const [first, ...more] = entries;
    if (first === undefined) return;
    const does = first.rules.some((rule) => kindOf(rule) === 'discard') ? 'drops' : 'asks for protection of';
    yield {
      ...entryPlace(first),
      what: `this ${does} IPv6 neighbour discovery${more.length === 0 ? '' : `, and so do ${more.length} more`}`,
      todo: 'add { ulp ipv6-icmp type 133-137 dir both } pass {}',
      ...(more.length > 0 && { related: listed(more, () => 'this does so too') }),
    };
  },
};

const everythingClear: Rule = {
  code: 'BYPASS_EVERYTHING',
  severity: 'error',
  title: 'a bypass without any selector',
  why: 'Bypass is tried before everything else: with this rule no other has any effect, and all traffic is in the clear.',
  example: {
    bad: '{ dir both } bypass {}\n',
    good: '{ lport 80 ulp tcp dir both } bypass {}\n',
  },
  *check({ entries }) {
    for (const entry of entries) {
      const open = entry.rules.some(({ selector, actions, tunnel }) => {
        const { protocol, local, remote, localPort, remotePort } = selector;
        const bare = [protocol, localPort, remotePort].every((one) => one === undefined);
        const anywhere = [local, remote].every((one) => one === undefined || one.length === 0);
        return bare && anywhere && tunnel === undefined && actions.every(({ kind }) => kind === 'bypass');
      });
      if (open)
        yield { ...entryPlace(entry), what: 'this lets everything pass in the clear', todo: 'name what may pass' };
    }
  },
};

export const BROAD_RULES: readonly Rule[] = [neighbourDiscovery, everythingClear];
