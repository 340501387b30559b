/** The part of a policy that certain packets can meet, divided by the rule that decides. */

import type { Direction, LoadedRule, NumberRange } from '../model/policy.js';
import { divide, rulesInOrder, slices, type Cell } from '../policy/partition.js';
import type { Region } from '../policy/region.js';
import { meetTraffic, selectedTraffic, type Traffic } from '../policy/traffic.js';

/** Ports that illumos and Oracle Solaris give to a client that asks for none (`tcp_smallest_anon_port` and its upper end). */
export const CLIENT_PORTS: NumberRange = { from: 32768, to: 65535 };

/** Cells are disjoint and cover the box. */
export function cellsWithin(rules: readonly LoadedRule[], dir: Direction, box: Region): readonly Cell[] {
  const { family, local, remote, traffic } = box;
  const concerned = rules.filter((rule) => rule.dir === dir && meetsTraffic(rule, traffic));
  return slices([rulesInOrder(concerned, dir, family)], family, { local, remote }).flatMap((slice) =>
    divide(slice.tried[0] ?? [], [{ family, local, remote: slice.remote, traffic }]),
  );
}

function meetsTraffic({ selector }: LoadedRule, traffic: Traffic): boolean {
  return selectedTraffic(selector).some((one) => meetTraffic(one, traffic) !== undefined);
}
