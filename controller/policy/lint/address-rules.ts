/** Lint of addresses, names and netmasks: values that the tool takes for something else than is written. */

import { parseAddress, type Address } from '../../model/address.js';
import type { EntryEnd } from '../entry.js';
import type { Word } from '../lex-entry.js';
import type { PatternKey } from '../pattern-words.js';
import type { LintRule } from './finding.js';
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

export const ADDRESS_RULES: readonly Rule[] = [
  networkName,
  manyAddresses,
  nameAtBoot,
  oddAddress,
  hostBits,
  maskAsNumber,
  maskWithHole,
  maskAlone,
];
