/** Lint of direction and side: which way a rule holds, and whose address is whose. */

import {
  formatAddress,
  hostPrefix,
  prefixContains,
  sameAddress,
  type Address,
  type Prefix,
} from '../../model/address.js';
import type { LoadedRule } from '../../model/policy.js';
import type { Word } from '../lex-entry.js';
import type { Found, LintRule } from './finding.js';
import {
  entryPlace,
  keyOf,
  pairsOf,
  pairsOfKind,
  relatedEntry,
  shown,
  wordPlace,
  type LintEntry,
  type PolicySubject,
} from './policy-subject.js';

type Rule = LintRule<PolicySubject>;

const CLEAR_WORDS = ['bypass', 'pass', 'drop'];

const bypassWithoutDirection: Rule = {
  code: 'BYPASS_WITHOUT_DIRECTION',
  severity: 'error',
  title: 'bypass, pass or drop without a direction',
  why: 'The tool warns, counts the entry as good, and the kernel installs nothing.',
  example: { bad: '{ lport 80 ulp tcp } bypass {}\n', good: '{ lport 80 ulp tcp dir both } bypass {}\n' },
  *check({ entries }) {
    for (const one of entries) {
      const { entry, alternatives } = one;
      if (entry.directions.in || entry.directions.out) continue;
      const action = alternatives.find((alternative) => CLEAR_WORDS.includes(alternative.action.text))?.action;
      const what = `${action === undefined ? 'this rule' : shown(action)} has no direction: nothing is installed`;
      yield { ...entryPlace(one), what, todo: 'add dir both, dir in or dir out to the pattern' };
    }
  },
};

/** The direction that is written in the pattern; of several the last counts. */
function writtenDirections(entry: LintEntry): readonly Word[] {
  return pairsOfKind(entry, 'dir').map(({ value }) => value);
}

const directionIgnored: Rule = {
  code: 'DIRECTION_IGNORED',
  severity: 'error',
  title: 'apply and permit have a direction of their own',
  why: '`apply` is for what goes out and `permit` for what comes in, whatever `dir` says.',
  example: {
    bad: '{ raddr 10.0.0.9 dir both } apply { encr_algs aes(256) encr_auth_algs sha256 }\n{ raddr 10.0.0.9 } permit { encr_algs aes(256) encr_auth_algs sha256 }\n',
    good: '{ raddr 10.0.0.9 dir both } ipsec { encr_algs aes(256) encr_auth_algs sha256 }\n',
  },
  *check({ entries }) {
    for (const entry of entries) {
      const actions = entry.alternatives.map(({ action }) => action.text);
      const last = actions.findLast((action) => action === 'apply' || action === 'permit');
      const written = writtenDirections(entry).at(-1);
      if (last === undefined || written === undefined) continue;
      const own = last === 'apply' ? 'out' : 'in';
      if (written.text.startsWith(own)) continue;
      yield {
        ...wordPlace(written),
        what: `${last} is for dir ${own} only, whatever is written here`,
        todo: 'use ipsec for both directions, or leave dir out',
      };
    }
  },
};

const directionRepeated: Rule = {
  code: 'DIRECTION_REPEATED',
  severity: 'error',
  title: 'a direction is given twice',
  why: 'The tool does not object; the last one counts.',
  example: {
    bad: '{ lport 80 ulp tcp dir both dir in } bypass {}\n',
    good: '{ lport 80 ulp tcp dir both } bypass {}\n',
  },
  *check({ entries }) {
    for (const entry of entries) {
      const words = writtenDirections(entry);
      const [first] = words;
      const last = words.at(-1);
      if (first === undefined || last === undefined || words.length < 2) continue;
      yield {
        ...wordPlace(first),
        what: `of ${words.length} directions the last counts: ${shown(last)}`,
        todo: 'keep one',
      };
    }
  },
};

const appliedAndPermitted: Rule = {
  code: 'APPLY_PERMIT_MIXED',
  severity: 'error',
  title: 'apply and permit as alternatives of one rule',
  why: 'The last of them decides the direction of the whole rule; the other direction has no rule.',
  example: {
    bad: '{ raddr 10.0.0.9 } apply { encr_algs aes(256) encr_auth_algs sha256 } or permit { encr_algs aes(128) encr_auth_algs sha256 }\n{ raddr 10.0.0.9 dir out } ipsec { encr_algs aes(256) encr_auth_algs sha256 }\n',
    good: '{ raddr 10.0.0.9 } ipsec { encr_algs aes(256) encr_auth_algs sha256 } or ipsec { encr_algs aes(128) encr_auth_algs sha256 }\n',
  },
  *check({ entries }) {
    for (const { alternatives } of entries) {
      const words = alternatives
        .map(({ action }) => action)
        .filter(({ text }) => text === 'apply' || text === 'permit');
      const last = words.at(-1);
      const other = words.find(({ text }) => text !== last?.text);
      if (last === undefined || other === undefined) continue;
      const dir = last.text === 'apply' ? 'out' : 'in';
      yield {
        ...wordPlace(other),
        what: `the last of apply and permit decides: the rule is for dir ${dir} only`,
        todo: 'use ipsec',
      };
    }
  },
};

/** Loopback and link-local addresses, and those of groups, belong to every host. */
const EVERY_HOSTS_OWN: readonly Prefix[] = [
  { address: { family: 4, value: 127n << 24n }, length: 8 },
  { address: { family: 4, value: 224n << 24n }, length: 4 },
  { address: { family: 6, value: 1n }, length: 128 },
  { address: { family: 6, value: 0xfe80n << 112n }, length: 10 },
  { address: { family: 6, value: 0xffn << 120n }, length: 8 },
];

const wrongSide: Rule = {
  code: 'WRONG_SIDE',
  severity: 'error',
  title: 'a peer’s address stands on this host’s side',
  why: 'With apply and ipsec the source is this host; with permit it is the peer. A rule whose own side is somebody else never matches: what it should protect goes in the clear, and nothing says so.',
  example: {
    local: ['10.0.0.9'],
    bad: '{ saddr 10.0.0.80 } permit { encr_algs aes(256) encr_auth_algs sha256 }\n{ saddr 10.0.0.80 } apply { encr_algs aes(256) encr_auth_algs sha256 }\n',
    good: '{ saddr 10.0.0.80 } permit { encr_algs aes(256) encr_auth_algs sha256 }\n{ daddr 10.0.0.80 } apply { encr_algs aes(256) encr_auth_algs sha256 }\n',
  },
  *check(subject) {
    if (subject.local.length === 0) return yield* wrongSideByPartner(subject);
    for (const entry of subject.entries) {
      if (entry.rules.length === 0) continue;
      const place = sideWord(entry, 'local');
      if (place !== undefined && entry.rules.every((rule) => isForeign(rule, subject.local))) {
        yield {
          ...wordPlace(place),
          what: `no address of this host is ${shown(place)}: the rule never matches`,
          todo: sideAdvice(entry),
        };
        continue;
      }
      const self = sideWord(entry, 'remote');
      if (self === undefined || !entry.rules.every(({ selector }) => isSelf(selector.remote, subject.local))) continue;
      yield {
        ...wordPlace(self),
        what: `${shown(self)} is this host itself, and stands on the peer’s side`,
        todo: sideAdvice(entry),
      };
    }
  },
};

function isForeign({ selector }: LoadedRule, local: readonly Address[]): boolean {
  const { local: own } = selector;
  if (own === undefined) return false;
  if (EVERY_HOSTS_OWN.some((prefix) => prefixContains(prefix, own))) return false;
  return !local.some((address) => prefixContains(own, hostPrefix(address)));
}

function isSelf(remote: Prefix | undefined, local: readonly Address[]): boolean {
  const whole = remote !== undefined && remote.length === (remote.address.family === 4 ? 32 : 128);
  return whole && local.some((address) => sameAddress(address, remote.address));
}

/** The word that gives one side its address. */
function sideWord({ entry, pattern }: LintEntry, side: 'local' | 'remote'): Word | undefined {
  const end = (side === 'local') === entry.swapped ? 'to' : 'from';
  const pair = pattern.find((one) => {
    const key = keyOf(one);
    return key?.kind === 'address' && key.end === end;
  });
  return pair?.value;
}

function sideAdvice({ alternatives }: LintEntry): string {
  const action = alternatives[0]?.action.text;
  if (action === 'apply') return 'write daddr for the peer of an apply rule';
  if (action === 'permit') return 'write saddr for the peer of a permit rule';
  return 'write raddr for the peer, laddr for this host';
}

/** Without this host's addresses: the same single host is the peer in one rule and the own side in its partner. */
function* wrongSideByPartner({ entries }: PolicySubject): Iterable<Found> {
  const peers = new Map<string, LintEntry>();
  for (const entry of entries) {
    const of = entry.alternatives[0]?.action.text;
    const remote = entry.rules[0]?.selector.remote;
    if (of === 'permit' && remote !== undefined && entry.rules[0]?.selector.local === undefined) {
      peers.set(`${formatAddress(remote.address)}/${remote.length}`, entry);
    }
  }
  for (const entry of entries) {
    const selector = entry.rules[0]?.selector;
    if (entry.alternatives[0]?.action.text !== 'apply' || selector?.local === undefined) continue;
    if (selector.remote !== undefined) continue;
    const partner = peers.get(`${formatAddress(selector.local.address)}/${selector.local.length}`);
    const place = sideWord(entry, 'local');
    if (partner === undefined || place === undefined) continue;
    yield {
      ...wordPlace(place),
      what: `${shown(place)} is this host here, and the peer in the permit rule`,
      todo: sideAdvice(entry),
      related: [relatedEntry(partner, 'here it is the peer')],
    };
  }
}

const oldDirection: Rule = {
  code: 'SIDES_BY_DIRECTION',
  severity: 'info',
  title: 'whose address saddr is depends on the direction',
  why: 'In an old-style bypass, pass, drop or ipsec the source is this host when `dir` is out, and the peer when it is in.',
  example: {
    bad: '{ saddr 10.0.0.9 sport 53 } bypass { dir in }\n',
    good: '{ raddr 10.0.0.9 rport 53 dir in } bypass {}\n',
  },
  *check({ entries }) {
    for (const { entry, pattern, alternatives } of entries) {
      if (!entry.swapped) continue;
      const action = alternatives[0]?.action.text;
      if (action === 'permit' || action === undefined) continue;
      const dir = alternatives.flatMap(({ properties }) => pairsOf(properties)).find(({ key }) => key.text === 'dir');
      const place = pattern.find((one) => keyOf(one)?.kind === 'address')?.key;
      if (place === undefined || (dir === undefined && !pattern.some(({ key }) => key.text === 'dir'))) continue;
      yield {
        ...wordPlace(place),
        what: `with dir in, ${shown(place)} is the ${/^s/.test(place.text) ? 'peer' : 'host itself'}`,
        todo: 'write laddr and raddr, which mean the same in every direction',
      };
    }
  },
};

export const DIRECTION_RULES: readonly Rule[] = [
  bypassWithoutDirection,
  directionIgnored,
  directionRepeated,
  appliedAndPermitted,
  wrongSide,
  oldDirection,
];
