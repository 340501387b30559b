/** One host as it was seen against its last generation and against the inventory: one finding for each cause, none for noise. */

import type { DriftFinding } from '../model/drift.js';
import { ikePaths, managedPaths } from '../platform/adapter.js';
import { compareClock } from './compare-clock.js';
import { compareDaemon } from './compare-daemon.js';
import { fileDifferences, fileFinding, isOpenSecret, type FileDifference, type FileEffect } from './compare-files.js';
import { effectOfFile, oldKeys } from './compare-keys.js';
import { neverApplied, pendingChange } from './compare-pending.js';
import { comparePolicy } from './compare-policy.js';
import { compareRecord, generationMoved, stateFolder } from './compare-record.js';
import { compareSas } from './compare-sas.js';
import { serviceFinding, serviceTroubles, settingsFindings, type ServiceTrouble } from './compare-services.js';
import { transactionFinding } from './compare-transaction.js';
import type { CompareSettings, DesiredState, HostView } from './compare-view.js';
import { applyCommand, count, toolCommand } from './finding-words.js';

/**
 * Findings of both classes, drift first. A host in the middle of a transaction has that one alone; one without a generation
 * cannot have drifted from it.
 */
export function compareHost(
  view: HostView,
  desired: DesiredState | undefined,
  settings: CompareSettings,
): readonly DriftFinding[] {
  const busy = transactionFinding(view, settings);
  if (busy !== undefined) return [busy];
  const clock = compareClock(view, settings);
  const moved = generationMoved(view, settings);
  // A record of another generation says nothing of what should be there now.
  if (moved.length > 0) return [...stateFolder(view), ...moved, ...clock];
  // Generation 0 is the host as it was before us.
  if (view.report.manifest === undefined || view.report.generation === 0)
    return [...stateFolder(view), ...clock, ...neverApplied(view, desired, settings)];
  const wanted = appliedRules(view, desired);
  const drift = [
    ...compareRecord(view),
    ...compareInstalled(view, wanted, desired, settings),
    ...oldKeys(view, settings),
    ...clock,
  ];
  const pending = desired === undefined ? [] : pendingChange(view, desired, wanted, settings);
  return [...(pending.length === 0 ? drift : drift.map((one) => withPending(one, view, settings))), ...pending];
}

/** An apply that mends brings what is pending as well; going back to the generation brings nothing else. A shell passes over the rest. */
function withPending(found: DriftFinding, view: HostView, settings: CompareSettings): DriftFinding {
  const { generation } = view.report;
  if (generation === undefined || !found.mend.endsWith(applyCommand(view, settings))) return found;
  const back = `${toolCommand('rollback', view, settings)} --to ${generation}`;
  return { ...found, mend: `${found.mend} # brings what is pending, too; without that: ${back}` };
}

/** What the generation loads: by the host's own record, else by the inventory where it still asks for the same file. */
function appliedRules({ report, adapter }: HostView, desired: DesiredState | undefined): readonly string[] | undefined {
  if (report.appliedRules !== undefined) return report.appliedRules;
  const recorded = report.manifest?.files.find(({ path }) => path === adapter.files.policy);
  const file = desired?.host.files.find(({ path }) => path === adapter.files.policy);
  if (desired === undefined || recorded === undefined || file === undefined) return undefined;
  for (let generation = report.generation ?? -1; generation >= 0; generation--)
    if (desired.digest(file, generation) === recorded.sha256) return desired.host.spd;
  return undefined;
}

/** Files, loaded policy, SAs, services and daemon: what one of them explains is not told again of another. */
function compareInstalled(
  view: HostView,
  wanted: readonly string[] | undefined,
  desired: DesiredState | undefined,
  settings: CompareSettings,
): readonly DriftFinding[] {
  const { services, files: paths } = view.adapter;
  const files = new Map(fileDifferences(view));
  const troubles = new Map(serviceTroubles(view));
  const daemon = troubles.has(services.ike) ? [] : compareDaemon(view, files, desired, settings);
  if (daemon.some(({ kind }) => kind === 'daemon-unexpected'))
    for (const path of [paths.ikeConfig, paths.preshared]) if (files.get(path)?.kind === 'orphan') files.delete(path);
  const policy = comparePolicy(
    view,
    { wanted, file: files.get(paths.policy), service: troubles.get(services.policy) },
    settings,
  );
  if (policy.tellsService) troubles.delete(services.policy);
  return [
    ...managedPaths(view.adapter).flatMap((path): readonly DriftFinding[] => {
      const difference = files.get(path);
      if (difference === undefined) return [];
      const effect = path === paths.policy ? policy.fileEffect : effectOfFile(view, difference);
      // A file whose effect is told with the loaded policy has no finding of its own.
      return effect === undefined ? [] : [fileFinding(view, difference, exposing(effect, difference), settings)];
    }),
    ...policy.findings,
    ...sasUnless(view, files.get(paths.manualKeys), troubles.get(services.manualKeys), settings),
    ...[...troubles.values()].map((trouble) => {
      const changed = filesOf(view, trouble).some((path) => files.has(path));
      return serviceFinding(view, trouble, { consequence: consequence(view, trouble), changed }, settings);
    }),
    ...settingsFindings(view, settings),
    ...daemon,
  ];
}

/** A key file that others can read is never a small matter. */
function exposing(effect: FileEffect, { found }: FileDifference): FileEffect {
  return isOpenSecret(found) ? { ...effect, severity: 'critical' } : effect;
}

/** What is loaded differs from a file that was changed because of that; a service that is not online has loaded nothing. */
function sasUnless(
  view: HostView,
  file: FileDifference | undefined,
  service: ServiceTrouble | undefined,
  settings: CompareSettings,
): readonly DriftFinding[] {
  const isRewritten = file !== undefined && file.kind !== 'mode' && file.kind !== 'owner';
  if (isRewritten) return [];
  const found = compareSas(view, settings);
  return service === undefined ? found : found.filter(({ kind }) => kind !== 'sa-missing');
}

function filesOf({ adapter }: HostView, { service }: ServiceTrouble): readonly string[] {
  if (service === adapter.services.ike) return ikePaths(adapter);
  return [service === adapter.services.policy ? adapter.files.policy : adapter.files.manualKeys];
}

function consequence({ report, adapter }: HostView, { service }: ServiceTrouble): string {
  if (service === adapter.services.ike) return ': no SA can be negotiated';
  if (service === adapter.services.policy) return ': the policy is not loaded at the next boot';
  const missing = report.sad.filter(({ key }) => key === 'missing').length;
  return missing === 0 ? '' : `: ${count(missing, 'SA')} of its file ${missing === 1 ? 'is' : 'are'} not loaded`;
}
