/** The keywords of an ipseckeys command and what each stands for. Source: illumos ipseckey.c, table `tokens`. */

export type Keyword =
  | { readonly kind: 'spi' | 'pair-spi' | 'replay' | 'state' | 'auth-alg' | 'encr-alg' | 'encap' }
  | { readonly kind: 'port' | 'inner-port' | 'nat-port' | 'protocol' | 'inner-protocol'; readonly field: NumberField }
  | { readonly kind: 'address'; readonly end: 'src' | 'dst'; readonly v6only: boolean }
  | { readonly kind: 'inner-address'; readonly end: 'src' | 'dst'; readonly v6only: boolean }
  | { readonly kind: 'nat-address'; readonly end: 'local' | 'remote' }
  | { readonly kind: 'key'; readonly which: 'authentication' | 'encryption' }
  | { readonly kind: 'identity'; readonly end: 'src' | 'dst' }
  | { readonly kind: 'limit'; readonly which: 'hard' | 'soft' | 'idle'; readonly quantity: Quantity }
  | { readonly kind: 'direction'; readonly which: 'inbound' | 'outbound' }
  | { readonly kind: 'replay-value' | 'reserved-bits' | 'label' }
  /** Known to the table, refused by every command. */
  | { readonly kind: 'refused' };

export type Quantity = 'allocations' | 'bytes' | 'addSeconds' | 'useSeconds';

/** Fields set by a plain number, with the words the tool uses when one is given twice. */
export const NUMBER_FIELDS = {
  srcPort: { twice: 'source port', bits: 16 },
  dstPort: { twice: 'destination port', bits: 16 },
  innerSrcPort: { twice: 'inner-source port', bits: 16 },
  innerDstPort: { twice: 'inner-destination port', bits: 16 },
  natLocalPort: { twice: 'NAT-T local port', bits: 16 },
  natRemotePort: { twice: 'NAT-T remote port', bits: 16 },
  protocol: { twice: 'protocol', bits: 8 },
  innerProtocol: { twice: 'inner protocol', bits: 8 },
} as const;

export type NumberField = keyof typeof NUMBER_FIELDS;

const KEYWORDS = new Map<string, Keyword>();

function define(keyword: Keyword, ...names: readonly string[]): void {
  for (const name of names) KEYWORDS.set(name, keyword);
}

define({ kind: 'spi' }, 'spi');
define({ kind: 'pair-spi' }, 'pair-spi');
define({ kind: 'replay' }, 'replay');
define({ kind: 'state' }, 'state');
define({ kind: 'auth-alg' }, 'auth_alg', 'authalg');
define({ kind: 'encr-alg' }, 'encr_alg', 'encralg');
define({ kind: 'encap' }, 'encap');
for (const v6only of [false, true]) {
  const names = (...words: readonly string[]): string[] => words.map((word) => (v6only ? `${word}6` : word));
  define({ kind: 'address', end: 'src', v6only }, ...names('src', 'saddr', 'srcaddr'));
  define({ kind: 'address', end: 'dst', v6only }, ...names('dst', 'daddr', 'dstaddr'));
  define({ kind: 'inner-address', end: 'src', v6only }, ...names('isrc', 'innersrc', 'proxy', 'proxyaddr'));
  define({ kind: 'inner-address', end: 'dst', v6only }, ...names('idst', 'innerdst'));
}
define({ kind: 'port', field: 'srcPort' }, 'sport');
define({ kind: 'port', field: 'dstPort' }, 'dport');
define({ kind: 'inner-port', field: 'innerSrcPort' }, 'isport', 'innersport');
define({ kind: 'inner-port', field: 'innerDstPort' }, 'idport', 'innerdport');
define({ kind: 'nat-port', field: 'natLocalPort' }, 'nat_lport');
define({ kind: 'nat-port', field: 'natRemotePort' }, 'nat_rport');
define({ kind: 'protocol', field: 'protocol' }, 'proto', 'ulp');
define({ kind: 'inner-protocol', field: 'innerProtocol' }, 'iproto', 'iulp');
define({ kind: 'nat-address', end: 'local' }, 'nat_loc');
define({ kind: 'nat-address', end: 'remote' }, 'nat_rem');
define({ kind: 'key', which: 'authentication' }, 'authkey');
define({ kind: 'key', which: 'encryption' }, 'encrkey');
define({ kind: 'identity', end: 'src' }, 'srcidtype');
define({ kind: 'identity', end: 'dst' }, 'dstidtype');
for (const which of ['hard', 'soft'] as const) {
  define({ kind: 'limit', which, quantity: 'allocations' }, `${which}_alloc`);
  define({ kind: 'limit', which, quantity: 'bytes' }, `${which}_bytes`);
}
for (const which of ['hard', 'soft', 'idle'] as const) {
  define({ kind: 'limit', which, quantity: 'addSeconds' }, `${which}_addtime`);
  define({ kind: 'limit', which, quantity: 'useSeconds' }, `${which}_usetime`);
}
define({ kind: 'direction', which: 'inbound' }, 'inbound');
define({ kind: 'direction', which: 'outbound' }, 'outbound');
define({ kind: 'replay-value' }, 'replay_value');
define({ kind: 'reserved-bits' }, 'reserved_bits');
define({ kind: 'label' }, 'label', 'outer-label', 'implicit-label');
define({ kind: 'refused' }, 'flags', 'dpd', 'sens_level', 'sens_map', 'integ_level', 'integ_map');
define({ kind: 'refused' }, 'current_alloc', 'current_bytes', 'current_addtime', 'current_usetime');

/** Keywords are told apart by case. */
export function keywordOf(word: string): Keyword | undefined {
  return KEYWORDS.get(word);
}
