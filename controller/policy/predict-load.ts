/** What a host would make of a policy file: accepted or not, with which messages, and the rules then in force. */

import type { LoadedRule } from '../model/policy.js';
import { concludeLoad, runIpsecconf, type PolicyOutcome } from './ipsecconf-commands.js';
import { listRules, type Listed } from './list-rules.js';
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

/** Loads the text into a host that has no policy, as `ipsecconf -F -a` does. */
export function predictLoad(text: string, names: NameTables = STOCK_NAMES): PredictedLoad {
  const options = { replace: { kind: 'all' }, check: false, quiet: false } as const;
  const run = loadPolicy(emptySpd(), text, options, names);
  const { exit, messages } = concludeLoad(run, options);
  const rules = allTables(run.spd).flatMap((table) => tableRules(table).toSorted((a, b) => a.index - b.index));
  return { accepted: exit === 0, exit, messages: messages.map((one) => `ipsecconf: ${one}\n`).join(''), rules };
}

export interface PolicyForecast {
  /** `ipsecconf -c FILE` on a host without any policy. */
  readonly check: PolicyOutcome;
  /** `ipsecconf -q -a FILE` on another such host. */
  readonly load: PolicyOutcome;
  /** `ipsecconf -Ln` after that. */
  readonly listing: Listed;
}

/** Everything the real command would say of a file, and leave in force. */
export function forecastPolicy(text: string, names: NameTables): PolicyForecast {
  const check = played(['-c', 'FILE'], text, names);
  const load = played(['-q', '-a', 'FILE'], text, names);
  return { check, load, listing: listRules(load.spd, { kind: 'all' }) };
}

function played(argv: readonly string[], text: string, names: NameTables): PolicyOutcome {
  const outcome = runIpsecconf(emptySpd(), argv, text, names);
  if (outcome === undefined) throw new Error(`ipsecconf ${argv.join(' ')} is not played`);
  return outcome;
}
