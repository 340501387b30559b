/** Whether what was imported renders back to what a host has, and why not: judged by the plan that would follow. */

import { oddModes, type AdoptedFleet } from '../import/adopt-fleet.js';
import { PATHS, type CollectedHost } from '../import/collected-host.js';
import type { ImportedFile, ImportedHost } from '../import/imported-host.js';
import type { Host, Inventory } from '../model/host.js';
import type { LoadedRule } from '../model/policy.js';
import { isUnchanged } from '../plan/host-plan.js';
import { planHost } from '../plan/plan-host.js';
import { detectPlatform } from '../platform/detect.js';
import { TangledPolicy } from '../policy/partition.js';
import { canonicalListing, predictLoad } from '../policy/predict-load.js';
import type { KeyStore } from '../ports.js';
import { semanticDiff } from '../proof/semantic-diff.js';
import { namesOf } from '../render/host-names.js';
import type { DesiredFleet } from './desire-fleet.js';
import type { Objection } from './prove-fleet.js';
import { trialKeys } from './trial-keys.js';

export interface JudgeInput {
  readonly host: Host;
  readonly collected: CollectedHost;
  readonly inventory: Inventory;
  readonly fleet: DesiredFleet;
  readonly store: KeyStore;
  readonly adopted: AdoptedFleet;
  /** What the proofs of a push have against the whole fleet. */
  readonly objections: readonly Objection[];
}

export function judgeImport(input: JudgeInput): ImportedHost {
  const { host, collected, inventory, fleet, store, adopted, objections } = input;
  const { seen } = collected;
  const desired = fleet.desired.get(host.name);
  const detected = detectPlatform(seen.facts, host.platform);
  if (desired === undefined || 'refusal' in detected) throw new Error(`${host.name} was rendered without a plan`);
  const plan = planHost({
    desired,
    seen,
    digest: fleet.digest,
    adapter: detected.adapter,
    currentTexts: new Map(),
    installedKeys: [],
    rules: fleet.policies.get(host.name) ?? [],
  });
  const files = importedFiles(input);
  const links = inventory.links.filter(({ ends }) => isOf(ends, host.name));
  const drawn = trialKeys({ ...inventory, links }, store);
  const differs = [
    ...(collected.texts.has(PATHS.policy) ? [] : [`${PATHS.policy} is not there: the first apply writes it`]),
    ...files.flatMap(({ path, as }) =>
      as === 'meaning'
        ? [`${path} is written anew with the same meaning`]
        : as === 'other'
          ? [`${path} is written anew`]
          : [],
    ),
    ...(drawn.length === 0 ? [] : [`new keys are drawn for ${drawn.map(({ id }) => id).join(', ')}`]),
    ...spdWords(input, desired.spd),
    ...plan.reasons.filter((reason) => reason !== 'the loaded policy is not the one in the file'),
  ];
  // They refuse a push; where the plan is empty there is none.
  const refusals = objections.flatMap(({ problem, ...about }) =>
    problem.severity === 'error' && concerns(about, host.name)
      ? `a push to it will be refused: ${problem.what} (${problem.todo})`
      : [],
  );
  const same = isUnchanged(plan) && differs.length === 0;
  return {
    host: host.name,
    files,
    rules: seen.spd.length,
    same,
    differs: same ? differs : [...differs, ...refusals],
    notes: [...(same ? refusals : []), ...(adopted.notes.get(host.name) ?? []), ...stateNotes(collected)],
  };
}

/** Of a link that does not agree both ends are told. */
function concerns({ host, link, others = [] }: Omit<Objection, 'problem'>, name: string): boolean {
  return host === name || (link !== undefined && others.includes(name));
}

function isOf(ends: Inventory['links'][number]['ends'], host: string): boolean {
  return ends.some((end) => end.kind === 'host' && end.host === host);
}

function importedFiles({ host, collected, fleet }: JudgeInput): readonly ImportedFile[] {
  const desired = fleet.desired.get(host.name);
  return [...collected.texts].map(([path, text]): ImportedFile => {
    const found = collected.seen.files.find((file) => file.path === path);
    const mode = found?.mode ?? 'unknown';
    const wanted = desired?.files.find((file) => file.path === path);
    if (wanted === undefined) return { path, mode, as: 'unmanaged' };
    if (fleet.digest(wanted, 0) === found?.sha256) return { path, mode, as: 'bytes' };
    // Key files are written from the very keys that were read; a policy is compared by the rules it loads.
    if (path !== '/etc/inet/ipsecinit.conf') return { path, mode, as: host.files === undefined ? 'other' : 'meaning' };
    const before = canonicalListing(predictLoad(text.revealText(), namesOf(host)).rules);
    return { path, mode, as: before.join('\n') === desired?.spd.join('\n') ? 'meaning' : 'other' };
  });
}

/** Rules that overlap too much to be compared are not called the same. */
function meansTheSame(ofHost: readonly LoadedRule[], ofFile: readonly LoadedRule[]): boolean {
  try {
    return semanticDiff(ofHost, ofFile).length === 0;
  } catch (error) {
    if (error instanceof TangledPolicy) return false;
    throw error;
  }
}

/** At most so many rules of a kind are shown. */
const SHOWN = 5;

function spdWords({ host, collected, fleet }: JudgeInput, wanted: readonly string[]): readonly string[] {
  const loaded = collected.seen.spd;
  if (loaded.join('\n') === wanted.join('\n')) return [];
  const ofFile = fleet.policies.get(host.name) ?? [];
  const ofHost = predictLoad(`${loaded.join('\n')}\n`).rules;
  if (loaded.length > 0 && meansTheSame(ofHost, ofFile))
    return ['the loaded rules mean the same as the file, in another order or number: a plan loads the file anew'];
  const [extra, missing] = [without(loaded, wanted), without(wanted, loaded)];
  return [
    ...some(extra, 'is loaded and not in the file: it was loaded by hand, or the file was changed since'),
    ...some(missing, 'is in the file and not loaded'),
    ...(extra.length + missing.length === 0
      ? ['the rules of the file are loaded in another order, and that matters']
      : []),
  ];
}

function some(rules: readonly string[], what: string): readonly string[] {
  const shown = rules.slice(0, SHOWN).map((rule) => `${rule} ${what}`);
  return rules.length > SHOWN ? [...shown, `${rules.length} rules in all: such a rule ${what}`] : shown;
}

function without(rules: readonly string[], others: readonly string[]): readonly string[] {
  const known = new Set(others);
  return [...new Set(rules)].filter((rule) => !known.has(rule));
}

function stateNotes(collected: CollectedHost): readonly string[] {
  const { seen } = collected;
  const unlisted = seen.sad.filter(({ key }) => key === 'unlisted').length;
  return [
    ...oddModes(collected).map(
      ({ path, mode }) =>
        `${path} has mode or owner ${mode}, which is left as it is; tighten it by taking "modes: as-found" out of the inventory`,
    ),
    ...(unlisted === 0 || seen.daemonRunning
      ? []
      : [`${unlisted} SAs are loaded that no file holds: they were loaded by hand and are left alone`]),
    ...(seen.manifest === undefined
      ? []
      : [
          `it is managed by ipsec-deploy already (generation ${seen.manifest.generation}): two inventories would take turns`,
        ]),
  ];
}
