/**
 * Whether the key daemons of two ends can agree: a rule for these addresses on both, a phase 1 transform and a group for
 * phase 2 in common, and the same preshared key (illumos ike.config(4), ike.preshared(4)).
 */

import { formatAddress, type Address } from '../model/address.js';
import type { IkeTransform } from '../model/ike.js';
import type { HostPicture } from './host-picture.js';
import type { FiledIkeRule } from './ike-shelf.js';
import type { PairFault, PairVerdict } from './pair-fault.js';

export interface IkeAgreement {
  readonly sender: FiledIkeRule;
  readonly receiver: FiledIkeRule;
  readonly transform: IkeTransform;
  /** Name of the preshared key; absent with certificates. */
  readonly psk?: string;
}

/** What counts of an end, whose daemon may also be one that runs. */
export type IkeEnd = Pick<HostPicture, 'name' | 'ike' | 'place'>;

const CONFIG = '/etc/inet/ike/config';
const PRESHARED = '/etc/inet/secret/ike.preshared';

/** `sender` begins the exchange, with the first of its rules for the two addresses. */
export function ikeAgreement(
  sender: IkeEnd,
  receiver: IkeEnd,
  source: Address,
  destination: Address,
): IkeAgreement | PairFault {
  const [asks] = sender.ike.rules(source, destination);
  const answers = receiver.ike.rules(destination, source);
  const mismatch = (what: string, todo: string, there = answers[0]): PairFault =>
    fault('ike-rule-mismatch', what, todo, sender.place(CONFIG, asks?.line), receiver.place(CONFIG, there?.line));
  const way = (): string => `from ${formatAddress(source)} to ${formatAddress(destination)}`;
  if (asks === undefined && answers.length === 0) {
    const what = `neither ${sender.name} nor ${receiver.name} has an IKE rule for the way ${way()}`;
    return mismatch(what, 'add a rule for these addresses to both ends');
  }
  if (asks === undefined) {
    return mismatch(
      `${sender.name} has no IKE rule for the way ${way()}`,
      `add a rule for these addresses at ${sender.name}`,
    );
  }
  if (answers.length === 0) {
    const what = `${receiver.name} has no IKE rule for the way ${way()}`;
    return mismatch(what, `add a rule for these addresses at ${receiver.name}`);
  }
  for (const answer of answers) {
    const transform = asks.transforms.find((one) => answer.transforms.some((other) => inCommon(one, other)));
    if (transform === undefined) continue;
    if (asks.pfs !== answer.pfs) {
      const what = `the IKE rules ask for other groups in phase 2: p2_pfs ${asks.pfs} at ${sender.name}, ${answer.pfs} at ${receiver.name}`;
      return mismatch(what, 'write the same p2_pfs at both ends', answer);
    }
    const agreed = { sender: asks, receiver: answer, transform };
    if (transform.authMethod !== 'preshared') return agreed;
    const psk = commonPsk(sender, receiver, source, destination);
    return typeof psk === 'string' ? { ...agreed, psk } : psk;
  }
  const offers = (rules: readonly FiledIkeRule[]): string =>
    [...new Set(rules.flatMap(({ transforms }) => transforms.map(transformText)))].join(' or ');
  const what = `the IKE rules have no phase 1 transform in common: ${offers([asks])} at ${sender.name}, ${offers(answers)} at ${receiver.name}`;
  return mismatch(what, 'give both rules a p1_xform with the same method, group and algorithms');
}

function commonPsk(sender: IkeEnd, receiver: IkeEnd, source: Address, destination: Address): string | PairFault {
  const [mine, theirs] = [sender.ike.psk(source, destination), receiver.ike.psk(destination, source)];
  if (mine !== undefined && mine.key === theirs?.key) return mine.key;
  const pair = `${formatAddress(source)} and ${formatAddress(destination)}`;
  const lacking = [...(mine === undefined ? [sender.name] : []), ...(theirs === undefined ? [receiver.name] : [])];
  const what =
    lacking.length > 0
      ? `${lacking.join(' and ')} ${lacking.length === 1 ? 'has' : 'have'} no preshared key for ${pair}`
      : `${sender.name} and ${receiver.name} have different preshared keys for ${pair}`;
  const todo = 'give both ends the same key, the identities turned round';
  return fault(
    'psk-mismatch',
    what,
    todo,
    sender.place(PRESHARED, mine?.line),
    receiver.place(PRESHARED, theirs?.line),
  );
}

function fault(
  verdict: PairVerdict,
  what: string,
  todo: string,
  sender: PairFault['sender'],
  receiver: PairFault['receiver'],
): PairFault {
  return { verdict, severity: 'error', what, todo, sender, receiver };
}

function inCommon(a: IkeTransform, b: IkeTransform): boolean {
  return (
    a.authMethod === b.authMethod &&
    a.oakleyGroup === b.oakleyGroup &&
    canonical(a.authAlg) === canonical(b.authAlg) &&
    canonical(a.encrAlg) === canonical(b.encrAlg) &&
    lengthsMeet(a, b)
  );
}

/** Names that mean the same: `sha` and `sha1`, `aes` and `aes-cbc`. */
function canonical(algorithm: string): string {
  return algorithm === 'sha' ? 'sha1' : algorithm.replace(/-cbc$/, '');
}

/** AES comes in 128, 192 and 256 bits; without lengths the daemon takes any. */
const AES_BITS = [128, 192, 256];

function lengthsMeet(a: IkeTransform, b: IkeTransform): boolean {
  if (canonical(a.encrAlg) !== 'aes') return true;
  return AES_BITS.some((bits) =>
    [a, b].every(({ encrBits }) => encrBits === undefined || (encrBits.low <= bits && bits <= encrBits.high)),
  );
}

/** `preshared, group 14, sha256, aes(256..256)` */
export function transformText({ authMethod, oakleyGroup, authAlg, encrAlg, encrBits }: IkeTransform): string {
  const bits = encrBits === undefined ? '' : `(${encrBits.low}..${encrBits.high})`;
  return `${authMethod}, group ${oakleyGroup}, ${authAlg}, ${encrAlg}${bits}`;
}
