/** What is promised of protocols that no probe has means for: nothing has to answer them, so silence would show nothing. */

import type { Address } from '../model/address.js';
import type { FlowTest } from '../model/host.js';
import type { ProbeGap } from '../model/link-probe.js';
import type { LoadedRule } from '../model/policy.js';
import { TCP } from '../policy/match-selector.js';
import type { EndRules } from './flow-kind.js';

/** TCP, and ICMP of both families. */
const TRIED: readonly number[] = [TCP, 1, 58];

/** UDP and SCTP by their names in protocols(5). */
const NAMES: ReadonlyMap<number, string> = new Map([
  [17, 'udp'],
  [132, 'sctp'],
]);

/** Protocols that rules of both ends protect by themselves, and that a probe has no means to try. */
export function muteProtocols(
  a: EndRules,
  b: EndRules,
  pairs: readonly { readonly one: Address; readonly other: Address }[],
): readonly string[] {
  const found = pairs.flatMap(({ one, other }) => [...muteOneWay(a, b, one, other), ...muteOneWay(b, a, other, one)]);
  return [...new Set(found)].toSorted((x, y) => x - y).map((number) => NAMES.get(number) ?? `IP protocol ${number}`);
}

function muteOneWay(sending: EndRules, receiving: EndRules, source: Address, destination: Address): readonly number[] {
  const protecting = (rules: readonly LoadedRule[]): readonly LoadedRule[] =>
    rules.filter(({ actions }) => actions.some(({ kind }) => kind === 'protect'));
  const arriving = protecting(receiving.between('in', destination, source));
  return protecting(sending.between('out', source, destination)).flatMap(({ selector: { protocol } }) =>
    protocol !== undefined &&
    !TRIED.includes(protocol) &&
    arriving.some(({ selector }) => selector.protocol === undefined || selector.protocol === protocol)
      ? [protocol]
      : [],
  );
}

/** The hosts whose rules are known, and those whose promises are tried. */
interface AtHand {
  readonly ends: { get(name: string): unknown };
  readonly concerned: ReadonlySet<string>;
}

/** Lines of `tests:` between hosts of the run that ask for protection of what no probe has means for. */
export function mutedTests(tests: readonly FlowTest[], { ends, concerned }: AtHand): readonly ProbeGap[] {
  return tests.flatMap(({ from, to, ulp, port, expect, at }) => {
    if (expect !== 'protected' || from.kind !== 'host' || to.kind !== 'host' || hasMeans(ulp)) return [];
    const names = [from.host, to.host];
    if (!names.every((name) => ends.get(name) !== undefined) || !names.some((name) => concerned.has(name))) return [];
    const flow = typeof ulp === 'number' ? `IP protocol ${ulp}` : ulp;
    const asked = port === undefined ? flow : `${flow}/${port}`;
    const line = `${at.file}:${at.line}`;
    return [
      {
        host: from.host,
        why: `the test of ${asked} to ${to.host} (${line}) is not tried: nothing has to answer ${flow}`,
      },
    ];
  });
}

/** ICMP, ICMPv6 and TCP by name or number. */
function hasMeans(ulp: FlowTest['ulp']): boolean {
  return ['tcp', 'icmp', 'ipv6-icmp', 6, 1, 58].includes(ulp);
}
