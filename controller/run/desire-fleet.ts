/** What every host should have: files rendered, read back by our own parsers, and the rules they will load. Pure once its inputs are read. */

import { InputProblems, type Problem } from '../errors.js';
import type { Host, Inventory } from '../model/host.js';
import { fileText, type KeyName, type ManagedFile } from '../model/managed-file.js';
import type { LoadedRule } from '../model/policy.js';
import { digestWith, keyNames } from '../plan/fill.js';
import type { DesiredHost, DigestFile } from '../plan/file-changes.js';
import { canonicalListing } from '../policy/canonical-listing.js';
import { predictLoad } from '../policy/predict-load.js';
import { STOCK_NAMES } from '../policy/stock-names.js';
import type { KeyStore } from '../ports.js';
import { namesOf } from '../render/host-names.js';
import { indexInventory } from '../render/inventory-index.js';
import { keyRecord } from '../render/key-record.js';
import { readBack } from '../render/read-back.js';
import { readRendered, type RenderedHost } from '../render/read-files.js';
import { externalEnds, renderExternal } from '../render/render-external.js';
import { renderHost } from '../render/render-host.js';
import { templateSet, type TemplateSource } from '../render/template-set.js';

export interface DesiredFleet {
  readonly desired: ReadonlyMap<string, DesiredHost>;
  /** Rules each host will have loaded. */
  readonly policies: ReadonlyMap<string, readonly LoadedRule[]>;
  /** What the ends that are not ours need, to be handed over. */
  readonly externals: ReadonlyMap<string, readonly ManagedFile[]>;
  /** What the files of hosts, and of the ends that are not ours, were rendered to, with the template line of each line. */
  readonly rendered: ReadonlyMap<string, RenderedHost>;
  readonly digest: DigestFile;
  readonly warnings: readonly Problem[];
}

/** @throws InputProblems with every problem of every host's templates and rendered files */
export function desireFleet(
  inventory: Inventory,
  hosts: readonly Host[],
  templates: readonly TemplateSource[],
  store: KeyStore,
): DesiredFleet {
  const { fleet, problems } = gatherFleet(inventory, hosts, templates, store);
  if (problems.some((problem) => problem.severity === 'error')) throw new InputProblems(problems);
  return fleet;
}

export interface GatheredFleet {
  /** As far as it could be made: a host whose files could not be rendered is not in it. */
  readonly fleet: DesiredFleet;
  /** All of them, errors among them. */
  readonly problems: readonly Problem[];
}

/** The same for a caller that goes on after errors, to find the others. */
export function gatherFleet(
  inventory: Inventory,
  hosts: readonly Host[],
  templates: readonly TemplateSource[],
  store: KeyStore,
): GatheredFleet {
  const { set, problems: templateProblems } = templateSet(templates);
  const none = new Map<string, never>();
  if (templateProblems.length > 0) {
    const maps = { desired: none, policies: none, externals: none, rendered: none };
    return { fleet: { ...maps, digest: digestWith(store), warnings: [] }, problems: templateProblems };
  }
  const index = indexInventory(inventory);
  const saFor = (id: string): { spi: number } | undefined => {
    const key = store.keys.get(id);
    return key?.kind === 'sa' ? { spi: key.spi } : undefined;
  };
  const keys = keyRecord(store.keys);
  const fingerprints = new Map<string, KeyName>();
  const desired = new Map<string, DesiredHost>();
  const policies = new Map<string, readonly LoadedRule[]>();
  const all = new Map<string, RenderedHost>();
  const problems: Problem[] = [];
  for (const host of hosts) {
    const rendered = renderHost({ host, index, templates: set, saFor, keys });
    const names = namesOf(host);
    // The inventory has told of weak algorithms where they are chosen.
    problems.push(...rendered.problems.filter(({ code }) => code !== 'WEAK_ALGORITHM'));
    if (rendered.files.length === 0) continue;
    const known = { ...rendered, read: readRendered(rendered, names) };
    all.set(host.name, known);
    const policy = rendered.files.find((file) => file.path === '/etc/inet/ipsecinit.conf');
    const load = predictLoad(policy === undefined ? '' : fileText(policy, { generation: 1, key: () => '' }), names);
    const { rules } = load;
    problems.push(...readBack(known, load, names));
    policies.set(host.name, rules);
    desired.set(host.name, {
      host: host.name,
      files: rendered.files,
      spd: canonicalListing(rules),
      keys: keyNames(store, rendered.files, fingerprints),
      ...(host.modes === undefined ? {} : { modes: host.modes }),
    });
  }
  const externals = new Map<string, readonly ManagedFile[]>();
  for (const name of externalEnds(inventory)) {
    const rendered = renderExternal({ name, index, templates: set, saFor });
    if (rendered === undefined) continue;
    const known = { ...rendered, read: readRendered(rendered, STOCK_NAMES) };
    problems.push(...rendered.problems.filter(({ code }) => code !== 'WEAK_ALGORITHM'), ...readBack(known));
    externals.set(name, rendered.files);
    all.set(name, known);
  }
  const said = withoutRepeats(problems);
  const warnings = said.filter(({ severity }) => severity === 'warning');
  return {
    fleet: { desired, policies, externals, rendered: all, digest: digestWith(store), warnings },
    problems: said,
  };
}

/** What both ends of a link are told of it is said once. */
function withoutRepeats(problems: readonly Problem[]): readonly Problem[] {
  const said = new Map(problems.map((problem) => [JSON.stringify([problem.code, problem.what, problem.at]), problem]));
  return [...said.values()];
}
