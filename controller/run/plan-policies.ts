/** The rules that hosts will have loaded by a plan that was read from a file. */

import type { Inventory } from '../model/host.js';
import { fileText } from '../model/managed-file.js';
import type { LoadedRule } from '../model/policy.js';
import type { FleetPlan } from '../plan/fleet-plan.js';
import type { HostPlan } from '../plan/host-plan.js';
import { rulesInForce } from '../plan/loaded-rules.js';
import { predictLoad } from '../policy/predict-load.js';
import { namesOf } from '../render/host-names.js';

const POLICY_FILE = '/etc/inet/ipsecinit.conf';

/** From the text of the policy where the plan brings it, else from the listing that must be loaded afterwards. */
export function policiesOfPlan(plan: FleetPlan, { hosts }: Inventory): ReadonlyMap<string, readonly LoadedRule[]> {
  const byName = new Map(hosts.map((host) => [host.name, host]));
  return new Map(
    plan.hosts.map((host) => {
      const text = policyText(host);
      const written = text === undefined ? [] : [predictLoad(text, namesOf(byName.get(host.host) ?? {})).rules];
      return [host.host, rulesInForce(host.spd, written).rules];
    }),
  );
}

function policyText({ files, generation }: HostPlan): string | undefined {
  const file = files.find(({ path }) => path === POLICY_FILE);
  return file !== undefined && 'file' in file ? fileText(file.file, { generation, key: () => '' }) : undefined;
}
