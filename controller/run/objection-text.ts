/** Objections in sentences: who is cut off or treated otherwise than asserted, by which rule, on which line. */

import { positionText } from '../errors.js';
import { formatAddress, type Address } from '../model/address.js';
import type { FlowTest } from '../model/host.js';
import type { Packet } from '../model/packet.js';
import type { LoadedRule } from '../model/policy.js';
import type { RuleReference } from '../plan/flow-changes.js';
import { addressesText, flowText, flowTexts, type AddressName } from '../policy/region-text.js';
import type { FlowTestFailure } from '../proof/flow-tests.js';
import { stageRank, type LockOut } from '../proof/lock-out.js';

export function lockOutText(host: string, port: number, cut: LockOut, nameOf: AddressName): string {
  const { stage, source, family, sources, direction, why, rule, ruleOf } = cut;
  const from = addressesText(sources, family, source === undefined ? undefined : nameOf);
  const way = direction === 'in' ? 'on the way in' : 'on the way out';
  const named = rule === undefined ? `no rule of ${ruleOf}` : `${ruleOf} has ${ruleWords(rule)}`;
  const text = `SSH from ${from} to port ${port} (${way}): ${why}, ${named}`;
  const peer = source === undefined ? '' : ` and ${source} the ${stage.source === 'after' ? 'new' : 'old'} one`;
  switch (stageRank(stage)) {
    case 0:
      return `${host} would cut off ${text}`;
    case 1:
      return `${host} would cut off, while it has the ${stage.host === 'after' ? 'new' : 'old'} policy${peer}, ${text}`;
    case 2:
      return `${host} cuts off today ${text}`;
  }
}

/** `{ dir in } drop { } (line 12 of its policy)` */
function ruleWords({ text, source }: Pick<LoadedRule, 'text' | 'source'>): string {
  return referenceWords(source.line > 0 ? { text, line: source.line } : { text });
}

export function referenceWords({ text, line }: RuleReference): string {
  return line === undefined ? `${text} (as loaded now)` : `${text} (line ${line} of its ipsecinit.conf)`;
}

/** Parts of a test that are told of before the rest is only counted. */
const MOST_FAILURES = 3;

export function testFailureText(
  test: FlowTest,
  failures: readonly FlowTestFailure[] | 'no-family',
  nameOf: AddressName,
): string {
  const port = test.port === undefined ? '' : ` port ${test.port}`;
  const label = `test at ${positionText(test.at)}: ${test.ulp}${port}`;
  if (failures === 'no-family') return `${label}: the two ends have no address family in common`;
  const [first] = failures;
  const verdict = first === undefined || first.doubtful ? `${test.expect} only in doubt` : first.verdict;
  const told = failures.slice(0, MOST_FAILURES).map((failure) => failureText(failure, nameOf));
  const more = failures.length - told.length;
  return `${label} is ${verdict}, expected ${test.expect}: ${told.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}

function failureText(
  { regions, example, why, sender, receiver, doubtful }: FlowTestFailure,
  nameOf: AddressName,
): string {
  const flows = flowTexts(regions, nameOf).map(flowText);
  const reason = doubtful ? 'it hangs on what the hosts had loaded before' : REASONS[why];
  const rules = [
    ...(sender === undefined ? [] : [`sent by ${ruleWords(sender)}`]),
    ...(receiver === undefined ? [] : [`received by ${ruleWords(receiver)}`]),
  ];
  return `${flows.join(', ')}, such as ${packetText(example)}: ${[reason, ...rules].join(', ')}`;
}

const REASONS: Readonly<Record<FlowTestFailure['why'], string>> = {
  clear: 'it leaves in the clear and is taken so',
  agreed: 'both ends protect it',
  'sender-drops': "the sender's own rule drops it",
  'receiver-drops': 'the receiver drops it',
  'clear-meets-protected': 'it leaves in the clear, and the receiver wants it protected',
  'protected-meets-bypass': 'it leaves protected, and the receiver expects it clear',
  'protected-meets-no-rule': 'it arrives protected, where no rule asks for protection',
  'no-common-algorithm': 'the ends have no protection in common',
  'receiver-without-policy': 'it must be protected, and the receiver has no IPsec policy to agree on an SA with',
};

function packetText({ local, remote, localPort, remotePort }: Packet): string {
  const end = (address: Address, port: number | undefined): string =>
    port === undefined ? formatAddress(address) : `${formatAddress(address)} port ${port}`;
  return `${end(local, localPort)} → ${end(remote, remotePort)}`;
}
