/** What an IKE rule says beside its addresses: phase 1, perfect forward secrecy, lifetimes (ike.config(4)). */

import type { Value } from '../model/host.js';

export interface IkeSettings {
  /** Diffie-Hellman group of phase 1. */
  readonly group: number;
  readonly authAlg: string;
  readonly encrAlg: string;
  /** Group of phase 2; 0 = no perfect forward secrecy. */
  readonly pfs: number;
  readonly p1LifetimeSeconds: number | null;
  readonly p2LifetimeSeconds: number | null;
}

/** Group 14 is the least that RFC 8247 §2.4 allows; in.iked's own list ends at 16. */
export const DEFAULT_IKE: IkeSettings = {
  group: 14,
  authAlg: 'sha256',
  encrAlg: 'aes(256..256)',
  pfs: 14,
  p1LifetimeSeconds: null,
  p2LifetimeSeconds: null,
};

interface Choice {
  readonly allowed: string;
  readonly accepts: (value: Value) => boolean;
}

function oneOf(...values: readonly (string | number)[]): Choice {
  return { allowed: values.join(', '), accepts: (value) => values.some((one) => one === value) };
}

const SECONDS: Choice = {
  allowed: 'a number of seconds from 60 to 2592000',
  accepts: (value) => typeof value === 'number' && Number.isInteger(value) && value >= 60 && value <= 2_592_000,
};

const CIPHERS = ['des', 'des-cbc', '3des', '3des-cbc', 'blowfish', 'blowfish-cbc', 'aes', 'aes-cbc'];
const AES_LENGTHS = ['128..128', '128..192', '128..256', '192..192', '192..256', '256..256'];
const CIPHER: Choice = {
  allowed: 'aes(256..256), or another of aes, 3des, blowfish, des; only aes takes lengths',
  accepts: (value) => CIPHERS.some((one) => one === value) || AES_LENGTHS.some((range) => `aes(${range})` === value),
};

/** The keys of `vars.ike`. */
export const IKE_CHOICES: ReadonlyMap<string, Choice> = new Map([
  ['group', oneOf(1, 2, 5, 14, 15, 16)],
  ['authAlg', oneOf('md5', 'sha', 'sha1', 'sha256', 'sha384', 'sha512')],
  ['encrAlg', CIPHER],
  ['pfs', oneOf(0, 1, 2, 5, 14, 15, 16)],
  ['p1LifetimeSeconds', SECONDS],
  ['p2LifetimeSeconds', SECONDS],
]);

/** Whether two ends would agree. Lifetimes may differ: each end keeps its own. */
export function sameProposal(a: IkeSettings, b: IkeSettings): boolean {
  return a.group === b.group && a.authAlg === b.authAlg && a.encrAlg === b.encrAlg && a.pfs === b.pfs;
}
