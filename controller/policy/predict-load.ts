/** What a host would make of a policy file: accepted or not, with which messages, and the rules then in force. */

import type { LoadedRule } from '../model/policy.js';
import { loadPolicy } from './load-policy.js';
import type { NameTables } from './name-tables.js';
import { allTables, emptySpd, tableRules } from './spd.js';
import { STOCK_NAMES } from './stock-names.js';

export { canonicalFromListing, canonicalListing, parseListing, type ListedRule } from './canonical-listing.js';

export interface PredictedLoad {
  /** Whether the command leaves with status 0. That is no promise that anything was installed: look at `rules`. */
  readonly accepted: boolean;
  /** 139 when the real program crashes. */
  readonly exit: number;
  /** Standard error as the program writes it, `ipsecconf: ` before each message. */
  readonly messages: string;
  /** Rules in force afterwards, the host's and then each tunnel's, by index. */
  readonly rules: readonly LoadedRule[];
}

const EXITS = { loaded: 0, empty: 0, errors: 1, stopped: 1, crash: 139, exit: 1, 'no-tunnel': 1 } as const;

/** Loads the text into a host that has no policy, as `ipsecconf -F -a` does. */
export function predictLoad(text: string, names: NameTables = STOCK_NAMES): PredictedLoad {
  const options = { replace: { kind: 'all' }, check: false, quiet: false } as const;
  const run = loadPolicy(emptySpd(), text, options, names);
  const messages = [...run.messages];
  if (run.end === 'empty') messages.push('Policy file does not contain any valid rules.');
  if (run.end === 'errors') {
    messages.push(`${run.entries - run.good} policy rule(s) contained errors.`, 'Fatal error - exiting.');
  }
  const exit = EXITS[run.end];
  const rules = allTables(run.spd).flatMap((table) => tableRules(table).toSorted((a, b) => a.index - b.index));
  return { accepted: exit === 0, exit, messages: messages.map((one) => `ipsecconf: ${one}\n`).join(''), rules };
}
