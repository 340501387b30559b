/** `ipsecconf -l` and `-L`: the rules in force as the real command prints them, and when it cannot. */

import type { NameTables } from './name-tables.js';
import { ruleText } from './rule-text.js';
import { allTables, storedRules, type PolicyTable, type Scope, type Spd } from './spd.js';

export interface Listed {
  /** Rules printed, each with its index; those before the refusal when there is one. */
  readonly rules: readonly { readonly index: string; readonly text: string }[];
  /** Why the command gave up, status 1. */
  readonly refusal?: string;
}

/** Bytes of the kernel's reply that the command has room for. */
const REPLY_LIMIT = 8192;

/** With `names`, protocols, services and hosts are named; without (`-n`) they are numbers. */
export function listRules(spd: Spd, scope: Scope, names?: NameTables): Listed {
  const tables = tablesOf(spd, scope);
  if (tables === undefined) return { rules: [], refusal: 'ruleset dump failed: Tunnel not found' };
  const rules: { index: string; text: string }[] = [];
  for (const { rule, listingBytes, listedTunnel } of tables.flatMap(storedRules)) {
    if (listingBytes > REPLY_LIMIT) {
      const refusal = `dump read: message corruption, ${listingBytes} len exceeds ${REPLY_LIMIT} boundary.`;
      return { rules, refusal };
    }
    const { tunnel } = rule;
    const listed = tunnel && { ...tunnel, name: listedTunnel ?? tunnel.name };
    const index = listed === undefined ? String(rule.index) : `${listed.name},${rule.index}`;
    rules.push({ index, text: ruleText({ ...rule, ...(listed && { tunnel: listed }) }, names) });
  }
  return { rules };
}

function tablesOf(spd: Spd, scope: Scope): readonly PolicyTable[] | undefined {
  if (scope.kind === 'all') return allTables(spd);
  const table = scope.kind === 'host' ? spd.host : spd.tunnels.get(scope.name);
  return table && [table];
}
