/** Ctrl-C: once stops cleanly, twice leaves at once. */

import { EXIT } from '../errors.js';

export interface Interrupts {
  /** Raised by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** For links: looks are not waited for, once it is raised, unless changes have begun. */
  readonly ends: { readonly stop: AbortSignal; readonly looking: AbortSignal };
  /** From here on what is under way ends its step: hosts are about to be changed. */
  beginChanges(): void;
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
  const looking = new AbortController();
  let isChanging = false;
  const onSignal = (): void => {
    if (controller.signal.aborted) {
      note(interrupts.lastWords());
      process.exit(EXIT.interrupted);
    }
    note(`\nstopping: ${consequence}; press Ctrl-C again to leave at once\n`);
    controller.abort();
    if (!isChanging) looking.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  const interrupts: Interrupts = {
    signal: controller.signal,
    ends: { stop: controller.signal, looking: looking.signal },
    beginChanges: () => {
      isChanging = true;
    },
    lastWords: () => '',
    release: () => {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
  return interrupts;
}
