/** A half-read `add` or `update`, and the checks that ipseckey makes once it has read every word of it. */

import { parseAddress, type Address } from '../model/address.js';
import {
  NO_ALGORITHM,
  NULL_CIPHER,
  SA_TYPE,
  type Identity,
  type InnerEnd,
  type KeyMaterial,
  type SaEnd,
  type SaMessage,
  type SaState,
} from '../model/sa.js';
import type { NumberField } from './parse-key-keywords.js';
import type { NoteBook } from './parse-key-notes.js';
import type { NamedAddresses } from './parse-key-values.js';

export type RequestCommand = 'add' | 'update' | 'update-pair';

/** One command; every destination address of its name becomes a message of its own. */
export interface SaRequest {
  readonly command: RequestCommand;
  readonly message: Omit<SaMessage, 'src' | 'dst'>;
  /** `undefined` when the command named no source. */
  readonly src: NamedAddresses | undefined;
  readonly dst: NamedAddresses;
  readonly srcPort: number;
  readonly dstPort: number;
}

interface DraftLimits {
  allocations: number;
  bytes: bigint;
  addSeconds: bigint;
  useSeconds: bigint;
}

export interface Draft {
  /** Any of SPI, algorithm, state, replay window or encapsulation was given. */
  hasSa: boolean;
  spi: number;
  pairSpi: number | undefined;
  replayWindow: number;
  replayValue: number | undefined;
  state: SaState;
  stateGiven: boolean;
  auth: number;
  encr: number;
  encap: boolean;
  tunnel: boolean;
  inbound: boolean;
  outbound: boolean;
  reservedBits: number;
  readonly numbers: Record<NumberField, number>;
  src: NamedAddresses | undefined;
  dst: NamedAddresses | undefined;
  readonly inner: { src?: Omit<InnerEnd, 'port'>; dst?: Omit<InnerEnd, 'port'> };
  readonly nat: { local?: Address; remote?: Address };
  readonly keys: { authentication?: KeyMaterial; encryption?: KeyMaterial };
  readonly ids: { src?: Identity; dst?: Identity };
  readonly limits: { hard?: DraftLimits; soft?: DraftLimits; idle?: DraftLimits };
}

export function emptyDraft(): Draft {
  return {
    hasSa: false,
    spi: 0,
    pairSpi: undefined,
    replayWindow: 0,
    replayValue: undefined,
    state: 'larval',
    stateGiven: false,
    auth: NO_ALGORITHM,
    encr: NO_ALGORITHM,
    encap: false,
    tunnel: false,
    inbound: false,
    outbound: false,
    reservedBits: 0,
    numbers: {
      srcPort: 0,
      dstPort: 0,
      innerSrcPort: 0,
      innerDstPort: 0,
      natLocalPort: 0,
      natRemotePort: 0,
      protocol: 0,
      innerProtocol: 0,
    },
    src: undefined,
    dst: undefined,
    inner: {},
    nat: {},
    keys: {},
    ids: {},
    limits: {},
  };
}

const ANY_V4 = parseAddress('0.0.0.0');
const ANY_V6 = parseAddress('::');

/** IPv4 and IPv6 inside IP. */
const TUNNEL_PROTOCOLS: readonly number[] = [0, 4, 41];

export function finishRequest(draft: Draft, command: RequestCommand, type: number, notes: NoteBook): SaRequest {
  const { numbers } = draft;
  const natLocal = natEnd(draft, draft.nat.local, numbers.natLocalPort);
  const natRemote = natEnd(draft, draft.nat.remote, numbers.natRemotePort);
  if (!draft.encap) {
    if (numbers.natLocalPort !== 0 || numbers.natRemotePort !== 0) notes.error('nat-port-without-encap');
    else if (draft.nat.local !== undefined || draft.nat.remote !== undefined) notes.error('nat-address-without-encap');
  }
  if (draft.hasSa) checkSa(draft, command, type, notes);
  else {
    notes.error('spi-undefined', command);
    notes.error('parameters-missing', command);
  }
  if (draft.pairSpi === 0) notes.error('spi-missing', command);
  const { authentication: authKey, encryption: encrKey } = draft.keys;
  if (command === 'add' && authKey === undefined && encrKey === undefined) notes.error('key-missing');
  const dst = draft.dst ?? notes.fatal('destination-missing', command);
  if (draft.encap && natLocal === undefined && natRemote === undefined) notes.error('encap-without-nat');
  notes.settle();
  return {
    command,
    src: draft.src,
    dst,
    srcPort: numbers.srcPort,
    dstPort: numbers.dstPort,
    message: {
      type: type & 0xff,
      spi: draft.spi,
      pairSpi: draft.pairSpi,
      auth: draft.auth,
      encr: draft.encr,
      state: draft.state,
      replayWindow: draft.replayWindow,
      replayValue: draft.replayValue,
      inbound: draft.inbound,
      outbound: draft.outbound,
      hard: draft.limits.hard,
      soft: draft.limits.soft,
      idle: draft.limits.idle,
      authKey,
      encrKey,
      srcId: draft.ids.src,
      dstId: draft.ids.dst,
      protocol: numbers.protocol,
      inner: innerEnds(draft),
      natLocal: draft.encap ? natLocal : undefined,
      natRemote: draft.encap ? natRemote : undefined,
    },
  };
}

/** A port alone makes an address of zeros, but only for encapsulated SAs. */
function natEnd(draft: Draft, address: Address | undefined, port: number): SaEnd | undefined {
  if (address !== undefined) return { address, port };
  return draft.encap && port !== 0 && ANY_V4 !== undefined ? { address: ANY_V4, port } : undefined;
}

/** One inner address or port makes a tunnel SA, and the missing end an IPv6 address of zeros. */
function innerEnds(draft: Draft): SaMessage['inner'] {
  if (!draft.tunnel || ANY_V6 === undefined) return undefined;
  const missing = { address: ANY_V6, prefixByte: 0 };
  return {
    src: { ...(draft.inner.src ?? missing), port: draft.numbers.innerSrcPort },
    dst: { ...(draft.inner.dst ?? missing), port: draft.numbers.innerDstPort },
    protocol: draft.numbers.innerProtocol,
  };
}

function checkSa(draft: Draft, command: RequestCommand, type: number, notes: NoteBook): void {
  if (draft.spi === 0) notes.error('spi-missing', command);
  if (command === 'add' && draft.auth === NO_ALGORITHM && draft.encr === NO_ALGORITHM) notes.fatal('no-algorithm');
  if ((type & 0xff) === SA_TYPE.esp && draft.encr === NO_ALGORITHM) draft.encr = NULL_CIPHER;
  if (draft.state === 'larval') {
    if (draft.stateGiven) notes.error('larval');
    draft.state = 'mature';
  }
  const { protocol } = draft.numbers;
  if (draft.tunnel && !TUNNEL_PROTOCOLS.includes(protocol)) notes.error('tunnel-protocol', String(protocol));
}
