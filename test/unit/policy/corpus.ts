/** Cases recorded from the real tools, and the names known on the host they ran on. */

import { readFileSync } from 'node:fs';
import { withHosts } from '../../../controller/policy/name-tables.js';
import { STOCK_NAMES } from '../../../controller/policy/stock-names.js';

export const NAMES = withHosts(STOCK_NAMES, [
  ['webserver', ['10.0.0.80']],
  ['peer', ['10.0.0.9']],
  ['multi', ['10.1.1.1', '10.1.1.2', 'fd00:9::1']],
  ['dual', ['10.2.2.2', 'fd00:9::2']],
]);

/** Reads a file of JSON lines; `T` is what the recording program wrote, which nothing here checks. */
export function readCases<T>(file: string): T[] {
  const text = readFileSync(new URL(`../../fixtures/corpus/${file}`, import.meta.url), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line): T => JSON.parse(line));
}
