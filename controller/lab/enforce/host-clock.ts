/** A host's clock, which may be wrong. Owns by how much; it is kept in a file that the host's `date` reads. */

import * as fs from 'node:fs';
import type { Clock } from '../../ports.js';

export class HostClock implements Clock {
  constructor(
    private readonly clock: Clock,
    private readonly file: string,
  ) {}

  /** Seconds that the clock is ahead; behind when negative. */
  get offsetSeconds(): number {
    return fs.existsSync(this.file) ? Number(fs.readFileSync(this.file, 'utf8')) : 0;
  }

  /** As a battery-backed clock it stays wrong over a power cut. */
  setOffset(seconds: number): void {
    if (seconds === 0) fs.rmSync(this.file, { force: true });
    else fs.writeFileSync(this.file, `${seconds}\n`, { mode: 0o644 });
  }

  now(): Date {
    return new Date(this.clock.now().getTime() + this.offsetSeconds * 1000);
  }

  after(seconds: number, signal?: AbortSignal): Promise<void> {
    return this.clock.after(seconds, signal);
  }
}
