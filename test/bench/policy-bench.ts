/** What policy-bench.mjs measures: policies of several makes as text, parsed and linted. */

import { lintText } from '../../controller/keys/lint/lint-file.js';
import { STOCK_NAMES } from '../../controller/policy/stock-names.js';

const HARD = '{ encr_algs aes(256) encr_auth_algs sha256 }';

const byte = (number: number): number => number & 255;

/** The `i`th line of each make. */
const MAKES: Readonly<Record<string, (i: number) => string>> = {
  'a peer a line': (i) => `{ raddr 10.${i >> 16}.${byte(i >> 8)}.${byte(i)} } ipsec ${HARD}`,
  'an open port a line': (i) => `{ lport ${i + 1} ulp tcp dir both } bypass {}`,
  'old style, permit and apply': (i) =>
    i % 2 === 0
      ? `{ saddr 10.0.${byte(i >> 9)}.${byte(i >> 1)} } permit ${HARD}`
      : `{ daddr 10.0.${byte(i >> 9)}.${byte(i >> 1)} } apply ${HARD}`,
  'IPv6 peers': (i) => `{ laddr fd00::1 raddr fd00:1::${i.toString(16)} } ipsec ${HARD}`,
  'one way only': (i) => `{ daddr 10.0.${byte(i >> 8)}.${byte(i)} } apply ${HARD}`,
  'drops behind a wide rule': (i) => `{ raddr 10.0.${byte(i >> 8)}.${byte(i)} dir both } drop {}`,
};

const TAIL = `{ rport 53 ulp udp dir both } bypass {}\n{} permit ${HARD}\n{} apply ${HARD}\n`;

/** Policies of `rules` entries, by make. */
export function policies(rules: number): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(MAKES).map(([make, line]) => {
      const lines = Array.from({ length: rules - 3 }, (_, i) => `${line(i)}\n`);
      return [make, lines.join('') + TAIL];
    }),
  );
}

/** Lint reads the text itself; answers how much there is to say. */
export function parseAndLint(text: string): number {
  return lintText('policy', text, { names: STOCK_NAMES, local: [], today: '2026-11-22' }).findings.length;
}
