/** What a rendered file can never be: such text is mended for the template, and what was mended is told. */

import type { ManagedPath } from '../model/managed-file.js';

/** Shorter than any limit on rendered lines (render/rendered-lines.ts), for comments that have to be cut. */
const CUT_COMMENT = 900;
const LONGEST_COMMENT: Readonly<Record<ManagedPath, number>> = {
  '/etc/inet/ipsecinit.conf': 999,
  '/etc/inet/secret/ipseckeys': 3999,
  '/etc/inet/ike/config': 3999,
  '/etc/inet/secret/ike.preshared': 3999,
};

export interface WritableText {
  readonly text: string;
  /** In words, what differs from the file; empty when nothing does. */
  readonly mended: readonly string[];
}

/** The text as templates can write it. Only what the tools do not look at is changed. */
export function writableText(path: ManagedPath, text: string): WritableText {
  const mended: string[] = [];
  let mine = text;
  const mend = (what: string, better: string): void => {
    if (better === mine) return;
    mine = better;
    mended.push(what);
  };
  mend(
    'invisible control characters are left out',
    mine.replace(/\r(?!\n)|[^\P{Cc}\t\n\r]|[\u2028\u2029\uFEFF]/gu, ''),
  );
  mend('the last line gets its missing newline', mine === '' || mine.endsWith('\n') ? mine : `${mine}\n`);
  mend(
    'very long comments are cut',
    mine
      .split('\n')
      .map((line) =>
        isLongComment(path, line) ? `${line.slice(0, CUT_COMMENT)}${line.endsWith('\r') ? '\r' : ''}` : line,
      )
      .join('\n'),
  );
  return { text: mine, mended };
}

function isLongComment(path: ManagedPath, line: string): boolean {
  return /^\s*#/.test(line) && Buffer.byteLength(line) > LONGEST_COMMENT[path];
}
