/** Findings about both ends of a link in words, as a problem of the operator's input, and as a record for programs. */

import type { Problem, SourcePosition } from '../errors.js';
import { formatAddress } from '../model/address.js';
import { packetText } from '../policy/packet-text.js';
import { placeText } from './host-picture.js';
import type { FindingEnd, PairFinding } from './pair-findings.js';
import type { PairVerdict } from './pair-fault.js';

/** Phrases said before the rest is only counted. */
const MOST_PHRASES = 4;
const LONGEST_RULE = 160;

/** `PAIR_MISSING_END` */
function pairCode(verdict: PairVerdict): string {
  return `PAIR_${verdict.replaceAll('-', '_').toUpperCase()}`;
}

/** The finding as a problem of the operator's input, at a template line where one wrote what is wrong, else at the link. */
export function pairProblem(finding: PairFinding): Problem {
  const { link, verdict, severity, phrases, example, what, sender, receiver, todo } = finding;
  const shown = phrases.slice(0, MOST_PHRASES);
  const more = phrases.length - shown.length;
  const flows = `${shown.join('; ')}${more > 0 ? ` and ${more} more` : ''}`;
  return {
    code: pairCode(verdict),
    severity,
    what: `${flows}, such as ${packetText(example)}: ${what}; ${endText(sender)}; ${endText(receiver)}`,
    at: sender.place.template ?? receiver.place.template ?? link.at,
    todo,
  };
}

function endText({ host, place, rule }: FindingEnd): string {
  if (place.path !== '/etc/inet/ipsecinit.conf') {
    return place.line === undefined ? `${host} has nothing for it in ${place.path}` : `${host}: ${placeText(place)}`;
  }
  return rule === undefined
    ? `${host} has no rule for it in ${place.path}`
    : `${host} has ${shortened(rule.text)} at ${placeText(place)}`;
}

function shortened(text: string): string {
  return text.length <= LONGEST_RULE ? text : `${text.slice(0, LONGEST_RULE)}…`;
}

/** A finding for programs: plain values only, every flow said. */
export interface PairRecord {
  readonly code: string;
  readonly verdict: PairVerdict;
  readonly severity: 'error' | 'warning';
  readonly link: string;
  readonly from: string;
  readonly to: string;
  /** In words, each set of addresses a phrase. */
  readonly flows: readonly string[];
  readonly example: {
    readonly source: string;
    readonly destination: string;
    readonly protocol: number;
    readonly sourcePort?: number;
    readonly destinationPort?: number;
    readonly icmpType?: number;
    readonly icmpCode?: number;
  };
  readonly sender: RecordEnd;
  readonly receiver: RecordEnd;
  readonly what: string;
  readonly todo: string;
}

export interface RecordEnd {
  readonly host: string;
  readonly path: string;
  readonly line?: number;
  readonly template?: SourcePosition;
  readonly rule?: string;
}

export function pairRecord(finding: PairFinding): PairRecord {
  const { link, verdict, severity, from, to, phrases, example, what, todo } = finding;
  const { local, remote, protocol, localPort, remotePort, icmpType, icmpCode } = example;
  return {
    code: pairCode(verdict),
    verdict,
    severity,
    link: link.id,
    from,
    to,
    flows: phrases,
    example: {
      source: formatAddress(local),
      destination: formatAddress(remote),
      protocol,
      ...(localPort !== undefined && { sourcePort: localPort }),
      ...(remotePort !== undefined && { destinationPort: remotePort }),
      ...(icmpType !== undefined && { icmpType }),
      ...(icmpCode !== undefined && { icmpCode }),
    },
    sender: recordEnd(finding.sender),
    receiver: recordEnd(finding.receiver),
    what,
    todo,
  };
}

function recordEnd({ host, place, rule }: FindingEnd): RecordEnd {
  return { host, ...place, ...(rule && { rule: rule.text }) };
}
