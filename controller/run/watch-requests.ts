/** What is asked of a watch from outside while it runs: to read the inventory again, or to stop. */

export class WatchRequests {
  readonly #stop = new AbortController();
  #wake = new AbortController();
  #isReloadAsked = false;

  /** Raised once it is to stop. */
  get stopped(): AbortSignal {
    return this.#stop.signal;
  }

  /** Raised by anything that is asked; a new one after each `takeReload`. */
  get wake(): AbortSignal {
    return this.#wake.signal;
  }

  stop(): void {
    this.#stop.abort();
    this.#wake.abort();
  }

  reload(): void {
    this.#isReloadAsked = true;
    this.#wake.abort();
  }

  /** Whether a reload was asked for since this was called last. */
  takeReload(): boolean {
    const isAsked = this.#isReloadAsked;
    this.#isReloadAsked = false;
    if (isAsked && !this.stopped.aborted) this.#wake = new AbortController();
    return isAsked;
  }
}
