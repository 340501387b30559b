/** Why the lab's hosts lose packets, each reason with a counter of its own. */

export const REFUSALS = {
  outRule: 'refused_out_rule',
  outNoSa: 'refused_out_no_sa',
  outCarrier: 'refused_out_carrier',
  inRule: 'refused_in_rule',
  inUnprotected: 'refused_in_unprotected',
  inClearExpected: 'refused_in_clear_expected',
  inMisfit: 'refused_in_misfit',
  inSaPorts: 'refused_in_sa_ports',
  inUnknownSa: 'refused_in_unknown_sa',
} as const;

export type Refusal = (typeof REFUSALS)[keyof typeof REFUSALS];

export function refuse(why: Refusal): string {
  return `counter name ${why} drop`;
}

const WORDS: Readonly<Record<Refusal, string>> = {
  [REFUSALS.outRule]: 'sent: a drop rule',
  [REFUSALS.outNoSa]: 'sent: no SA for it',
  [REFUSALS.outCarrier]: 'sent: a protocol that the lab cannot carry protected',
  [REFUSALS.inRule]: 'received: a drop rule',
  [REFUSALS.inUnprotected]: 'received: clear, and must be protected',
  [REFUSALS.inClearExpected]: 'received: protected, and must be clear',
  [REFUSALS.inMisfit]: 'received: protected in another way than the rule asks for',
  [REFUSALS.inSaPorts]: 'received: not of the ports or protocol of its SA',
  [REFUSALS.inUnknownSa]: 'received: no such SA here',
};

/** A reason in an operator's words. */
export function refusalText(why: Refusal): string {
  return WORDS[why];
}
