/** Ctrl-C: once stops cleanly, twice leaves at once. */

import { EXIT } from '../errors.js';

export interface Interrupts {
  /** Raised by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** What is still to be said when the second one comes: transactions that are left open. */
  lastWords: () => string;
  release(): void;
}

/** What is said of the first one by what changes hosts. */
const NOTHING_BEGUN = 'nothing new is begun, what is open reverts by itself';
/** And by what only looks. */
export const NO_MORE_LOOKS = 'no other host is looked at';

export function catchInterrupts(note: (text: string) => void, consequence = NOTHING_BEGUN): Interrupts {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) {
      note(interrupts.lastWords());
      process.exit(EXIT.interrupted);
    }
    controller.abort();
    note(`\nstopping: ${consequence}; press Ctrl-C again to leave at once\n`);
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
