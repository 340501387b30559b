/** Ctrl-C: once stops cleanly, twice leaves at once. */

import { EXIT } from '../errors.js';

export interface Interrupts {
  /** Raised by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** What is still to be said when the second one comes: transactions that are left open. */
  lastWords: () => string;
  release(): void;
}

export function catchInterrupts(note: (text: string) => void): Interrupts {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) {
      note(interrupts.lastWords());
      process.exit(EXIT.interrupted);
    }
    controller.abort();
    note('\nstopping: nothing new is begun, what is open reverts by itself; press Ctrl-C again to leave at once\n');
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  const interrupts: Interrupts = {
    signal: controller.signal,
    lastWords: () => '',
    release: () => {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
  return interrupts;
}
