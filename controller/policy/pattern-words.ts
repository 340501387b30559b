/** The words a pattern may hold and what they stand for: keys, ICMP types and codes (ipsecconf(8)). */

/** A pattern key's style; the two do not mix. */
export type Style = 'old' | 'new';

export type PatternKey =
  | {
      readonly kind: 'address' | 'port' | 'mask';
      readonly end: 'from' | 'to';
      readonly style: Style;
      readonly number: number;
    }
  | { readonly kind: 'ulp' | 'dir' | 'type' | 'code' | 'tunnel' | 'negotiate'; readonly number: number };

const SADDR: PatternKey = { kind: 'address', end: 'from', style: 'old', number: 1 };
const DADDR: PatternKey = { kind: 'address', end: 'to', style: 'old', number: 2 };
const LADDR: PatternKey = { kind: 'address', end: 'from', style: 'new', number: 8 };
const RADDR: PatternKey = { kind: 'address', end: 'to', style: 'new', number: 10 };
const ULP: PatternKey = { kind: 'ulp', number: 7 };

export const PATTERN_KEYS: ReadonlyMap<string, PatternKey> = new Map<string, PatternKey>([
  ['saddr', SADDR],
  ['src', SADDR],
  ['srcaddr', SADDR],
  ['daddr', DADDR],
  ['dst', DADDR],
  ['dstaddr', DADDR],
  ['laddr', LADDR],
  ['local', LADDR],
  ['raddr', RADDR],
  ['remote', RADDR],
  ['sport', { kind: 'port', end: 'from', style: 'old', number: 3 }],
  ['dport', { kind: 'port', end: 'to', style: 'old', number: 4 }],
  ['lport', { kind: 'port', end: 'from', style: 'new', number: 9 }],
  ['rport', { kind: 'port', end: 'to', style: 'new', number: 11 }],
  ['smask', { kind: 'mask', end: 'from', style: 'old', number: 5 }],
  ['dmask', { kind: 'mask', end: 'to', style: 'old', number: 6 }],
  ['ulp', ULP],
  ['proto', ULP],
  ['dir', { kind: 'dir', number: 12 }],
  ['type', { kind: 'type', number: 13 }],
  ['code', { kind: 'code', number: 14 }],
  ['negotiate', { kind: 'negotiate', number: 15 }],
  ['tunnel', { kind: 'tunnel', number: 16 }],
]);

/** RFC 792, RFC 950 and RFC 4443 numbers. */
export const ICMP_TYPES: ReadonlyMap<string, number> = new Map([
  ['unreach', 3],
  ['echo', 8],
  ['echorep', 0],
  ['squench', 4],
  ['redir', 5],
  ['timex', 11],
  ['paramprob', 12],
  ['timest', 13],
  ['timestrep', 14],
  ['inforeq', 15],
  ['inforep', 16],
  ['maskreq', 17],
  ['maskrep', 18],
  ['unreach6', 1],
  ['pkttoobig6', 2],
  ['timex6', 3],
  ['paramprob6', 4],
  ['echo6', 128],
  ['echorep6', 129],
  ['router-sol6', 133],
  ['router-ad6', 134],
  ['neigh-sol6', 135],
  ['neigh-ad6', 136],
  ['redir6', 137],
]);

export const ICMP_CODES: ReadonlyMap<string, number> = new Map([
  ['net-unr', 0],
  ['host-unr', 1],
  ['proto-unr', 2],
  ['port-unr', 3],
  ['needfrag', 4],
  ['srcfail', 5],
  ['net-unk', 6],
  ['host-unk', 7],
  ['isolate', 8],
  ['net-prohib', 9],
  ['host-prohib', 10],
  ['net-tos', 11],
  ['host-tos', 12],
  ['filter-prohib', 13],
  ['host-preced', 14],
  ['cutoff-preced', 15],
  ['no-route6', 0],
  ['adm-prohib6', 1],
  ['addr-unr6', 3],
  ['port-unr6', 4],
  ['hop-limex6', 0],
  ['frag-re-timex6', 1],
  ['err-head6', 0],
  ['unrec-head6', 1],
  ['unreq-opt6', 2],
]);
