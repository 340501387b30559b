/** What the inventory asks for today against what was last applied: a change that waits, and no drift. */

import type { DriftFinding } from '../model/drift.js';
import type { DriftReport, Observation } from '../model/observation.js';
import { describeChange } from '../plan/change-steps.js';
import { differingFiles, fileChanges } from '../plan/file-changes.js';
import { compareRules } from './compare-rules.js';
import type { CompareSettings, DesiredState, HostView } from './compare-view.js';
import { applyCommand, count, finding } from './finding-words.js';

/** One finding, or none; `wanted`: the rules that the generation loads. */
export function pendingChange(
  view: HostView,
  desired: DesiredState,
  wanted: readonly string[] | undefined,
  settings: CompareSettings,
): readonly DriftFinding[] {
  const { report, adapter } = view;
  const applied = asApplied(report);
  const files = differingFiles(desired.host, applied, desired.digest, adapter);
  const rules =
    wanted === undefined ? { kind: 'same' as const } : compareRules(wanted, desired.host.spd, view, settings);
  if (files.length === 0 && rules.kind === 'same') return [];
  const known = new Set(
    (report.manifest?.keys ?? []).map(({ id, part, fingerprint }) => `${id} ${part} ${fingerprint}`),
  );
  const keys = desired.host.keys.filter(({ id, part, fingerprint }) => !known.has(`${id} ${part} ${fingerprint}`));
  const said = [
    ...(files.length === 0 ? [] : [files.join(', ')]),
    ...(rules.kind === 'rules' ? [`${count(rules.extra.length, 'rule')} more, ${rules.missing.length} less`] : []),
    ...(keys.length === 0 ? [] : [count(keys.length, 'new key')]),
  ];
  return [
    finding(view, 'pending-change', {
      class: 'pending',
      subject: 'inventory',
      severity: 'info',
      what: `the inventory asks for more than generation ${report.generation}: ${said.join('; ') || 'rules in another order'}`,
      cause: 'the inventory, a template or a key was changed and not applied yet',
      mend: applyCommand(view, settings),
      details:
        rules.kind === 'rules'
          ? [...rules.missing.map((rule) => `- ${rule}`), ...rules.extra.map((rule) => `+ ${rule}`)]
          : undefined,
    }),
  ];
}

/** The host as its generation left it, whatever was done to it since. */
function asApplied(report: DriftReport): Observation {
  const files = (report.manifest?.files ?? []).map(({ path, mode, sha256 }) => ({
    path,
    state: 'present' as const,
    mode,
    sha256,
  }));
  return { ...report, files };
}

/** A host without a generation of ours: a change waits, unless the host happens to be as the inventory asks. */
export function neverApplied(
  view: HostView,
  desired: DesiredState | undefined,
  settings: CompareSettings,
): readonly DriftFinding[] {
  const { report, adapter } = view;
  if (desired !== undefined) {
    const paths = new Set<string>(desired.host.files.map(({ path }) => path));
    const files = fileChanges(desired.host, report, desired.digest, new Map(), 1, adapter);
    const { steps } = describeChange({ paths, spd: desired.host.spd }, files, report, adapter);
    if (steps.length === 0) return [];
  }
  return [
    finding(view, 'never-applied', {
      class: 'pending',
      subject: 'inventory',
      severity: 'warning',
      what: 'nothing was ever applied to this host; what it has is not ours',
      cause: 'it is new in the inventory, or its first apply did not come through',
      mend: applyCommand(view, settings),
    }),
  ];
}
