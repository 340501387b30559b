/** Reads the text of an /etc/hosts file into the names a host knows, and says what in it is no address. */

import { InputProblems, type Problem } from '../errors.js';
import { parseAddress, sameAddress, type Address } from '../model/address.js';
import type { NameTables } from './name-tables.js';
import { STOCK_NAMES } from './stock-names.js';

/**
 * A fresh host's services, protocols and networks, and these hosts alone: localhost too is known only when listed.
 * @throws InputProblems with every line that does not begin with an address
 */
export function readHosts(text: string, file: string): NameTables {
  const hosts = new Map<string, Address[]>();
  const problems: Problem[] = [];
  for (const [i, line] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    const words = line.replace(/#.*/s, '');
    const [first, ...names] = words.trim().split(/\s+/);
    if (first === undefined || first === '') continue;
    const address = parseAddress(first);
    if (address === undefined) {
      problems.push({
        code: 'HOSTS_NOT_AN_ADDRESS',
        severity: 'error',
        what: `"${first}" is no address`,
        at: { file, line: i + 1, column: words.search(/\S/) + 1 },
        todo: 'a line is an address and its names, as in /etc/hosts',
      });
      continue;
    }
    for (const name of names) {
      const key = name.toLowerCase();
      const known = hosts.get(key) ?? [];
      if (!known.some((one) => sameAddress(one, address))) hosts.set(key, [...known, address]);
    }
  }
  if (problems.length > 0) throw new InputProblems(problems);
  return { ...STOCK_NAMES, hosts };
}
