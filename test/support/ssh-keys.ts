/** Key pairs for logging in and for hosts. */

import ssh2 from 'ssh2';

export interface KeyPair {
  readonly private: string;
  readonly public: string;
}

/** How the private key is encrypted; without it, it is not. */
export interface Encryption {
  readonly passphrase: string;
  readonly cipher: string;
  readonly rounds: number;
}

/**
 * A new ed25519 key pair. `ssh2` drops the leading zero bytes of such public keys, so that of 256 pairs that it writes
 * one can be read by nobody (its issue 1390); that one is drawn again.
 */
export function newEd25519Key(encryption?: Encryption): KeyPair {
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync('ed25519', encryption);
    if (!(ssh2.utils.parseKey(pair.public) instanceof Error)) return pair;
  }
}
