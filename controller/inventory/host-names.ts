/** The `names:` of a host: what names in its own files stand for there. */

import { type Address, parseAddress } from '../model/address.js';
import type { HostNames } from '../model/host.js';
import type { Entry } from './check-shape.js';
import { problemError, type Report } from './problem-list.js';
import type { HostShape } from './schema.js';
import { positionOf } from './source-tree.js';

export function hostNames(entry: Entry<HostShape>, report: Report): HostNames {
  const names = new Map<string, readonly Address[]>();
  for (const [name, given] of Object.entries(entry.value.names ?? {})) {
    const addresses = (typeof given === 'string' ? [given] : given).flatMap((text, i) => {
      const address = parseAddress(text);
      if (address !== undefined) return address;
      const at = positionOf(entry.node, ['names', name, ...(typeof given === 'string' ? [] : [i])]);
      const todo = "write the address the host resolves the name to, such as 10.0.1.11 or 'fd00::11'";
      report(problemError('BAD_ADDRESS', at, `"${text}" is no IPv4 or IPv6 address`, todo));
      return [];
    });
    names.set(name, addresses);
  }
  return names;
}
