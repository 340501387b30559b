/** Whether the key a host presents is the one we know, and what to say when it is not. Pure; files are read by ssh.ts. */

import type { LinkFailure } from '../ports.js';
import { keyFingerprint, keyType, speaksOf } from './known-hosts.js';
import type { HostKeyEntry, HostKeyList } from './known-hosts.js';

/** What we know of one host before connecting to it. */
export interface KnownKeys {
  readonly host: string;
  readonly trusted: readonly HostKeyEntry[];
  readonly revoked: readonly HostKeyEntry[];
  readonly notes: readonly string[];
  /** Where we looked, for the message when nothing was there. */
  readonly looked: string;
  /** Where the inventory takes its key: `to the host in the inventory`. */
  readonly belongs: string;
}

/** `name` as known_hosts writes it. */
export function knownKeys(
  host: string,
  name: string,
  list: HostKeyList,
  { looked, belongs }: Pick<KnownKeys, 'looked' | 'belongs'>,
): KnownKeys {
  const about = list.entries.filter((entry) => speaksOf(entry, name));
  return {
    host,
    trusted: about.filter((entry) => entry.marker === undefined),
    revoked: about.filter((entry) => entry.marker === 'revoked'),
    notes: list.ignored.map(({ where, why }) => `${where} ignored: ${why}`),
    looked,
    belongs,
  };
}

/** RFC 8332: an RSA key has three algorithms, of which `ssh-rsa` means SHA-1. */
function keyTypeOf(algorithm: string): string {
  return algorithm.startsWith('rsa-sha2-') ? 'ssh-rsa' : algorithm;
}

/** Algorithms to offer: those of keys we know first, so that a host is asked for the key that can be checked. */
export function hostKeyAlgorithms<T extends string>(known: KnownKeys, offered: readonly T[]): T[] {
  const isKnown = (algorithm: T): boolean => known.trusted.some(({ type }) => type === keyTypeOf(algorithm));
  return [...offered.filter(isKnown), ...offered.filter((algorithm) => !isKnown(algorithm))];
}

/** `undefined` when the key is trusted; else why not, with both fingerprints and what to do. */
export function judgeHostKey(known: KnownKeys, presented: Buffer): LinkFailure | undefined {
  const { host } = known;
  const type = keyType(presented);
  const seen = `${type} ${keyFingerprint(presented)}`;
  const revoked = known.revoked.find((entry) => entry.blob.equals(presented));
  if (revoked !== undefined) {
    return {
      kind: 'host-key',
      reason: `${host} presented the revoked key ${seen} (${revoked.where})`,
      todo: 'whoever holds that key is not to be trusted: do not connect; give the host a new key',
    };
  }
  if (known.trusted.some((entry) => entry.blob.equals(presented))) return undefined;
  const line = `hostKey: ${type} ${presented.toString('base64')}`;
  const [first] = known.trusted;
  if (first === undefined) {
    const notes = known.notes.length === 0 ? '' : ` (${known.notes.join('; ')})`;
    return {
      kind: 'host-key',
      reason: `the key of ${host} is not known (${known.looked}); it presented ${seen}${notes}`,
      todo: `compare with \`ssh-keygen -lf\` on the host's console, then add ${known.belongs}: ${line}`,
    };
  }
  const expected = known.trusted
    .map((entry) => `${entry.type} ${keyFingerprint(entry.blob)} (${entry.where})`)
    .join(', ');
  return {
    kind: 'host-key',
    reason: `the key of ${host} has changed: known ${expected}, presented ${seen}`,
    todo:
      'somebody may be in between. If the host was reinstalled, compare with `ssh-keygen -lf` on its console, ' +
      `then replace the old key (${first.where}) by: ${line}`,
  };
}
