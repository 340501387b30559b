/** Bytes that refuse to be printed, logged, cloned or serialised. Owns nothing else. */

import { createHash, timingSafeEqual } from 'node:crypto';

const MASK = '[secret]';

/**
 * Key material. `String(secret)`, `JSON.stringify`, `util.inspect` and structured clone all give `[secret]` or nothing;
 * only `reveal()` opens it, and only the edges that must send or store the bytes call it.
 */
export class Secret {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = new Uint8Array(bytes);
  }

  static fromText(text: string): Secret {
    return new Secret(new TextEncoder().encode(text));
  }

  static fromHex(hex: string): Secret {
    return new Secret(Buffer.from(hex, 'hex'));
  }

  get bits(): number {
    return this.#bytes.length * 8;
  }

  reveal(): Uint8Array {
    return new Uint8Array(this.#bytes);
  }

  revealHex(): string {
    return Buffer.from(this.#bytes).toString('hex');
  }

  revealText(): string {
    return Buffer.from(this.#bytes).toString('utf8');
  }

  equals(other: Secret): boolean {
    return this.#bytes.length === other.#bytes.length && timingSafeEqual(this.#bytes, other.#bytes);
  }

  /**
   * The name a key goes by in plans, diffs and logs: 16 hex digits of SHA-256 over the fleet's salt, a newline, the key
   * in lower-case hex and a newline. The salt keeps a short, hand-made key from being guessed from its fingerprint; the
   * agent computes the same with the host's own digest tool (docs/agent-protocol.md, "fingerprints").
   */
  fingerprint(salt: string): string {
    return createHash('sha256').update(`${salt}\n${this.revealHex()}\n`).digest('hex').slice(0, 16);
  }

  toString(): string {
    return MASK;
  }

  toJSON(): string {
    return MASK;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return MASK;
  }
}
