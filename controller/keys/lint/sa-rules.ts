/** Lint of manual SAs: those that clash, lack their partner, or come and go at the wrong time. */

import { formatAddress, sameAddress } from '../../model/address.js';
import { SA_TYPE } from '../../model/sa.js';
import type { LintRule, Place } from '../../policy/lint/finding.js';
import { A, AUTH_A, AUTH_B, B, GOOD, IN, LIFE, OUT } from './key-examples.js';
import { valuePlace, type KeySubject, type SaCommand } from './key-subject.js';

type Rule = LintRule<KeySubject>;

function typeName(type: number): string {
  return type === SA_TYPE.ah ? 'ah' : 'esp';
}

export function dstOf({ request }: SaCommand): readonly string[] {
  return request.dst.addresses.map(formatAddress);
}

function srcOf({ request }: SaCommand): readonly string[] {
  return request.src?.addresses.map(formatAddress) ?? [];
}

const noSa: Rule = {
  code: 'EMPTY_KEYS',
  severity: 'warning',
  title: 'the file adds no SA',
  why: 'An empty file is a success to the tool. Traffic that a policy protects then waits for keys that never come.',
  example: { bad: '# nothing yet\n', good: GOOD },
  *check({ adds, problems }) {
    if (adds.length === 0 && problems.every(({ severity }) => severity === 'warning'))
      yield {
        line: 1,
        column: 1,
        what: 'the file adds no SA',
        todo: 'add both directions of each pair, or disable the service',
      };
  },
};

const spiReused: Rule = {
  code: 'SPI_REUSED',
  severity: 'error',
  title: 'two SAs with the same type, destination and SPI',
  why: 'The kernel refuses the second one. The check (-c) does not notice, and the lines around it are loaded all the same.',
  example: {
    bad: OUT + IN.replace('0x1002 src 10.0.0.9 dst 10.0.0.1', '0x1001 src 10.0.0.7 dst 10.0.0.9'),
    good: GOOD,
  },
  *check({ adds }) {
    const first = new Map<string, SaCommand>();
    for (const one of adds) {
      const { type, spi } = one.request.message;
      for (const dst of dstOf(one)) {
        const key = `${type} ${spi} ${dst}`;
        const other = first.get(key);
        if (other === undefined) first.set(key, one);
        else {
          yield {
            ...valuePlace(one, 'spi'),
            what: `an ${typeName(type)} SA with this SPI towards ${dst} exists already`,
            todo: 'choose another SPI, at both ends',
            related: [{ line: other.line, column: other.column, what: 'the first one' }],
          };
        }
      }
    }
  },
};

const spiReserved: Rule = {
  code: 'SPI_RESERVED',
  severity: 'warning',
  title: 'an SPI below 256',
  why: 'RFC 4303 §2.1 reserves 1 to 255. The tool takes them; another system at the other end may not.',
  example: { bad: OUT.replace('0x1001', '42') + IN, good: GOOD },
  *check({ adds }) {
    for (const one of adds) {
      const { spi } = one.request.message;
      if (spi < 256) yield { ...valuePlace(one, 'spi'), what: `SPI ${spi} is reserved`, todo: 'choose 256 or higher' };
    }
  },
};

const flush: Rule = {
  code: 'FLUSH_IN_FILE',
  severity: 'warning',
  title: 'flush in a key file',
  why: 'Between the flush and the lines behind it the host has no SAs: protected traffic is lost, that of IKE as well. The service flushes by itself before it loads the file.',
  example: { bad: `flush esp\n${GOOD}`, good: GOOD },
  *check({ flushes }) {
    for (const { line, column } of flushes) {
      yield {
        line,
        column,
        what: 'this removes SAs that are in use',
        todo: 'take it out; delete single SAs, or let the service do it',
      };
    }
  },
};

const noLifetime: Rule = {
  code: 'NO_LIFETIME',
  severity: 'info',
  title: 'an SA without a hard lifetime',
  why: 'A manual key without an end is used until somebody remembers it.',
  example: { bad: OUT.replace(` ${LIFE}`, '') + IN, good: GOOD },
  *check({ adds }) {
    const endless = adds.filter(({ request: { message } }) => {
      const hard = message.hard;
      return (
        hard === undefined ||
        (hard.allocations === 0 && hard.bytes === 0n && hard.addSeconds === 0n && hard.useSeconds === 0n)
      );
    });
    const [first] = endless;
    if (first === undefined) return;
    const what =
      endless.length === 1
        ? 'this SA has no hard lifetime'
        : `this SA and ${endless.length - 1} more have no hard lifetime`;
    yield {
      line: first.line,
      column: first.column,
      what,
      todo: 'change the keys regularly; hard_addtime ends an SA by itself',
    };
  },
};

const noPartner: Rule = {
  code: 'SA_WITHOUT_PARTNER',
  severity: 'warning',
  title: 'an SA for one direction only',
  why: 'Each direction needs an SA of its own. Without the other, answers find none and are dropped.',
  example: { bad: OUT, good: GOOD },
  *check({ adds }) {
    const ways = new Set(
      adds.flatMap((one) =>
        srcOf(one).flatMap((src) => dstOf(one).map((dst) => `${one.request.message.type} ${src} ${dst}`)),
      ),
    );
    for (const one of adds) {
      const { type } = one.request.message;
      const [src] = srcOf(one);
      const [dst] = dstOf(one);
      if (src === undefined || dst === undefined || ways.has(`${type} ${dst} ${src}`)) continue;
      yield {
        line: one.line,
        column: one.column,
        what: `no ${typeName(type)} SA goes from ${dst} to ${src}`,
        todo: 'add it, with keys of its own',
      };
    }
  },
};

const notOurs: Rule = {
  code: 'WRONG_SIDE',
  severity: 'warning',
  title: 'neither end of the SA is this host',
  why: 'The kernel files an SA by its destination: one between two other hosts is never used here.',
  example: {
    local: ['10.0.0.1'],
    bad: `${GOOD}${OUT.replace('0x1001 src 10.0.0.1', '0x1003 src 10.0.0.7').replace(A, B.replace('1b0a', '1b0b')).replace(AUTH_A, AUTH_B.replace('e1d0', 'e1d1'))}`,
    good: GOOD,
  },
  *check({ adds, local }) {
    if (local.length === 0) return;
    for (const one of adds) {
      const ends = [...one.request.dst.addresses, ...(one.request.src?.addresses ?? [])];
      if (one.request.src === undefined || ends.some((end) => local.some((own) => sameAddress(own, end)))) continue;
      const place: Place = { line: one.line, column: one.column };
      yield {
        ...place,
        what: 'neither source nor destination is an address of this host',
        todo: 'take it out, or mend the addresses',
      };
    }
  },
};

const manyAddresses: Rule = {
  code: 'MULTI_ADDRESS_NAME',
  severity: 'warning',
  title: 'a name has several addresses',
  why: 'Each destination address becomes an SA of its own with the same key; a source with several counts as none.',
  example: {
    hosts: '10.0.0.9 db\n10.0.0.10 db\n10.0.0.1 me\n',
    bad: OUT.replace('dst 10.0.0.9', 'dst db') + IN,
    good: GOOD,
  },
  *check({ adds }) {
    for (const one of adds) {
      const { src, dst } = one.request;
      if (dst.addresses.length > 1)
        yield {
          ...valuePlace(one, 'dst', 'daddr', 'dstaddr', 'dst6', 'daddr6', 'dstaddr6'),
          what: `the destination has ${dst.addresses.length} addresses`,
          todo: 'write the address',
        };
      if (src !== undefined && src.addresses.length > 1)
        yield {
          ...valuePlace(one, 'src', 'saddr', 'srcaddr', 'src6', 'saddr6', 'srcaddr6'),
          what: `the source has ${src.addresses.length} addresses`,
          todo: 'write the address',
        };
    }
  },
};

export const SA_RULES: readonly Rule[] = [
  noSa,
  spiReused,
  spiReserved,
  flush,
  noLifetime,
  noPartner,
  notOurs,
  manyAddresses,
];
