/** Lint of ports, protocols and ICMP words: rules that are wider than they read, or that no packet can match. */

import type { NumberRange, Selector } from '../../model/policy.js';
import { wholeNumber } from '../c-numbers.js';
import type { Entry } from '../entry.js';
import type { Word } from '../lex-entry.js';
import { ICMP_CODES } from '../pattern-words.js';
import { readIcmp, readPort } from '../read-values.js';
import { selectedTraffic } from '../traffic.js';
import type { Found, LintRule } from './finding.js';
import { pairsOfKind, shown, wordPlace, type PolicySubject } from './policy-subject.js';

type Rule = LintRule<PolicySubject>;

const portZero: Rule = {
  code: 'PORT_ZERO',
  severity: 'error',
  title: 'port 0 means every port',
  why: 'To the tool 0 is a port that was not given. The rule is wider than it reads.',
  example: {
    bad: '{ lport 0 ulp tcp dir both } bypass {}\n',
    good: '{ lport 80 ulp tcp dir both } bypass {}\n',
  },
  *check({ entries, names }) {
    for (const entry of entries) {
      for (const { key, value } of pairsOfKind(entry, 'port')) {
        if (readPort(value.text, names) !== 0) continue;
        yield {
          ...wordPlace(value),
          what: `${key.text} ${shown(value)} matches every port`,
          todo: 'name the port, or leave the key out',
        };
      }
    }
  },
};

const protocolCut: Rule = {
  code: 'PROTOCOL_CUT',
  severity: 'error',
  title: 'a protocol number is cut or means all',
  why: 'The tool keeps eight bits of the number without a word, and 0 means every protocol.',
  example: {
    bad: '{ raddr 10.0.0.9 ulp 300 dir both } bypass {}\n',
    good: '{ raddr 10.0.0.9 ulp 47 dir both } bypass {}\n',
  },
  *check({ entries, names }) {
    for (const entry of entries) {
      for (const { value } of pairsOfKind(entry, 'ulp')) {
        const named = names.protocols.get(value.text);
        const number = named ?? wholeNumber(value.text);
        const kept = number & 255;
        if (kept === number && kept !== 0) continue;
        const what = kept === 0 ? `ulp ${shown(value)} matches every protocol` : `ulp ${shown(value)} becomes ${kept}`;
        yield {
          ...wordPlace(value),
          what,
          todo: kept === 0 ? 'leave ulp out if that is meant' : 'write a protocol of 1 to 255',
        };
      }
    }
  },
};

const ICMP_PROTOCOLS = [1, 58];

const icmpIgnored: Rule = {
  code: 'ICMP_SELECTOR_IGNORED',
  severity: 'error',
  title: 'an ICMP type without ICMP is ignored',
  why: '`type` and `code` only count with ulp icmp or ipv6-icmp. Without, the tool drops them and the rule matches every protocol.',
  example: {
    bad: '{ raddr 10.0.0.9 type echo dir both } bypass {}\n',
    good: '{ raddr 10.0.0.9 ulp icmp type echo dir both } bypass {}\n',
  },
  *check({ entries }) {
    for (const entry of entries) {
      const [pair] = pairsOfKind(entry, 'type');
      if (pair === undefined || ICMP_PROTOCOLS.includes(entry.entry.protocol)) continue;
      const instead = /6$/.test(pair.value.text) ? 'ipv6-icmp' : 'icmp';
      yield {
        ...wordPlace(pair.key),
        what: `type ${shown(pair.value)} is ignored: the rule is for more than it says`,
        todo: `add ulp ${instead}`,
      };
    }
  },
};

const badCode: Rule = {
  code: 'ICMP_CODE_IGNORED',
  severity: 'error',
  title: 'an unknown ICMP code means every code',
  why: 'The tool does not notice a bad code; it becomes 255, which stands for all of them.',
  example: {
    bad: '{ raddr 10.0.0.9 ulp icmp type unreach code need-frag dir both } bypass {}\n',
    good: '{ raddr 10.0.0.9 ulp icmp type unreach code needfrag dir both } bypass {}\n',
  },
  *check({ entries }) {
    for (const entry of entries) {
      for (const { value } of pairsOfKind(entry, 'code')) {
        const code = readIcmp(value.text, ICMP_CODES);
        if (code !== undefined && code.from !== 255) continue;
        yield {
          ...wordPlace(value),
          what: `code ${shown(value)} matches every code`,
          todo: 'write a number of 0 to 254, or a word that ipsecconf(8) lists',
        };
      }
    }
  },
};

const TYPE_FAMILY: Readonly<Record<number, 4 | 6>> = { 1: 4, 58: 6 };

const nothingSuch: Rule = {
  code: 'IMPOSSIBLE_TRAFFIC',
  severity: 'error',
  title: 'no packet can match the rule',
  why: 'Ports are read for TCP, UDP and SCTP only: a rule that asks another protocol for a port never matches. Nor does one for ICMP over the other family’s addresses.',
  example: {
    bad: '{ raddr 10.0.0.9 rport 80 ulp icmp dir both } bypass {}\n',
    good: '{ raddr 10.0.0.9 rport 80 ulp tcp dir both } bypass {}\n',
  },
  *check({ entries }) {
    for (const entry of entries) {
      const { rules } = entry;
      if (rules.length === 0 || rules.some(({ selector }) => canMatch(selector))) continue;
      const port = pairsOfKind(entry, 'port').find(({ value }) => value.text !== '0');
      const place = port ?? pairsOfKind(entry, 'ulp')[0];
      if (place === undefined) continue;
      const todo =
        port === undefined
          ? 'write ipv6-icmp for IPv6 addresses, icmp for IPv4'
          : 'add ulp tcp or udp, or leave the port out';
      yield { ...wordPlace(place.key), what: impossibleReason(entry.entry, port !== undefined), todo };
    }
  },
};

function canMatch(selector: Selector): boolean {
  const family = TYPE_FAMILY[selector.protocol ?? 0];
  return selectedTraffic(selector).length > 0 && (family === undefined || family === selector.family);
}

function impossibleReason({ protocol }: Entry, port: boolean): string {
  return port ? `protocol ${protocol} has no ports: this never matches` : 'this ICMP does not run over these addresses';
}

const portForEveryProtocol: Rule = {
  code: 'REMOTE_PORT_BYPASS',
  severity: 'info',
  title: 'whoever sends from this port comes in, in the clear',
  why: 'The sender chooses the port that it sends from. A bypass for a remote port lets anyone who sends from it reach every port of this host; what is meant is often only that this host may ask.',
  example: {
    bad: '{ rport 53 ulp udp dir both } bypass {}\n',
    good: '{ raddr 10.0.0.53 rport 53 ulp udp dir both } bypass {}\n',
  },
  *check({ entries }) {
    for (const entry of entries) {
      const inbound = entry.rules.find(({ dir }) => dir === 'in');
      if (inbound?.actions[0]?.kind !== 'bypass' || inbound.actions.length > 1) continue;
      const { localPort, remotePort, remote } = inbound.selector;
      if (remotePort === undefined || localPort !== undefined || remote !== undefined) continue;
      const [place] = pairsOfKind(entry, 'port').filter(({ value }) => value.text !== '0');
      if (place === undefined) continue;
      yield {
        ...wordPlace(place.key),
        what: `anyone who sends from port ${remotePort} reaches every port of this host in the clear`,
        todo: 'name the servers with raddr, or close the ports by other means',
      };
    }
  },
};

const backwards: Rule = {
  code: 'ICMP_RANGE_BACKWARDS',
  severity: 'error',
  title: 'an ICMP range runs backwards',
  why: 'The tool keeps the first number only: `type 8-3` is type 8.',
  example: {
    bad: '{ raddr 10.0.0.9 ulp icmp type 8-3 dir both } bypass {}\n',
    good: '{ raddr 10.0.0.9 ulp icmp type 3-8 dir both } bypass {}\n',
  },
  *check({ entries }) {
    for (const entry of entries) {
      for (const { key, value } of pairsOfKind(entry, 'type', 'code')) yield* backwardsIn(key, value);
    }
  },
};

function* backwardsIn(key: Word, value: Word): Iterable<Found> {
  const [, from, to] = /^(\d+)-(\d+)/.exec(value.text) ?? [];
  const range: NumberRange = { from: Number(from), to: Number(to) };
  if (to === undefined || range.from <= range.to) return;
  yield {
    ...wordPlace(value),
    what: `${key.text} ${value.text} is only ${range.from}`,
    todo: `write ${range.to}-${range.from}`,
  };
}

export const TRAFFIC_RULES: readonly Rule[] = [
  portZero,
  protocolCut,
  icmpIgnored,
  badCode,
  backwards,
  nothingSuch,
  portForEveryProtocol,
];
