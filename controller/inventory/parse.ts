/** The inventory: text of one or more YAML files to the fleet it describes, or every problem in them at once. */

import { InputProblems, type Problem } from '../errors.js';
import type { Inventory } from '../model/host.js';
import { buildDrift } from './drift-settings.js';
import { buildTests } from './flow-tests.js';
import { type Member, reportSharedNames, resolveGroups, unknownGroup } from './groups.js';
import { draftHosts, type HostDraft } from './host-drafts.js';
import { buildHosts, type Layers } from './hosts.js';
import { parseLayer } from './layer.js';
import { reportUnprovedJumps } from './jump-sources.js';
import { buildLinks } from './links.js';
import { problemError, type Report, sortProblems } from './problem-list.js';
import { type InventorySource, readInventoryFiles } from './read-files.js';
import { gatherSections, type Sections } from './sections.js';
import { buildManagement, buildSettings } from './settings.js';
import { positionOf } from './source-tree.js';

export type { InventorySource } from './read-files.js';

export interface ParsedInventory {
  readonly inventory: Inventory;
  /** Of severity `warning`: weak algorithms, hosts without links and the like. */
  readonly warnings: readonly Problem[];
}

/** @throws InputProblems with all problems of all files, warnings among them, in the order of the files */
export function parseInventory(source: InventorySource): ParsedInventory {
  const problems: Problem[] = [];
  const report: Report = (problem) => {
    problems.push(problem);
  };
  const read = readInventoryFiles(source, report);
  const sections = gatherSections(read, { file: source.path, line: 1, column: 1 }, report);
  const inventory = buildInventory(sections, source.path, report);
  const sorted = sortProblems(problems, read.paths);
  if (sorted.some((problem) => problem.severity === 'error')) throw new InputProblems(sorted);
  return { inventory, warnings: sorted };
}

function buildInventory(sections: Sections, path: string, report: Report): Inventory {
  const { drafts, broken } = draftHosts(sections.hosts, sections.broken, report);
  const layers: Layers = {
    defaults: sections.defaults === undefined ? undefined : parseLayer(sections.defaults, report),
    groups: new Map(sections.groups.map((entry) => [entry.name, parseLayer(entry, report)])),
    hosts: new Map(sections.hosts.map((entry) => [entry.name, parseLayer(entry, report)])),
  };
  // A name that is missing means nothing while the file that may hold it cannot be read
  const reportNames: Report = sections.isWhole ? report : () => undefined;
  const groups = resolveGroups(sections.groups, membersOf(sections, drafts, reportNames), broken, reportNames);
  reportSharedNames(new Map(drafts.map((draft) => [draft.name, draft.entry.at])), sections.groups, report);
  const built = buildHosts(drafts, groups.of, layers, reportNames);
  const directory = { hosts: new Set(drafts.map((draft) => draft.name)), groups: groups.members };
  const { links, externals } = buildLinks(
    { entries: sections.links, hosts: built, directory, broken, defaults: layers.defaults },
    reportNames,
  );
  const tests = buildTests(sections.tests, {
    hosts: new Map(built.map((host) => [host.host.name, host])),
    externals,
    broken,
    report: reportNames,
  });
  if (drafts.length === 0 && broken.size === 0) {
    const at = { file: path, line: 1, column: 1 };
    reportNames(problemError('NO_HOSTS', at, 'the inventory has no hosts', 'add them under "hosts:"'));
  }
  const hosts = built.map(({ host }) => host);
  const management = buildManagement(sections.management, report);
  reportUnprovedJumps(hosts, management, report);
  return {
    fleet: sections.fleet,
    management,
    hosts,
    links,
    tests,
    settings: buildSettings(
      sections.settings,
      buildDrift(sections.drift, { rootFile: path, directory, report, reportNames }),
      path,
      report,
    ),
    groups: groups.members,
  };
}

/** The hosts with those of their groups that exist. */
function membersOf(sections: Sections, drafts: readonly HostDraft[], report: Report): readonly Member[] {
  const known = new Map(sections.groups.map((group) => [group.name, group.at]));
  for (const host of sections.hosts) {
    host.value.groups?.forEach((group, i) => {
      if (known.has(group) || sections.broken.has(group)) return;
      report(unknownGroup(group, positionOf(host.node, ['groups', i]), known));
    });
  }
  return drafts.map(({ name, entry }) => ({
    name,
    listed: (entry.value.groups ?? []).filter((group) => known.has(group)),
  }));
}
