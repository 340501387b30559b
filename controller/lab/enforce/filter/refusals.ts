/** Why the lab's hosts lose packets, each reason with a counter of its own. */

export const REFUSALS = {
  /** Sent: a drop rule. */
  outRule: 'refused_out_rule',
  /** Sent: no SA for it. */
  outNoSa: 'refused_out_no_sa',
  /** Sent: a protocol that the lab cannot carry protected. */
  outCarrier: 'refused_out_carrier',
  /** Received: a drop rule. */
  inRule: 'refused_in_rule',
  /** Received: clear, and must be protected. */
  inUnprotected: 'refused_in_unprotected',
  /** Received: protected, and must be clear. */
  inClearExpected: 'refused_in_clear_expected',
  /** Received: protected in another way than the rule asks for. */
  inMisfit: 'refused_in_misfit',
  /** Received: not of the ports or protocol of its SA. */
  inSaPorts: 'refused_in_sa_ports',
  /** Received: no such SA here. */
  inUnknownSa: 'refused_in_unknown_sa',
} as const;

export type Refusal = (typeof REFUSALS)[keyof typeof REFUSALS];

export function refuse(why: Refusal): string {
  return `counter name ${why} drop`;
}
