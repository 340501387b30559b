/** How keys are written when a file with keys is printed: in full for the file itself, masked for eyes. */

import type { Secret } from '../model/secret.js';

/** What becomes of each part of a file that may hold a key. */
export interface Opening {
  readonly kind: 'full' | 'masked';
  key(secret: Secret): string;
  /** A word that should be no key, but may have been put in the wrong place. */
  word(text: string): string;
  /** Text that could not be read. */
  text(secret: Secret): string;
  comment(text: string): string;
}

/** For the file only, never for a screen or a log. */
export const IN_FULL: Opening = {
  kind: 'full',
  key: (secret) => secret.revealText(),
  word: (text) => text,
  text: (secret) => secret.revealText(),
  comment: (text) => text,
};

const MASK = '<key not shown>';

export const MASKED: Opening = {
  kind: 'masked',
  key: () => MASK,
  word: (text) => text.replace(/[0-9a-f]{32,}/gi, MASK),
  text: (secret) => {
    const lines = secret.revealText().split('\n').length;
    return `# <${lines === 1 ? 'a line' : `${lines} lines`} that cannot be read: not shown>`;
  },
  // A comment may be a key that was taken out of use.
  comment: (text) => text.replace(/(key\b).*/i, `$1 ${MASK}`).replace(/(?:0x)?[0-9a-f]{8,}/gi, MASK),
};
