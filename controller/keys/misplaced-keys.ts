/** Finds key material in a text that is about to be read, and quoted, as a file of a kind that has none. */

import type { SourcePosition } from '../errors.js';

/** The words before a key in ipseckeys and in ike.preshared; neither language without keys has them. */
const BEFORE_A_KEY = /(?<![\w-])(?:(?:encrkey|authkey)[ \t]+\S|key[ \t]+(?:0x)?[0-9a-f]{8,})/i;

/** A command that adds an SA, also where the line goes on after a backslash. */
const ADDS_AN_SA = /^[ \t\uFEFF]*(?:add|update|update-pair)[ \t]+(?:esp|ah)\b/i;

/** One of ike.preshared's names; ike/config writes `local_id`. */
const NAMES_A_SECRET = /(?<![\w-])(?:local|remote)id(?:type)?[ \t]/i;

/** Where the first line stands, comments apart, that belongs into a file of keys. */
export function misplacedKey(text: string, file: string): SourcePosition | undefined {
  let line = 0;
  for (const written of text.split('\n')) {
    line++;
    const words = written.replace(/#.*/, '');
    for (const sign of [ADDS_AN_SA, BEFORE_A_KEY, NAMES_A_SECRET]) {
      const found = sign.exec(words);
      if (found !== null) return { file, line, column: found.index + 1 };
    }
  }
  return undefined;
}
