/** A limit on a wait. Every wait on a host goes through one of these: a host that lost power sends no word of it. */

/** Counts down from its making; `pause` while a person is asked for a password. */
export class Deadline {
  readonly #expired: Promise<never>;
  #reject: (reason: Error) => void = () => undefined;
  #timer: NodeJS.Timeout | undefined;
  #leftMs: number;
  #since = 0;
  #over = false;

  constructor(
    private readonly seconds: number,
    private readonly failure: () => Error,
  ) {
    this.#leftMs = seconds * 1000;
    this.#expired = new Promise((_resolve, reject) => {
      this.#reject = reject;
    });
    // Whoever races against it hears of it; when nobody does, it is no unhandled rejection.
    this.#expired.catch(() => undefined);
    this.resume();
  }

  /** The work's result, or the failure when time runs out first. The work itself is not stopped: its owner does that. */
  race<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#expired]);
  }

  pause(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#leftMs -= performance.now() - this.#since;
  }

  resume(): void {
    if (this.#timer !== undefined || this.#over) return;
    this.#since = performance.now();
    this.#timer = setTimeout(() => this.#reject(this.failure()), Math.max(this.#leftMs, 0));
  }

  get leftMs(): number {
    return this.#timer === undefined ? this.#leftMs : this.#leftMs - (performance.now() - this.#since);
  }

  /** The whole time once more: there was a sign of life. */
  restart(): void {
    this.pause();
    this.#leftMs = this.seconds * 1000;
    this.resume();
  }

  /** As if time had run out. */
  cut(): void {
    this.clear();
    this.#reject(this.failure());
  }

  /** Nothing is waited for any longer, whatever is resumed later. */
  clear(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/** One wait under its own limit. */
export async function within<T>(seconds: number, work: Promise<T>, failure: () => Error): Promise<T> {
  const deadline = new Deadline(seconds, failure);
  try {
    return await deadline.race(work);
  } finally {
    deadline.clear();
  }
}
