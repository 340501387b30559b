/** Policies and SAs of two hosts, by chance but reproducible: often alike, so that packets get through, and often not quite. */

import type { Address } from '../../../../controller/model/address.js';
import { NO_LIMITS, NULL_CIPHER, SA_TYPE, type SecurityAssociation } from '../../../../controller/model/sa.js';
import { Secret } from '../../../../controller/model/secret.js';
import { algorithmNumbered } from '../../../../controller/policy/algorithms.js';

export type Chance = () => number;

/** mulberry32 */
export function chanceOf(seed: number): Chance {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function pick<T>(chance: Chance, from: readonly T[]): T {
  const one = from[Math.floor(chance() * from.length)];
  if (one === undefined) throw new Error('nothing to pick from');
  return one;
}

const PORTS = [80, 443, 53, 8080];

interface Side {
  readonly own: readonly string[];
  readonly peer: readonly string[];
}

/** Values of a pattern as host A has them; B's are the same turned round. */
interface Pattern {
  readonly words: readonly (readonly [key: string, value: string])[];
}

const TURNED: Readonly<Record<string, string>> = { laddr: 'raddr', raddr: 'laddr', lport: 'rport', rport: 'lport' };

function pattern(chance: Chance, { own, peer }: Side): Pattern {
  const words: [string, string][] = [];
  const ulp =
    chance() < 0.5 ? pick(chance, ['tcp', 'tcp', 'tcp', 'udp', 'icmp', 'ipv6-icmp', 'sctp', '47']) : undefined;
  if (ulp !== undefined) words.push(['ulp', ulp]);
  const family = pick(chance, ['.', ':']);
  const near = (all: readonly string[]): string => {
    const address = pick(
      chance,
      all.filter((one) => one.includes(family)),
    );
    const lengths = family === '.' ? ['', '', '/24', '/30', '/31', '/0'] : ['', '', '/64', '/126', '/127'];
    return address + pick(chance, lengths);
  };
  if (chance() < 0.3) words.push(['laddr', near(own)]);
  if (chance() < 0.4) words.push(['raddr', near(peer)]);
  const portless = ulp === 'icmp' || ulp === 'ipv6-icmp' || ulp === '47';
  if (!portless && chance() < 0.35) words.push(['lport', String(pick(chance, PORTS))]);
  if (!portless && chance() < 0.35) words.push(['rport', String(pick(chance, PORTS))]);
  if (ulp === 'icmp' && chance() < 0.6) words.push(['type', pick(chance, ['8', '0', '0-8', '3', '15-16', '30-40'])]);
  if (ulp === 'ipv6-icmp' && chance() < 0.6) words.push(['type', pick(chance, ['128', '129', '128-129', '1', '140'])]);
  const last = words.at(-1)?.[0];
  if (last === 'type') words.push(['code', pick(chance, ['0', '0-3', '1-3'])]);
  return { words };
}

const CIPHERS = [
  { word: 'aes', number: 12 },
  { word: 'aes(192..256)', number: 12 },
  { word: '3des', number: 3 },
  { word: 'aes-gcm', number: 20 },
] as const;
const INTEGRITY = [
  { word: 'sha256', number: 5 },
  { word: 'sha1', number: 3 },
  { word: 'md5', number: 2 },
] as const;

/** The algorithms that rules and SAs of a round choose from: few, so that they often suit each other. */
export interface Menu {
  readonly ciphers: readonly (typeof CIPHERS)[number][];
  readonly integrity: readonly (typeof INTEGRITY)[number][];
}

export function randomMenu(chance: Chance): Menu {
  const some = <T>(all: readonly T[]): readonly T[] => (chance() < 0.6 ? [pick(chance, all)] : all);
  return { ciphers: some(CIPHERS), integrity: some(INTEGRITY) };
}

function protection(chance: Chance, { ciphers, integrity }: Menu): string {
  const kind = pick(chance, ['esp', 'esp', 'esp', 'esp', 'cipher', 'cipher', 'ah', 'both', 'integrity']);
  const cipher = pick(chance, ciphers).word;
  const words: string[] = [];
  if (kind === 'ah' || kind === 'both') words.push(`auth_algs ${pick(chance, integrity).word}`);
  if (kind === 'esp' || kind === 'both' || kind === 'cipher') words.push(`encr_algs ${cipher}`);
  if (kind === 'integrity' || (kind !== 'cipher' && kind !== 'ah' && !cipher.startsWith('aes-gcm')))
    words.push(`encr_auth_algs ${pick(chance, integrity).word}`);
  if (chance() < 0.1) words.push('sa unique');
  return `ipsec {${words.join(' ')}}`;
}

interface RandomRule {
  readonly pattern: Pattern;
  readonly actions: string;
  readonly dir: string;
}

function randomRule(chance: Chance, side: Side, menu: Menu): RandomRule {
  const kind = pick(chance, ['protect', 'protect', 'protect', 'protect', 'bypass', 'drop', 'several', 'several']);
  const simple = (): string => pick(chance, ['pass {}', 'drop {}']);
  const actions =
    kind === 'protect'
      ? protection(chance, menu)
      : kind === 'several'
        ? [
            pick(chance, [simple(), protection(chance, menu)]),
            pick(chance, [simple(), protection(chance, menu), protection(chance, menu)]),
          ].join(' or ')
        : `${kind} {}`;
  return { pattern: pattern(chance, side), actions, dir: pick(chance, ['both', 'both', 'both', 'in', 'out']) };
}

function ruleLine({ pattern: { words }, actions, dir }: RandomRule): string {
  const text = words.map(([key, value]) => `${key} ${value}`).join(' ');
  return `{${text} dir ${dir}} ${actions}\n`;
}

function mirrored({ pattern: { words }, actions, dir }: RandomRule): RandomRule {
  const turned = dir === 'in' ? 'out' : dir === 'out' ? 'in' : dir;
  return {
    pattern: { words: words.map(([key, value]) => [TURNED[key] ?? key, value] as const) },
    actions,
    dir: turned,
  };
}

/** Policy files of both; one in twelve is empty. */
export function randomPolicies(chance: Chance, side: Side, menu: Menu): readonly [string, string] {
  const count = Math.floor(chance() * 6) + (chance() < 0.9 ? 1 : 0);
  const a = Array.from({ length: count }, () => randomRule(chance, side, menu));
  const turned: Side = { own: side.peer, peer: side.own };
  const b = a
    .map(mirrored)
    .flatMap((rule) => (chance() < 0.15 ? (chance() < 0.5 ? [] : [randomRule(chance, turned, menu)]) : [rule]));
  if (chance() < 0.1) b.push(randomRule(chance, turned, menu));
  if (chance() < 0.15) b.reverse();
  return [a.map(ruleLine).join(''), chance() < 0.05 ? '' : b.map(ruleLine).join('')];
}

export interface BothSads {
  readonly a: readonly SecurityAssociation[];
  readonly b: readonly SecurityAssociation[];
}

/** SAs of both ways. Each end has the other's but for some with another key, other algorithms, or none. */
export function randomSas(
  chance: Chance,
  ends: { readonly a: readonly Address[]; readonly b: readonly Address[] },
  { round, menu }: { readonly round: number; readonly menu: Menu },
): BothSads {
  const a: SecurityAssociation[] = [];
  const b: SecurityAssociation[] = [];
  const count = 16 + Math.floor(chance() * 20);
  for (let i = 0; i < count; i++) {
    const fromA = chance() < 0.5;
    const [here, there] = fromA ? [a, b] : [b, a];
    const dst = pick(chance, fromA ? ends.b : ends.a);
    const src = pick(
      chance,
      (fromA ? ends.a : ends.b).filter(({ family }) => family === dst.family),
    );
    const sa = randomSa(chance, src, dst, 256 + i, { round, menu });
    here.push({ ...sa, outbound: true });
    const fate = chance() + 0.05;
    if (fate < 0.08) continue;
    const other =
      fate < 0.16
        ? {
            ...sa,
            authKey: sa.authKey && key(chance, sa.authKey.bits),
            encrKey: sa.encrKey && key(chance, sa.encrKey.bits),
          }
        : sa;
    const changed = fate > 0.96 && sa.auth !== 0 ? { ...other, auth: sa.auth === 5 ? 2 : 5 } : other;
    there.push({ ...changed, used: false, inbound: true });
  }
  return { a, b };
}

function key(chance: Chance, bits: number): { readonly secret: Secret; readonly bits: number } {
  return { secret: new Secret(Uint8Array.from({ length: bits / 8 }, () => Math.floor(chance() * 256))), bits };
}

function randomSa(
  chance: Chance,
  src: Address,
  dst: Address,
  spi: number,
  { round, menu }: { readonly round: number; readonly menu: Menu },
): SecurityAssociation {
  const ah = chance() < 0.3;
  const encr = ah ? 0 : chance() < 0.1 ? NULL_CIPHER : pick(chance, menu.ciphers).number;
  const combined = encr === 20;
  const auth = ah || encr === NULL_CIPHER || (!combined && chance() < 0.85) ? pick(chance, menu.integrity).number : 0;
  const encrBits = encr === 3 ? 192 : encr === 12 || encr === 20 ? pick(chance, [128, 192, 256]) : 0;
  const bound = chance() < 0.08;
  const port = (): number => (bound && chance() < 0.4 ? pick(chance, PORTS) : 0);
  return {
    type: ah ? SA_TYPE.ah : SA_TYPE.esp,
    spi,
    pairSpi: undefined,
    auth,
    encr,
    replayWindow: 0,
    replayValue: 0,
    inbound: false,
    outbound: false,
    dead: false,
    used: chance() < 0.15,
    hard: NO_LIMITS,
    soft: NO_LIMITS,
    idle: NO_LIMITS,
    authKey: auth === 0 ? undefined : key(chance, algorithmNumbered('auth', auth)?.minBits ?? 128),
    encrKey: encrBits === 0 ? undefined : key(chance, encrBits),
    salt: combined ? new Secret(new Uint8Array([1, 2, 3, 4])) : undefined,
    srcId: undefined,
    dstId: undefined,
    protocol: bound ? pick(chance, [0, 6, 6, 17]) : 0,
    src: { address: chance() < 0.4 ? { family: src.family, value: 0n } : src, port: port() },
    dst: { address: dst, port: port() },
    inner: undefined,
    natLocal: undefined,
    natRemote: undefined,
    addedAt: 1_700_000_000 + round,
  };
}
