/**
 * What must be true before any host is touched: nobody is locked out, nothing fails open, the tests hold, both ends of
 * links agree. Every push goes through `proveFleet`; what turns on the hosts' present state is `proveChange`'s.
 */

import type { Problem, SourcePosition } from '../errors.js';
import { hostPrefix, parseAddress, sameAddress, type Address } from '../model/address.js';
import { endName } from '../keys/address-pairs.js';
import type { Host, Inventory, Link } from '../model/host.js';
import type { LoadedRule } from '../model/policy.js';
import { addressNames } from '../proof/address-names.js';
import { flowTestFailures, type Policies } from '../proof/flow-tests.js';
import { lintHost } from '../proof/lint-host.js';
import { lockOuts, stageRank, type LockOut } from '../proof/lock-out.js';
import { ManagementSources, type ChangingRules } from '../proof/management-sources.js';
import { proveLinks } from '../proof/pair-findings.js';
import { isProtecting, linksByHost, linkWords } from '../proof/protecting-rules.js';
import { pairProblem } from '../proof/pair-texts.js';
import { fleetPictures } from '../proof/pair-pictures.js';
import type { RenderedHost } from '../render/read-files.js';
import { lockOutText, testFailureText } from './objection-text.js';

export type { Policies } from '../proof/flow-tests.js';

/** A risk that a person may accept by name (`--accept-risk`). */
export type ProofRisk = 'lock-out' | 'failed-tests' | 'unprotected' | 'in-the-clear' | 'gap' | 'pairs' | 'lint';

/** A problem of severity `warning` is told and refuses nothing. */
export interface Objection {
  readonly risk: ProofRisk;
  readonly host: string;
  /** Other hosts whose policies it turns on as well. */
  readonly others?: readonly string[];
  /** Id of the link whose ends do not agree. */
  readonly link?: string;
  readonly problem: Problem;
}

/**
 * Proofs refuse a push: an objection about hosts that nothing is pushed to, such as one to a policy that was there before, is a
 * warning. `pushed`: names of the hosts that change.
 */
export function aboutPush(objections: readonly Objection[], pushed: ReadonlySet<string>): readonly Objection[] {
  return objections.map((objection) => {
    const { host, others = [], problem } = objection;
    if (problem.severity !== 'error' || [host, ...others].some((name) => pushed.has(name))) return objection;
    const todo = `nothing is pushed to ${host}, so this refuses nothing yet; ${problem.todo ?? 'mend it'}`;
    return { ...objection, problem: { ...problem, severity: 'warning', todo } };
  });
}

/** What the hosts' files were rendered to, by name: links are compared, and rules are placed at their template lines. */
export type RenderedFiles = ReadonlyMap<string, RenderedHost>;

/**
 * Objections to pushing these policies to `hosts`; tests and links that name only others are not theirs to answer. Links are
 * compared where `rendered` is given, files linted where `today` (`YYYY-MM-DD`) is too: suppressions of lint expire.
 */
export function proveFleet(
  inventory: Inventory,
  hosts: readonly Host[],
  policies: Policies,
  rendered: RenderedFiles = new Map(),
  today?: string,
): Objection[] {
  const rules = new Map([...policies].map(([name, after]) => [name, { before: after, after }] as const));
  return [
    ...emptyObjections(inventory, hosts, policies),
    ...lockOutObjections(inventory, hosts, rules, rendered, 'after'),
    ...testObjections(inventory, hosts, new Map([...handedOver(inventory, rendered), ...policies])),
    ...linkObjections(inventory, hosts, policies, rendered),
    ...(today === undefined ? [] : hosts.flatMap((host) => lintObjections(host, rendered, today))),
  ];
}

/** Fail-open: a policy without a rule, and that of an end of links without one that protects. */
function emptyObjections(inventory: Inventory, hosts: readonly Host[], policies: Policies): readonly Objection[] {
  const links = linksByHost(inventory);
  return hosts.flatMap((host): readonly Objection[] => {
    const rules = policies.get(host.name) ?? [];
    const promised = links.get(host.name) ?? [];
    const accept = 'or accept it with --accept-risk unprotected';
    const objection = (code: string, what: string, todo: string): readonly Objection[] => [
      { risk: 'unprotected', host: host.name, problem: { code, severity: 'error', what, at: host.at, todo } },
    ];
    if (rules.length === 0) {
      const what = `the policy of ${host.name} has no rule: everything would pass in the clear`;
      return objection('POLICY_EMPTY', what, `give its template something to protect, ${accept}`);
    }
    if (promised.length === 0 || rules.some(isProtecting)) return [];
    return objection(
      'POLICY_PROTECTS_NOTHING',
      `no rule of the policy of ${host.name} protects anything, and it is an end of ${linkWords(promised)}: what these promise to protect would pass in the clear`,
      `give its template the rules of its links, take it out of links that are to end, ${accept}`,
    );
  });
}

/** Rules now and later by host name; a host without an entry counts as one whose policy we do not know. */
export type ChangingPolicies = ReadonlyMap<string, ChangingRules>;

/** For which of the policies an objection is asked: those to come, or all that is in force until then. */
export type LockOutScope = 'after' | 'until-then';

/**
 * One objection a host, `hosts` and those that SSH reaches from them: to what is closed after the change, or else to what is
 * closed while some hosts have the new policy and others the old. What is closed already is a warning, and then so is a
 * closure in between.
 */
export function lockOutObjections(
  inventory: Inventory,
  hosts: readonly Host[],
  rules: ChangingPolicies,
  rendered: RenderedFiles,
  scope: LockOutScope,
): readonly Objection[] {
  if (inventory.management.length === 0) return [];
  const nameOf = addressNames(inventory);
  const ends = inventory.hosts.flatMap(({ name, addresses }) => {
    const known = rules.get(name);
    return known === undefined ? [] : [{ name, addresses, rules: known }];
  });
  const sources = new ManagementSources(inventory.management, ends);
  const pushed = new Set(hosts.map(({ name }) => name));
  // A push to a place that SSH comes from may cut off hosts that nothing is pushed to.
  const places = ends.filter(({ name, addresses }) => pushed.has(name) && addresses.some((one) => sources.has(one)));
  const managing = places.flatMap(({ addresses }) => addresses.filter((one) => sources.has(one)).map(hostPrefix));
  const theirs = new ManagementSources(managing, places);
  return inventory.hosts.flatMap((host): readonly Objection[] => {
    const named = pushed.has(host.name);
    if (!named && (places.length === 0 || !rules.has(host.name))) return [];
    const policy = rules.get(host.name) ?? { before: [], after: [] };
    const server = { name: host.name, addresses: sshAddresses(host), port: host.ssh.port, rules: policy };
    const cuts = lockOuts(server, named ? sources : theirs);
    const [worst] = cuts;
    if (worst === undefined || (stageRank(worst.stage) === 0) !== (scope === 'after')) return [];
    const closedNow = cuts.some(({ stage }) => stageRank(stage) === 2);
    const fault = stageRank(worst.stage) === 0 || (stageRank(worst.stage) === 1 && !closedNow);
    if (!fault && !named) return [];
    return [
      {
        risk: 'lock-out',
        host: host.name,
        others: cuts.flatMap(({ source }) => source ?? []),
        problem: {
          code: 'LOCK_OUT',
          severity: fault ? 'error' : 'warning',
          what: lockOutText(host.name, host.ssh.port, worst, nameOf),
          at: rulePlace(worst, rendered) ?? host.at,
          todo: fault
            ? 'keep the management bypass in the template, or accept it with --accept-risk lock-out'
            : 'nothing that this push does: the sessions that are open go on',
        },
      },
    ];
  });
}

/** The policy addresses, and the address that SSH goes to where that is another one; a loopback is a port forward. */
function sshAddresses({ addresses, ssh }: Host): readonly Address[] {
  const literal = parseAddress(ssh.host);
  if (literal === undefined || isLoopback(literal) || addresses.some((one) => sameAddress(one, literal)))
    return addresses;
  return [...addresses, literal];
}

function isLoopback({ family, value }: Address): boolean {
  return family === 4 ? value >> 24n === 127n : value === 1n;
}

/** The template line that wrote the rule which closes, for rules to come. */
function rulePlace({ stage, source, rule, ruleOf }: LockOut, rendered: RenderedFiles): SourcePosition | undefined {
  const side = source === ruleOf ? stage.source : stage.host;
  return rule === undefined || side === 'before' ? undefined : templateLine(rendered, ruleOf, rule.source.line);
}

const POLICY_FILE = '/etc/inet/ipsecinit.conf';

/** Where line `line` of a host's rendered policy comes from. */
export function templateLine(rendered: RenderedFiles, host: string, line: number): SourcePosition | undefined {
  return rendered.get(host)?.origins.get(POLICY_FILE)?.[line - 1];
}

/** What ends that are not ours would load, for those that tests name. */
function handedOver(inventory: Inventory, rendered: RenderedFiles): Policies {
  const asked = inventory.tests.flatMap(({ from, to }) =>
    [from, to].flatMap((peer) => (peer.kind === 'external' ? [peer.name] : [])),
  );
  if (asked.length === 0) return new Map();
  const names = new Set(asked);
  const files = new Map([...rendered].filter(([name]) => names.has(name)));
  return new Map([...fleetPictures(inventory, files)].map(([name, { loaded }]) => [name, loaded] as const));
}

function testObjections(inventory: Inventory, hosts: readonly Host[], policies: Policies): readonly Objection[] {
  const concerned = new Set(hosts.map((host) => host.name));
  const byName = new Map(inventory.hosts.map((host) => [host.name, host]));
  const nameOf = addressNames(inventory);
  return inventory.tests.flatMap((one): readonly Objection[] => {
    const names = [one.from, one.to].flatMap((peer) => (peer.kind === 'host' ? [peer.host] : []));
    const name = names.find((candidate) => concerned.has(candidate));
    const ends = [one.from, one.to].flatMap((peer) => (peer.kind === 'external' ? [peer.name] : names));
    if (name === undefined || ends.some((candidate) => !policies.has(candidate))) return [];
    const failures = flowTestFailures(one, byName, policies);
    if (failures !== 'no-family' && failures.length === 0) return [];
    const todo = 'mend the policy or the test, or accept it with --accept-risk failed-tests';
    const what = testFailureText(one, failures, nameOf);
    return [
      {
        risk: 'failed-tests',
        host: name,
        others: names,
        problem: { code: 'TEST_FAILED', severity: 'error', what, at: one.at, todo },
      },
    ];
  });
}

/** Links of these hosts whose two ends are rendered, an end that is not ours by what it is handed. */
function linkObjections(
  inventory: Inventory,
  hosts: readonly Host[],
  policies: Policies,
  rendered: RenderedFiles,
): readonly Objection[] {
  if (rendered.size === 0) return [];
  const concerned = new Set(hosts.map((host) => host.name));
  const links = inventory.links.filter(({ ends }) =>
    ends.some((end) => end.kind === 'host' && concerned.has(end.host)),
  );
  const pictures = fleetPictures(inventory, endsOnly(links, rendered), policies);
  return proveLinks(links, pictures).map((finding) => {
    const problem = pairProblem(finding);
    const host = [finding.from, finding.to].find((name) => concerned.has(name)) ?? finding.from;
    const todo = `${problem.todo}, or accept it with --accept-risk pairs`;
    const [others, link] = [[finding.from, finding.to], finding.link.id];
    return {
      risk: 'pairs',
      host,
      others,
      link,
      problem: problem.severity === 'error' ? { ...problem, todo } : problem,
    };
  });
}

/** Errors alone: warnings are for `validate` and `policy lint`. */
function lintObjections(host: Host, rendered: RenderedFiles, today: string): readonly Objection[] {
  const files = rendered.get(host.name);
  if (files === undefined) return [];
  return lintHost(host, files, today)
    .filter(({ severity }) => severity === 'error')
    .map((problem) => {
      const todo = `${problem.todo}, or accept it with --accept-risk lint`;
      return { risk: 'lint', host: host.name, problem: { ...problem, todo } };
    });
}

/** Files of the ends of these links alone: most pushes concern a few. */
function endsOnly(links: readonly Link[], rendered: RenderedFiles): RenderedFiles {
  const names = new Set(links.flatMap(({ ends }) => ends.map(endName)));
  return new Map([...rendered].filter(([name]) => names.has(name)));
}

/** One rule list for a host that does not change. */
export function unchanging(rules: readonly LoadedRule[]): ChangingRules {
  return { before: rules, after: rules };
}
