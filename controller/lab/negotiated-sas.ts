/** The pair of SAs that two key daemons agree on: keys and SPIs by chance, limits from their configurations. */

import { randomBytes, randomInt } from 'node:crypto';
import { oddParity } from '../keys/check-key.js';
import type { Address } from '../model/address.js';
import { IKE_DEFAULTS, type IkeConfig, type IkeRule } from '../model/ike.js';
import type { Packet, SaBinding } from '../model/packet.js';
import type { Protection, Transform } from '../model/policy.js';
import { NO_LIMITS, SA_TYPE, type Lifetime, type SecurityAssociation } from '../model/sa.js';
import { Secret } from '../model/secret.js';
import { algorithmNamed } from '../policy/algorithms.js';

/** SPIs below are kept for other purposes (RFC 4303 §2.1). */
const LEAST_SPI = 256;
const SPI_END = 2 ** 32;

/** Seconds by which the kernel cuts the soft limit of an SA for packets going out; there by chance, 8 to 23. */
const EARLY_SECONDS = 8n;

const REPLAY_WINDOW = 32;

/** Where the configuration names none. */
const DEFAULT_KILOBYTES = 134_217_728;

export interface Limits {
  readonly hard: Lifetime;
  readonly soft: Lifetime;
  readonly idle: Lifetime;
}

/** Phase 2 limits under a rule: the soft ones are 90 % and the idle one half of the lifetime unless given. */
export function phaseTwoLimits({ globals }: IkeConfig, rule: IkeRule): Limits {
  const given = (name: string): number | undefined => {
    const value = globals.get(name);
    return typeof value === 'number' ? value : undefined;
  };
  const lifetime = rule.p2LifetimeSeconds ?? given('p2_lifetime_secs') ?? IKE_DEFAULTS.phaseTwoSeconds;
  const kilobytes = given('p2_lifetime_kb') ?? DEFAULT_KILOBYTES;
  const idle = BigInt(given('p2_idletime_secs') ?? Math.floor(lifetime / 2));
  const limit = (seconds: number, kb: number): Lifetime => ({
    ...NO_LIMITS,
    addSeconds: BigInt(Math.floor(seconds)),
    bytes: BigInt(Math.floor(kb)) * 1024n,
  });
  return {
    hard: limit(lifetime, kilobytes),
    soft: limit(given('p2_softlife_secs') ?? lifetime * 0.9, given('p2_softlife_kb') ?? kilobytes * 0.9),
    idle: { ...NO_LIMITS, addSeconds: idle, useSeconds: idle },
  };
}

/** The shorter of what both ends want. */
export function shorter(one: Limits, other: Limits): Limits {
  return one.hard.addSeconds <= other.hard.addSeconds ? one : other;
}

/** Two ends of what is agreed; `local` is the initiator's. */
export interface Agreed {
  readonly local: Address;
  readonly remote: Address;
  readonly protection: Protection;
  readonly limits: Limits;
  /** For an SA of its own for one flow: the packet that asked for it. */
  readonly flow?: Packet;
  /** Whether an SPI is taken already. */
  readonly isTaken: (type: number, spi: number, destination: Address) => boolean;
}

/** An SA for what the initiator sends and one for what comes back, as neither end has marked them yet: one pair for each of ESP and AH. */
export type SaPair = readonly [SecurityAssociation, SecurityAssociation];

export function agreeOnSas({ local, remote, protection, limits, flow, isTaken }: Agreed): readonly SaPair[] {
  const { esp, ah } = protection;
  const binding = flow && {
    localPort: flow.localPort ?? 0,
    remotePort: flow.remotePort ?? 0,
    protocol: flow.protocol,
  };
  const pairOf = (type: number, keys: () => Keys): SaPair => {
    const spiTo = (destination: Address): number => {
      for (;;) {
        const spi = randomInt(LEAST_SPI, SPI_END);
        if (!isTaken(type, spi, destination)) return spi;
      }
    };
    const [out, back] = [spiTo(remote), spiTo(local)];
    const one = { type, limits, keys: keys(), spi: out, pairSpi: back, src: local, dst: remote };
    const other = { type, limits, keys: keys(), spi: back, pairSpi: out, src: remote, dst: local };
    return [saOf({ ...one, binding }), saOf({ ...other, binding: binding && turned(binding) })];
  };
  return [
    ...(esp === undefined ? [] : [pairOf(SA_TYPE.esp, () => espKeys(esp))]),
    ...(ah === undefined ? [] : [pairOf(SA_TYPE.ah, () => ({ ...NO_KEYS, ...authKeys(ah) }))]),
  ];
}

function turned({ localPort, remotePort, protocol }: SaBinding): SaBinding {
  return { localPort: remotePort, remotePort: localPort, protocol };
}

type Keys = Pick<SecurityAssociation, 'auth' | 'encr' | 'authKey' | 'encrKey' | 'salt'>;

const NO_KEYS: Keys = { auth: 0, encr: 0, authKey: undefined, encrKey: undefined, salt: undefined };

function authKeys({ algorithm, maxBits }: Transform): Pick<Keys, 'auth' | 'authKey'> {
  const auth = algorithmNamed('auth', algorithm)?.number ?? 0;
  return { auth, authKey: { secret: new Secret(randomBytes(maxBits / 8)), bits: maxBits } };
}

/** The longest key that both take. */
function espKeys({ encr, auth }: NonNullable<Protection['esp']>): Keys {
  const cipher = algorithmNamed('encr', encr.algorithm);
  const bits = encr.maxBits;
  const bytes = randomBytes(bits / 8);
  const secret = new Secret(/des/.test(encr.algorithm) ? bytes.map(oddParity) : bytes);
  const salt = cipher === undefined || cipher.saltBits === 0 ? undefined : new Secret(randomBytes(cipher.saltBits / 8));
  return {
    ...NO_KEYS,
    encr: cipher?.number ?? 0,
    encrKey: bits === 0 ? undefined : { secret, bits },
    salt,
    ...(auth && authKeys(auth)),
  };
}

interface Parts {
  readonly type: number;
  readonly spi: number;
  readonly pairSpi: number;
  readonly src: Address;
  readonly dst: Address;
  readonly keys: Keys;
  readonly limits: Limits;
  readonly binding: SaBinding | undefined;
}

function saOf({ type, spi, pairSpi, src, dst, keys, limits, binding }: Parts): SecurityAssociation {
  return {
    type,
    spi,
    pairSpi,
    ...keys,
    ...limits,
    replayWindow: REPLAY_WINDOW,
    replayValue: 0,
    inbound: false,
    outbound: false,
    dead: false,
    used: false,
    srcId: undefined,
    dstId: undefined,
    protocol: binding?.protocol ?? 0,
    src: { address: src, port: binding?.localPort ?? 0 },
    dst: { address: dst, port: binding?.remotePort ?? 0 },
    inner: undefined,
    natLocal: undefined,
    natRemote: undefined,
    addedAt: 0,
  };
}

/** As the kernel of one end files it. */
export function filedAt(
  sa: SecurityAssociation,
  direction: 'in' | 'out',
  manager: NonNullable<SecurityAssociation['manager']>,
  now: Date,
): SecurityAssociation {
  const soft = direction === 'out' ? { ...sa.soft, addSeconds: sa.soft.addSeconds - EARLY_SECONDS } : sa.soft;
  return {
    ...sa,
    soft: soft.addSeconds > 0n ? soft : sa.soft,
    inbound: direction === 'in',
    outbound: direction === 'out',
    manager,
    addedAt: Math.floor(now.getTime() / 1000),
  };
}
