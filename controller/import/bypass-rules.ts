/** What a policy lets pass in the clear as `vars.bypass` has it: the other ends of links mirror it, also those that we hand files over to. */

import { formatPrefix } from '../model/address.js';
import type { LoadedRule, Selector } from '../model/policy.js';

/** One entry of `vars.bypass`, its keys in the order they are written. */
export type FoundBypass = Readonly<Record<string, string | number>>;

/** Rules that `vars.bypass` has no words for (ICMP types, everything) are left out. */
export function bypassRules(rules: readonly LoadedRule[]): readonly FoundBypass[] {
  const found = new Map<string, { readonly fields: FoundBypass; readonly directions: Set<string> }>();
  for (const { tunnel, actions, selector, dir } of rules) {
    if (tunnel !== undefined || actions.length !== 1 || actions[0]?.kind !== 'bypass') continue;
    const fields = fieldsOf(selector);
    if (fields === undefined) continue;
    const key = JSON.stringify(fields);
    const entry = found.get(key) ?? { fields, directions: new Set<string>() };
    found.set(key, entry);
    entry.directions.add(dir);
  }
  return [...found.values()].map(({ fields, directions: [first = 'both', second] }) =>
    second === undefined ? { ...fields, dir: first } : fields,
  );
}

function fieldsOf(selector: Selector): FoundBypass | undefined {
  const { protocol, local, remote, localPort, remotePort, icmpType, icmpCode } = selector;
  if (icmpType !== undefined || icmpCode !== undefined) return undefined;
  const fields: Record<string, string | number> = {
    ...(local === undefined ? {} : { laddr: formatPrefix(local) }),
    ...(remote === undefined ? {} : { raddr: formatPrefix(remote) }),
    ...(localPort === undefined ? {} : { lport: localPort }),
    ...(remotePort === undefined ? {} : { rport: remotePort }),
    ...(protocol === undefined ? {} : { ulp: WORDS.get(protocol) ?? protocol }),
  };
  return Object.keys(fields).length === 0 ? undefined : fields;
}

const WORDS: ReadonlyMap<number, string> = new Map([
  [1, 'icmp'],
  [6, 'tcp'],
  [17, 'udp'],
]);
