/** Why packets do not get through when two ends' rules disagree, in a sentence that names the ends, and what to do. */

import { formatAddress, type Address } from '../model/address.js';
import type { Keying } from '../model/host.js';
import type { LoadedRule } from '../model/policy.js';
import { commonProtections } from '../policy/agree.js';
import type { Encounter } from '../policy/encounter.js';
import { protectionsOf } from '../policy/match-flow.js';
import type { HostPicture, Place } from './host-picture.js';
import type { PairVerdict } from './pair-fault.js';

/** One address sending to another. */
export interface Way {
  readonly sender: HostPicture;
  readonly receiver: HostPicture;
  readonly source: Address;
  readonly destination: Address;
  /** What the link says its keys are; only for words where neither end has any. */
  readonly keying?: Keying;
}

export interface Disagreement {
  readonly verdict: PairVerdict;
  readonly what: string;
  readonly todo: string;
}

/** `mine` is the sender's rule, if any. */
export function disagreement(
  { sender, receiver, source, destination }: Way,
  meets: Exclude<Encounter, 'clear' | 'agreed' | 'sender-drops' | 'receiver-drops'>,
  mine: LoadedRule | undefined,
): Disagreement {
  const [from, to] = [sender.name, receiver.name];
  const missing = (name: string, peer: Address, others: string): Disagreement => ({
    verdict: 'missing-end',
    what: `${others}, and no rule of ${name} protects anything it exchanges with ${formatAddress(peer)}`,
    todo: `give ${name} the rule for this link, or take the link away at both ends`,
  });
  switch (meets) {
    case 'clear-meets-protected':
      if (mine === undefined && !protectsAny(sender, source, destination)) {
        return missing(from, destination, `${to} takes it only protected`);
      }
      return {
        verdict: 'clear-meets-protected',
        what: `${from} sends it in the clear${mine === undefined ? ' because no rule matches' : ''}, and ${to} takes it only protected`,
        todo: `protect it at ${from}, or let it pass in the clear at ${to} too`,
      };
    case 'protected-meets-no-rule':
      if (!protectsAny(receiver, destination, source)) return missing(to, source, `${from} sends it protected`);
      return {
        verdict: 'protected-meets-bypass',
        what: `${from} sends it protected, and ${to} drops it because no rule there asks for protection`,
        todo: `ask for protection at ${to}, or let it pass in the clear at ${from} too`,
      };
    case 'protected-meets-bypass':
      return {
        verdict: 'protected-meets-bypass',
        what: `${from} sends it protected, and ${to} takes it only in the clear`,
        todo: `let it pass in the clear at ${from} too, or ask for protection at ${to}`,
      };
    case 'no-common-algorithm': {
      const mixed = commonProtections(mine, mine).length === 0;
      const why = mixed ? `: the alternatives at ${from} want ESP and AH apart, which gives packets with both` : '';
      return {
        verdict: 'no-common-algorithm',
        what: `the rules of ${from} and ${to} have no protection in common${why}`,
        todo: 'name the same algorithms and key lengths at both ends',
      };
    }
  }
}

/** Whether any rule of a host protects something that it exchanges with the peer, in either direction. */
function protectsAny(host: HostPicture, own: Address, peer: Address): boolean {
  return (['out', 'in'] as const).some((dir) =>
    host.rules.between(dir, own, peer).some((rule) => protectionsOf(rule).length > 0),
  );
}

/** The line of a host's policy that wrote a rule, or the file where none matches. */
export function rulePlace(host: HostPicture, rule: LoadedRule | undefined): Place {
  return host.place('/etc/inet/ipsecinit.conf', rule?.source.line);
}
