/** What must be true of a change of hosts as they are now: SSH stays open while it goes on, and nothing protected comes to be in the clear. */

import type { SourcePosition } from '../errors.js';
import type { Inventory } from '../model/host.js';
import type { LoadedRule } from '../model/policy.js';
import type { FleetPlan } from '../plan/fleet-plan.js';
import { TANGLED } from '../plan/policy-change.js';
import { isUnchanged, type HostPlan } from '../plan/host-plan.js';
import { rulesInForce } from '../plan/loaded-rules.js';
import { referenceWords } from './objection-text.js';
import {
  lockOutObjections,
  templateLine,
  unchanging,
  type ChangingPolicies,
  type Objection,
  type Policies,
  type RenderedFiles,
} from './prove-fleet.js';

/** Objections to a plan, besides those to the policies it leads to. `policies`: what hosts will have loaded. */
export function proveChange(
  inventory: Inventory,
  plan: FleetPlan,
  policies: Policies,
  rendered: RenderedFiles = new Map(),
): Objection[] {
  const changing = plan.hosts.filter((host) => !isUnchanged(host));
  const names = new Set(changing.map(({ host }) => host));
  const hosts = inventory.hosts.filter(({ name }) => names.has(name));
  const places = new Map(hosts.map(({ name, at }) => [name, at] as const));
  return [
    // What is closed afterwards was objected to with the policies themselves.
    ...lockOutObjections(inventory, hosts, changingPolicies(changing, policies), rendered, 'until-then'),
    ...changing.flatMap((host) => exposures(host, rendered, places.get(host.host))),
    ...changing.flatMap((host) => moments(host, places.get(host.host))),
  ];
}

/** Hosts that this run does not change count as having what the inventory asks for. */
function changingPolicies(changing: readonly HostPlan[], policies: Policies): ChangingPolicies {
  const rules = new Map([...policies].map(([name, list]) => [name, unchanging(list)] as const));
  for (const { host, loaded, flowNotes } of changing) {
    const after: readonly LoadedRule[] = policies.get(host) ?? [];
    if (flowNotes.includes(TANGLED)) continue;
    rules.set(host, { before: rulesInForce(loaded, [after]).rules, after });
  }
  return rules;
}

/** Flows told of in an objection; the plan has all. */
const MOST_FLOWS = 4;

/** A host that is to have no policy at all is objected to as such. */
function exposures(
  { host, spd, flowChanges, flowNotes }: HostPlan,
  rendered: RenderedFiles,
  hostAt: SourcePosition | undefined,
): readonly Objection[] {
  const exposed = flowChanges.filter((change) => change.exposed);
  const [worst] = exposed;
  if (flowNotes.includes(TANGLED)) return [untold(host, hostAt)];
  if (worst === undefined || spd.length === 0) return [];
  const flows = exposed.flatMap((change) => change.flows);
  const more = flows.length - MOST_FLOWS;
  const told = `${flows.slice(0, MOST_FLOWS).join('; ')}${more > 0 ? ` and ${more} more` : ''}`;
  const was = worst.ruleBefore === undefined ? '' : `protected by ${referenceWords(worst.ruleBefore)}`;
  const is =
    worst.ruleAfter === undefined ? 'and then by no rule' : `and then let pass by ${referenceWords(worst.ruleAfter)}`;
  const state = worst.after.kind === 'protected' ? 'readable' : 'in the clear';
  // Where no rule is left to point at, the host is.
  const at = templateLine(rendered, host, worst.ruleAfter?.line ?? 0) ?? hostAt;
  return [
    {
      risk: 'in-the-clear',
      host,
      problem: {
        code: 'IN_THE_CLEAR',
        severity: 'error',
        what: `on ${host} what is protected now would be ${state}: ${told} (such as ${worst.example}, ${was}, ${is})`,
        ...(at === undefined ? {} : { at }),
        todo: 'keep these flows protected, or accept it with --accept-risk in-the-clear',
      },
    },
  ];
}

function untold(host: string, at: SourcePosition | undefined): Objection {
  const todo = 'look at the listing on the host (ipsecconf -Ln), or accept it with --accept-risk in-the-clear';
  const problem = { code: 'IN_THE_CLEAR', severity: 'error', what: `${host}: ${TANGLED}`, todo } as const;
  return { risk: 'in-the-clear', host, problem: { ...problem, ...(at === undefined ? {} : { at }) } };
}

/** What is in the clear for as long as the change lasts, where rules are changed one by one. */
function moments({ host, ruleByRule }: HostPlan, at: SourcePosition | undefined): readonly Objection[] {
  const gaps = ruleByRule?.gaps ?? [];
  const [worst] = gaps;
  if (worst === undefined) return [];
  const told = gaps.flatMap(({ flows }) => flows);
  const more = told.length - MOST_FLOWS;
  const flows = `${told.slice(0, MOST_FLOWS).join('; ')}${more > 0 ? ` and ${more} more` : ''}`;
  return [
    {
      risk: 'gap',
      host,
      problem: {
        code: 'CLEAR_FOR_A_MOMENT',
        severity: 'error',
        what: `while the rules of ${host} are changed one by one, these pass in the clear for a moment: ${flows} (such as ${worst.example})`,
        ...(at === undefined ? {} : { at }),
        todo: 'stop that traffic meanwhile and accept it with --accept-risk gap, or change the policy in two steps',
      },
    },
  ];
}
