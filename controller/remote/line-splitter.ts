/** Cuts a stream of bytes into lines. Owns the limits that keep an endless line or an endless reply from filling memory. */

import { decodeText } from './host-text.js';

export interface LineLimits {
  readonly lineBytes: number;
  /** Between two calls of `allowAnother`. */
  readonly totalBytes: number;
}

export class LineLimitError extends Error {
  override readonly name = 'LineLimitError';
}

/** Lines without their newline; characters that straddle two chunks stay whole, since they are decoded a line at a time. */
export class LineSplitter {
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #totalBytes = 0;

  constructor(private readonly limits: LineLimits) {}

  /** A new request is answered by a new amount of output. */
  allowAnother(): void {
    this.#totalBytes = 0;
  }

  /** @throws LineLimitError when a line or the whole is longer than allowed; nothing is kept then */
  push(chunk: Buffer): string[] {
    this.#totalBytes += chunk.length;
    if (this.#totalBytes > this.limits.totalBytes) this.#refuse(`more than ${this.limits.totalBytes} bytes`);
    const lines: string[] = [];
    let from = 0;
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, from)) {
      lines.push(this.#finish(chunk.subarray(from, at)));
      from = at + 1;
    }
    if (from < chunk.length) this.#keep(chunk.subarray(from));
    return lines;
  }

  /** What came after the last newline. */
  rest(): string {
    return decodeText(Buffer.concat(this.#pending));
  }

  #keep(part: Buffer): void {
    this.#pendingBytes += part.length;
    if (this.#pendingBytes > this.limits.lineBytes) this.#refuse(`a line of more than ${this.limits.lineBytes} bytes`);
    // A copy: the chunk may be a view of a buffer that its owner fills again.
    this.#pending.push(Buffer.from(part));
  }

  #finish(last: Buffer): string {
    this.#keep(last);
    const line = this.#pending.length === 1 ? (this.#pending[0] ?? last) : Buffer.concat(this.#pending);
    this.#pending = [];
    this.#pendingBytes = 0;
    return decodeText(line);
  }

  #refuse(what: string): never {
    this.#pending = [];
    this.#pendingBytes = 0;
    throw new LineLimitError(what);
  }
}
