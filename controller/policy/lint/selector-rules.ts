/** Lint of addresses, masks, ports, protocols and ICMP words: values that the tool takes for something else than is written. */

import { parseAddress, type Address } from '../../model/address.js';
import type { NumberRange, Selector } from '../../model/policy.js';
import type { Entry, EntryEnd } from '../entry.js';
import type { Word } from '../lex-entry.js';
import { ICMP_CODES, type PatternKey } from '../pattern-words.js';
import { readIcmp, readPort } from '../read-values.js';
import { selectedTraffic } from '../traffic.js';
import { wholeNumber } from '../c-numbers.js';
import type { Found, LintRule } from './finding.js';
import {
  keyOf,
  pairsOfKind,
  shown,
  wordPlace,
  type LintEntry,
  type PolicySubject,
  type WrittenPair,
} from './policy-subject.js';

type Rule = LintRule<PolicySubject>;

/** An address of a pattern, and what the tool made of it. */
interface AddressPair {
  readonly entry: LintEntry;
  readonly value: Word;
  /** Before the slash. */
  readonly name: string;
  readonly end: EntryEnd;
}

type EndKey = Extract<PatternKey, { readonly end: 'from' | 'to' }>;

function endKey(pair: WrittenPair): EndKey | undefined {
  const key = keyOf(pair);
  return key !== undefined && 'end' in key ? key : undefined;
}

const known = new WeakMap<PolicySubject, readonly AddressPair[]>();

function addresses(subject: PolicySubject): readonly AddressPair[] {
  const found = known.get(subject) ?? [...findAddresses(subject)];
  known.set(subject, found);
  return found;
}

function* findAddresses({ entries }: PolicySubject): Iterable<AddressPair> {
  for (const entry of entries) {
    for (const pair of pairsOfKind(entry, 'address')) {
      const key = endKey(pair);
      if (key === undefined) continue;
      const name = shown(pair.value).replace(/\/.*$/s, '');
      yield { entry, value: pair.value, name, end: entry.entry[key.end] };
    }
  }
}

function isLiteral(name: string): boolean {
  return parseAddress(name) !== undefined;
}

const networkName: Rule = {
  code: 'NETWORK_NAME_AS_HOST',
  severity: 'error',
  title: 'a network name stands for one address',
  why: 'The tool looks networks(5) up, but not how long the network’s prefix is: `loopback` is the one address 127.0.0.0.',
  example: {
    bad: '{ raddr loopback dir both } bypass {}\n',
    good: '{ raddr 127.0.0.0/8 dir both } bypass {}\n',
  },
  *check(subject) {
    const { hosts, networks } = subject.names;
    for (const { value, name, end } of addresses(subject)) {
      const known = !isLiteral(name) && !hosts.has(name.toLowerCase()) && networks.has(name);
      if (!known || end.slash !== undefined || end.mask !== undefined) continue;
      yield {
        ...wordPlace(value),
        what: `${name} is a network, and here only its first address`,
        todo: 'write address/prefix',
      };
    }
  },
};

const manyAddresses: Rule = {
  code: 'MULTI_ADDRESS_NAME',
  severity: 'warning',
  title: 'a name has several addresses',
  why: 'Each pair of addresses becomes a rule of its own, fixed when the file is loaded; an address that the name gets later has none, and what other hosts resolve may differ.',
  example: {
    hosts: '10.1.1.1 db\n10.1.1.2 db\n',
    bad: '{ raddr db } ipsec { encr_algs aes(256) encr_auth_algs sha256 }\n',
    good: '{ raddr 10.1.1.1 } ipsec { encr_algs aes(256) encr_auth_algs sha256 }\n{ raddr 10.1.1.2 } ipsec { encr_algs aes(256) encr_auth_algs sha256 }\n',
  },
  *check(subject) {
    for (const { value, name, end } of addresses(subject)) {
      const count = end.addresses?.length ?? 0;
      if (count < 2) continue;
      yield { ...wordPlace(value), what: `${name} has ${count} addresses`, todo: 'write the addresses, one an entry' };
    }
  },
};

const nameAtBoot: Rule = {
  code: 'NAME_AT_BOOT',
  severity: 'info',
  title: 'a name must be resolved when the policy is loaded',
  why: 'If no name service answers at boot the entry fails, and with it the whole file: the host comes up without any policy.',
  example: {
    hosts: '10.1.1.1 db\n',
    bad: '{ raddr db } ipsec { encr_algs aes(256) encr_auth_algs sha256 }\n',
    good: '{ raddr 10.1.1.1 } ipsec { encr_algs aes(256) encr_auth_algs sha256 }\n',
  },
  *check(subject) {
    for (const { value, name, end } of addresses(subject)) {
      if (!subject.names.hosts.has(name.toLowerCase()) || end.addresses?.length !== 1) continue;
      yield { ...wordPlace(value), what: `${name} is resolved at boot`, todo: 'write the address' };
    }
  },
};

const oddAddress: Rule = {
  code: 'ODD_ADDRESS',
  severity: 'warning',
  title: 'an address is not written with four decimal parts',
  why: 'The tool reads addresses as C does: missing parts are zero in the middle, a leading 0 means octal, 0x hexadecimal.',
  example: {
    bad: '{ raddr 10.1 dir both } bypass {}\n',
    good: '{ raddr 10.0.0.1 dir both } bypass {}\n',
  },
  *check(subject) {
    for (const { value, name, end } of addresses(subject)) {
      const [address] = end.addresses ?? [];
      if (address?.family !== 4 || name.includes(':') || !/^\d/.test(name) || isLiteral(name)) continue;
      if (subject.names.hosts.has(name.toLowerCase())) continue;
      const means = dotted(address);
      yield { ...wordPlace(value), what: `${name} means ${means}`, todo: `write ${means}, or what was meant` };
    }
  },
};

function dotted({ value }: Address): string {
  return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 255n)).join('.');
}

const hostBits: Rule = {
  code: 'HOST_BITS',
  severity: 'warning',
  title: 'an address has bits behind its prefix',
  why: 'The rule means the whole network, and another rule for the same network is not known as its duplicate, since they are compared bit for bit.',
  example: {
    bad: '{ raddr 10.1.2.3/16 dir both } bypass {}\n',
    good: '{ raddr 10.1.0.0/16 dir both } bypass {}\n',
  },
  *check(subject) {
    for (const { value, end } of addresses(subject)) {
      const length = end.slash ?? end.mask;
      const [address] = end.addresses ?? [];
      if (length === undefined || address === undefined || end.addresses?.length !== 1) continue;
      const free = BigInt((address.family === 4 ? 32 : 128) - length);
      if (free <= 0n || BigInt.asUintN(Number(free), address.value) === 0n) continue;
      yield {
        ...wordPlace(value),
        what:
          length === 0
            ? 'a prefix length of 0 means every address'
            : `the rule means all of the /${length} network, not this address`,
        todo:
          length === 0
            ? 'leave the address out if that is meant'
            : 'write the network’s own address, or leave the length out',
      };
    }
  },
};

const maskAsNumber: Rule = {
  code: 'MASK_AS_NUMBER',
  severity: 'error',
  title: 'a netmask is written as a prefix length',
  why: 'The tool reads `smask 24` as the address 0.0.0.24, whose first bit is zero: the mask is empty and the rule matches every address.',
  example: {
    bad: '{ saddr 10.1.2.0 smask 24 } permit { encr_algs aes(256) encr_auth_algs sha256 }\n{ daddr 10.1.2.0/24 } apply { encr_algs aes(256) encr_auth_algs sha256 }\n',
    good: '{ saddr 10.1.2.0 smask 255.255.255.0 } permit { encr_algs aes(256) encr_auth_algs sha256 }\n{ daddr 10.1.2.0/24 } apply { encr_algs aes(256) encr_auth_algs sha256 }\n',
  },
  *check(subject) {
    for (const { value, end } of masks(subject)) {
      if (end.mask !== 0) continue;
      yield {
        ...wordPlace(value),
        what: `the mask ${shown(value)} is empty: the rule matches every address`,
        todo: 'write address/prefix, or a dotted mask',
      };
    }
  },
};

function* masks({ entries }: PolicySubject): Iterable<{ readonly value: Word; readonly end: EntryEnd }> {
  for (const entry of entries) {
    for (const pair of pairsOfKind(entry, 'mask')) {
      const key = endKey(pair);
      if (key !== undefined) yield { value: pair.value, end: entry.entry[key.end] };
    }
  }
}

const maskWithHole: Rule = {
  code: 'MASK_WITH_HOLE',
  severity: 'error',
  title: 'a netmask has a hole',
  why: 'The tool counts the leading ones and stops: 255.0.255.0 is a prefix of 8.',
  example: {
    bad: '{ saddr 10.0.7.0 smask 255.0.255.0 dir in } bypass {}\n',
    good: '{ saddr 10.0.0.0 smask 255.0.0.0 dir in } bypass {}\n',
  },
  *check(subject) {
    for (const { value, end } of masks(subject)) {
      const written = parseAddress(shown(value));
      if (written?.family !== 4 || end.mask === undefined || end.mask === 0) continue;
      const kept = BigInt.asUintN(32, ~0n << BigInt(32 - end.mask));
      if (written.value === kept) continue;
      yield { ...wordPlace(value), what: `the mask counts as /${end.mask}`, todo: 'write address/prefix' };
    }
  },
};

const maskAlone: Rule = {
  code: 'MASK_IGNORED',
  severity: 'error',
  title: 'a netmask stands without its address',
  why: 'The tool ignores it, and the rule matches every address on that side.',
  example: {
    bad: '{ smask 255.255.255.0 dport 25 ulp tcp dir in } bypass {}\n',
    good: '{ saddr 10.0.3.0 smask 255.255.255.0 dport 25 ulp tcp dir in } bypass {}\n',
  },
  *check(subject) {
    for (const { value, end } of masks(subject)) {
      if (end.addresses !== undefined) continue;
      yield {
        ...wordPlace(value),
        what: 'this mask has no address and is ignored',
        todo: 'add the address, or take the mask out',
      };
    }
  },
};

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

export const SELECTOR_RULES: readonly Rule[] = [
  networkName,
  manyAddresses,
  nameAtBoot,
  oddAddress,
  hostBits,
  maskAsNumber,
  maskWithHole,
  maskAlone,
  portZero,
  protocolCut,
  icmpIgnored,
  badCode,
  backwards,
  nothingSuch,
  portForEveryProtocol,
];
