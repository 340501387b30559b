/** A policy file for a host whose rules were loaded by hand and stand in no file. */

import { canonicalListing, predictLoad } from '../policy/predict-load.js';

const HEADING = '# Made from the rules that were loaded; no file held them.\n';

/** `loaded`: as `ipsecconf -Ln` lists them, in the order they were loaded. `undefined` where a file cannot say the same. */
export function policyOfLoaded(loaded: readonly string[]): string | undefined {
  if (loaded.length === 0) return undefined;
  const candidates = [folded(loaded), [...new Set(loaded)]].map((rules) => `${HEADING}${rules.join('\n')}\n`);
  return candidates.find((text) => {
    const load = predictLoad(text);
    return load.accepted && canonicalListing(load.rules).join('\n') === loaded.join('\n');
  });
}

/** A rule that is listed for both directions and both families was one line. */
function folded(loaded: readonly string[]): readonly string[] {
  const all = new Set(loaded);
  return [
    ...new Set(
      [...all].map((rule) => {
        const both =
          all.has(rule.replace(' dir out }', ' dir in }')) && all.has(rule.replace(' dir in }', ' dir out }'));
        return both ? rule.replace(/ dir (?:in|out) \}/, ' dir both }') : rule;
      }),
    ),
  ];
}
