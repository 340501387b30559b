/** Which algorithms a host is offered: what is safe, what its inventory allows by name, in the order ssh_config(5) asks for. Pure. */

import type { CipherAlgorithm, KexAlgorithm, MacAlgorithm, ServerHostKeyAlgorithm } from 'ssh2';
import { OLD_SSH_ALGORITHMS } from '../model/ssh-algorithms.js';
import { matchesPatterns } from './known-hosts.js';

export interface OfferedAlgorithms {
  readonly kex: readonly KexAlgorithm[];
  readonly serverHostKey: readonly ServerHostKeyAlgorithm[];
  readonly cipher: readonly CipherAlgorithm[];
  readonly hmac: readonly MacAlgorithm[];
}

export type AlgorithmRole = keyof OfferedAlgorithms;

/** Cheap and sound first (curve25519 and P-256 cost half of the others); no SHA-1, no CBC. */
const SAFE: OfferedAlgorithms = {
  kex: [
    'curve25519-sha256',
    'curve25519-sha256@libssh.org',
    'ecdh-sha2-nistp256',
    'ecdh-sha2-nistp384',
    'ecdh-sha2-nistp521',
    'diffie-hellman-group16-sha512',
    'diffie-hellman-group14-sha256',
    // last: Node tests the host's prime at each connection, 4 s for 3,072 bits, and everybody else waits
    'diffie-hellman-group-exchange-sha256',
  ],
  // RFC 8332: an RSA key signs with SHA-2; `ssh-rsa` as an algorithm means SHA-1.
  serverHostKey: [
    'ssh-ed25519',
    'ecdsa-sha2-nistp256',
    'ecdsa-sha2-nistp384',
    'ecdsa-sha2-nistp521',
    'rsa-sha2-512',
    'rsa-sha2-256',
  ],
  cipher: [
    'aes128-gcm@openssh.com',
    'aes256-gcm@openssh.com',
    'chacha20-poly1305@openssh.com',
    'aes128-ctr',
    'aes192-ctr',
    'aes256-ctr',
  ],
  hmac: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'],
};

/** A list of ssh_config(5): plain = exactly these, `+` appended, `-` taken out, `^` put first. */
export type AlgorithmList = readonly string[];

/**
 * @param allowed names from the inventory (`ssh.allow`)
 * @param asked lists of ssh_config(5) by role; names that are neither safe nor allowed stay out whatever they say
 */
export function offeredAlgorithms(
  allowed: readonly string[],
  asked: Partial<Record<AlgorithmRole, AlgorithmList>>,
): OfferedAlgorithms {
  const offer = <T extends string>(safe: readonly T[], old: readonly T[], list: AlgorithmList | undefined): T[] =>
    inOrderOf([...safe, ...old.filter((name) => allowed.includes(name))], list);
  return {
    kex: offer(SAFE.kex, OLD_SSH_ALGORITHMS.kex, asked.kex),
    serverHostKey: offer(SAFE.serverHostKey, OLD_SSH_ALGORITHMS.serverHostKey, asked.serverHostKey),
    cipher: offer(SAFE.cipher, OLD_SSH_ALGORITHMS.cipher, asked.cipher),
    hmac: offer(SAFE.hmac, OLD_SSH_ALGORITHMS.hmac, asked.hmac),
  };
}

function inOrderOf<T extends string>(possible: readonly T[], list: AlgorithmList | undefined): T[] {
  if (list === undefined || list.length === 0) return [...possible];
  const [first = '', ...rest] = list;
  const sign = /^[+^-]/.exec(first)?.[0];
  const patterns = sign === undefined ? list : [first.slice(1), ...rest];
  const named = patterns.flatMap((pattern) => possible.filter((name) => matchesPatterns([pattern], name)));
  const chosen = possible.filter((name) => named.includes(name));
  const others = possible.filter((name) => !named.includes(name));
  switch (sign) {
    case '-':
      return others;
    // what it adds is either there already or not to be spoken
    case '+':
      return [...possible];
    case '^':
      return [...new Set([...named, ...others])];
    default:
      return chosen.length === 0 ? [] : [...new Set(named)];
  }
}

/** Old names that the host offers and we could speak, for each role in which nothing else fits. */
export function algorithmsToAllow(
  theirs: Readonly<Record<AlgorithmRole, readonly string[]>>,
  ours: OfferedAlgorithms,
): readonly string[] {
  const roles: readonly AlgorithmRole[] = ['kex', 'serverHostKey', 'cipher', 'hmac'];
  return roles.flatMap((role) => {
    const mine: readonly string[] = ours[role];
    if (theirs[role].some((name) => mine.includes(name))) return [];
    const old: readonly string[] = OLD_SSH_ALGORITHMS[role];
    const [best] = old.filter((name) => theirs[role].includes(name));
    return best === undefined ? [] : [best];
  });
}
