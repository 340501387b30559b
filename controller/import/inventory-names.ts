/** Names as inventories and template folders take them. */

import { checkName } from '../inventory/name.js';

/** Whether a host or an end may be called so. */
export function isName(name: string): boolean {
  return checkName('a host', name, { file: '', line: 1, column: 1 }, () => undefined) && !/[[\]*?!@]/.test(name);
}

/** A name for a template: lower-case letters, digits and hyphens, none given twice. */
export function templateNames(): (host: string) => string {
  const taken = new Set<string>();
  return (host) => {
    const stem = `found-${host.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`;
    let name = stem;
    for (let i = 2; taken.has(name); i++) name = `${stem}-${i}`;
    taken.add(name);
    return name;
  };
}
