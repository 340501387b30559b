/** Every finding about an inventory that can be had without touching a host: nothing stops at the first kind that fails. */

import type { Problem } from '../errors.js';
import { ABOUT_KEYS, KIND_OF_PATH, lintRendered } from '../keys/lint/lint-rendered.js';
import type { Host, Inventory } from '../model/host.js';
import type { KeyStore } from '../ports.js';
import { namesOf } from '../render/host-names.js';
import { dummyText } from '../render/read-back.js';
import type { Rendered } from '../render/render-host.js';
import type { TemplateSource } from '../render/template-set.js';
import { gatherFleet } from './desire-fleet.js';
import { proveFleet, type ProofRisk } from './prove-fleet.js';

export interface ValidateInput {
  readonly inventory: Inventory;
  /** Hosts whose policies have to stand the proof. */
  readonly selected: readonly Host[];
  readonly templates: readonly TemplateSource[];
  readonly store: KeyStore;
  /** What the inventory's own reading found. */
  readonly warnings: readonly Problem[];
  /** Risks accepted by name: told as warnings. */
  readonly accepted: readonly string[];
  /** `YYYY-MM-DD`: silenced findings come back after their day. */
  readonly today: string;
}

/** Errors first, then warnings, each in the order found; what concerns one line of a template on many hosts is said once. */
export function validateFleet(input: ValidateInput): readonly Problem[] {
  const { inventory, selected, templates, store, warnings, accepted, today } = input;
  const { fleet, problems } = gatherFleet(inventory, inventory.hosts, templates, store);
  // A host whose files could not be made has been spoken of already.
  const standing = selected.filter(({ name }) => fleet.policies.has(name));
  const objections = proveFleet(inventory, standing, fleet.policies, fleet.rendered).map(({ risk, problem }) =>
    accepted.includes(risk) ? acceptedAs(risk, problem) : problem,
  );
  const hosts = new Map(inventory.hosts.map((host) => [host.name, host]));
  const lint = [...fleet.rendered].flatMap(([name, rendered]) => lintOf(name, rendered, hosts.get(name), today));
  const all = once([...warnings, ...problems, ...objections, ...lint]);
  return all.toSorted((a, b) => Number(a.severity === 'warning') - Number(b.severity === 'warning'));
}

function acceptedAs(risk: ProofRisk, problem: Problem): Problem {
  return problem.severity === 'warning'
    ? problem
    : { ...problem, severity: 'warning', todo: `accepted by --accept-risk ${risk}` };
}

function lintOf(name: string, rendered: Rendered, host: Host | undefined, today: string): readonly Problem[] {
  return rendered.files.flatMap((file) => {
    const origins = rendered.origins.get(file.path) ?? [];
    return lintRendered(dummyText(file, rendered.keyBits), KIND_OF_PATH[file.path], {
      names: namesOf(host ?? {}),
      local: host?.addresses ?? [],
      today,
      file: `${file.path} of ${name}`,
      origin: (line) => origins[line - 1],
    }).filter(({ code }) => !ABOUT_KEYS.has(code));
  });
}

/** The first of each code at each place, with how many there are besides. */
function once(problems: readonly Problem[]): readonly Problem[] {
  const groups = new Map<string, { readonly problem: Problem; count: number }>();
  for (const problem of problems) {
    const { code, severity, at, what } = problem;
    const key = JSON.stringify([code, severity, at === undefined ? what : [at.file, at.line, at.column]]);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { problem, count: 0 });
    else if (known.problem.what !== what) known.count++;
  }
  return [...groups.values()].map(({ problem, count }) =>
    count === 0 ? problem : { ...problem, what: `${problem.what}; and ${count} more like it from this line` },
  );
}
