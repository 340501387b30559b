/** What must be true of rendered policies before any host is touched: nobody is locked out, nothing fails open, the tests hold. */

import { positionText, type Problem } from '../errors.js';
import { formatPrefix, type Address } from '../model/address.js';
import type { FlowPeer, FlowTest, Host, Inventory } from '../model/host.js';
import type { LoadedRule } from '../model/policy.js';
import { flowBetween, type HostPolicy } from '../policy/flow-between.js';
import { lockedOut } from '../policy/lockout.js';

/** A risk that a person may accept by name (`--accept-risk`). */
export type ProofRisk = 'lock-out' | 'failed-tests' | 'unprotected';

export interface Objection {
  readonly risk: ProofRisk;
  readonly host: string;
  readonly problem: Problem;
}

/** Rules that each host will have loaded, by host name. */
export type Policies = ReadonlyMap<string, readonly LoadedRule[]>;

/** Objections to pushing these policies to `hosts`; tests that name other hosts are not theirs to answer. */
export function proveFleet(inventory: Inventory, hosts: readonly Host[], policies: Policies): Objection[] {
  return [
    ...hosts.flatMap((host) => hostObjections(host, inventory, policies)),
    ...testObjections(inventory, hosts, policies),
  ];
}

function hostObjections(host: Host, inventory: Inventory, policies: Policies): Objection[] {
  const rules = policies.get(host.name) ?? [];
  const objections: Objection[] = [];
  if (rules.length === 0) {
    objections.push({
      risk: 'unprotected',
      host: host.name,
      problem: {
        code: 'POLICY_EMPTY',
        severity: 'error',
        what: `the policy of ${host.name} has no rule: everything would pass in the clear`,
        at: host.at,
        todo: 'give its template something to protect, or accept it with --accept-risk unprotected',
      },
    });
  }
  const cut = lockedOut(rules, host.addresses, inventory.management, host.ssh.port)[0];
  if (cut !== undefined) {
    const source = formatPrefix(cut.source);
    objections.push({
      risk: 'lock-out',
      host: host.name,
      problem: {
        code: 'LOCK_OUT',
        severity: 'error',
        what: `${host.name} would cut off SSH from ${source} to port ${host.ssh.port} (${cut.direction === 'in' ? 'on the way in' : 'on the way out'}): ${cut.rule?.text ?? 'no rule lets it pass'}`,
        at: host.at,
        todo: 'keep the management bypass in the template, or accept it with --accept-risk lock-out',
      },
    });
  }
  return objections;
}

function testObjections(inventory: Inventory, hosts: readonly Host[], policies: Policies): Objection[] {
  const concerned = new Set(hosts.map((host) => host.name));
  const byName = new Map(inventory.hosts.map((host) => [host.name, host]));
  return inventory.tests.flatMap((one): Objection[] => {
    const names = [one.from, one.to].flatMap((peer) => (peer.kind === 'host' ? [peer.host] : []));
    const name = names.find((candidate) => concerned.has(candidate));
    if (name === undefined || names.some((candidate) => !policies.has(candidate))) return [];
    const failure = flowTestFailure(one, byName, policies);
    if (failure === undefined) return [];
    return [
      {
        risk: 'failed-tests',
        host: name,
        problem: {
          code: 'TEST_FAILED',
          severity: 'error',
          what: failure,
          at: one.at,
          todo: 'mend the policy or the test, or accept it with --accept-risk failed-tests',
        },
      },
    ];
  });
}

/** Why a test does not hold, over every pair of addresses of one family; `undefined` when it does. */
export function flowTestFailure(
  test: FlowTest,
  hosts: ReadonlyMap<string, Host>,
  policies: Policies,
): string | undefined {
  const from = sideOf(test.from, hosts, policies);
  const to = sideOf(test.to, hosts, policies);
  let tried = 0;
  for (const source of from.addresses) {
    for (const destination of to.addresses) {
      if (source.family !== destination.family) continue;
      tried++;
      const verdict = flowBetween(from.policy, to.policy, { source, destination, ulp: test.ulp, port: test.port });
      if (verdict.kind !== test.expect) {
        return `${labelOf(test)} is ${verdict.kind}, expected ${test.expect}${verdict.reason === undefined ? '' : `: ${verdict.reason}`}`;
      }
    }
  }
  return tried === 0 ? `${labelOf(test)}: the two ends have no address family in common` : undefined;
}

function labelOf(test: FlowTest): string {
  const port = test.port === undefined ? '' : ` port ${test.port}`;
  return `test at ${positionText(test.at)}: ${test.ulp}${port}`;
}

function sideOf(
  peer: FlowPeer,
  hosts: ReadonlyMap<string, Host>,
  policies: Policies,
): { readonly policy: HostPolicy | undefined; readonly addresses: readonly Address[] } {
  if (peer.kind === 'address') return { policy: undefined, addresses: [peer.address] };
  const addresses = hosts.get(peer.host)?.addresses ?? [];
  return { policy: { rules: policies.get(peer.host) ?? [], addresses }, addresses };
}
