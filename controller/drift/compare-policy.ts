/** The loaded policy against that of the generation: one finding for whatever befell it, and what a changed file has done. */

import type { DriftFinding, DriftSeverity } from '../model/drift.js';
import { insteadOfFile, isReadable } from '../model/file-kind.js';
import { canonicalListing } from '../policy/canonical-listing.js';
import { predictLoad } from '../policy/predict-load.js';
import { namesOf } from '../render/host-names.js';
import type { FileDifference, FileEffect } from './compare-files.js';
import { compareRules, type FlowEffect } from './compare-rules.js';
import type { ServiceTrouble } from './compare-services.js';
import type { CompareSettings, HostView } from './compare-view.js';
import { applyCommand, count, finding, subjectOf } from './finding-words.js';

export interface PolicyComparison {
  readonly findings: readonly DriftFinding[];
  /** What the changed file means; absent where its finding is part of another. */
  readonly fileEffect: FileEffect | undefined;
  /** The state of the service is told with the policy. */
  readonly tellsService: boolean;
}

export interface PolicyCircumstances {
  /** What the generation loads; `undefined` where that is not known. */
  readonly wanted: readonly string[] | undefined;
  readonly file: FileDifference | undefined;
  readonly service: ServiceTrouble | undefined;
}

const WITHOUT_RULES = 'with no policy loaded, everything passes in the clear';

export function comparePolicy(
  view: HostView,
  circumstances: PolicyCircumstances,
  settings: CompareSettings,
): PolicyComparison {
  const { wanted, file, service } = circumstances;
  const loaded = view.report.spd;
  if (wanted !== undefined && wanted.length > 0 && loaded.length === 0) {
    return { findings: [emptyFinding(view, circumstances, settings)], fileEffect: undefined, tellsService: true };
  }
  const difference = wanted === undefined ? { kind: 'same' as const } : compareRules(wanted, loaded, view, settings);
  const text = file === undefined ? undefined : view.texts.get(file.path);
  if (file !== undefined && text !== undefined) {
    const filed = canonicalListing(predictLoad(text, namesOf(view.host)).rules);
    const isLoaded = difference.kind !== 'same' && compareRules(filed, loaded, view, settings).kind === 'same';
    const fileEffect = effectOfText(filed, isLoaded, circumstances, view, settings);
    if (isLoaded || difference.kind === 'same') return { findings: [], fileEffect, tellsService: false };
    return { ...loadedFinding(view, circumstances, settings), fileEffect };
  }
  const fileEffect = file === undefined ? undefined : effectOfOther(file);
  if (difference.kind === 'same') return { findings: [], fileEffect, tellsService: false };
  // A service that could not load its file explains why something else is loaded.
  if (service?.state.startsWith('maintenance')) return { findings: [], fileEffect, tellsService: false };
  return { ...loadedFinding(view, circumstances, settings), fileEffect };
}

function emptyFinding(
  view: HostView,
  { wanted = [], file, service }: PolicyCircumstances,
  settings: CompareSettings,
): DriftFinding {
  const text = file === undefined ? undefined : view.texts.get(file.path);
  return finding(view, 'policy-empty', {
    subject: 'loaded policy',
    severity: 'critical',
    what: `no rule is loaded, and generation ${view.report.generation} has ${wanted.length}: ${WITHOUT_RULES}`,
    since: service?.since === undefined ? undefined : { at: service.since, by: 'service log' },
    cause: emptyCause(file, text, service),
    mend: applyCommand(view, settings),
    details: service?.log,
  });
}

function emptyCause(
  file: FileDifference | undefined,
  text: string | undefined,
  service: ServiceTrouble | undefined,
): string {
  if (service !== undefined) return service.cause;
  if (file?.kind === 'missing') return `${file.path} is gone, and the policy was loaded anew`;
  const instead = file?.kind === 'type' ? insteadOfFile(file.found) : undefined;
  if (file !== undefined && instead !== undefined) return `${file.path} is ${instead}, and the policy was loaded anew`;
  if (file?.kind === 'content') {
    const isEmpty = text !== undefined && predictLoad(text).rules.length === 0;
    return `${file.path} was ${isEmpty ? 'emptied' : 'changed'}, and the policy was loaded anew or flushed`;
  }
  return '`ipsecconf -F` or `ipsecconf -f` was run by hand';
}

/** What the changed text says, whether or not it is loaded. */
function effectOfText(
  filed: readonly string[],
  isLoaded: boolean,
  { wanted }: PolicyCircumstances,
  view: HostView,
  settings: CompareSettings,
): FileEffect {
  if (filed.length === 0) {
    const words = `: the loaded rules stay until the next boot; then ${WITHOUT_RULES}`;
    return { severity: 'critical', kind: 'policy-file-empty', words };
  }
  const meaning = wanted === undefined ? undefined : compareRules(wanted, filed, view, settings);
  if (meaning?.kind === 'same') return { severity: 'info', words: '; it has the same meaning' };
  const flows: FlowEffect = meaning?.flows ?? { effect: 'other', words: '' };
  const when = isLoaded ? ', and is loaded so' : '; it is not loaded yet, and will be at the next refresh or boot';
  return { severity: severityOf(flows), words: `${when}${flows.words}` };
}

function effectOfOther(file: FileDifference): FileEffect {
  if (file.kind === 'missing' || (file.kind === 'type' && !isReadable(file.found)))
    return { severity: 'critical', words: `: the loaded rules stay until the next boot; then ${WITHOUT_RULES}` };
  return { severity: 'warning', words: '' };
}

function severityOf({ effect }: FlowEffect): DriftSeverity {
  if (effect === 'exposed') return 'critical';
  return effect === 'none' ? 'info' : 'warning';
}

/** Rules that are loaded, or not, though no file of the host says so. */
function loadedFinding(
  view: HostView,
  { wanted = [], service }: PolicyCircumstances,
  settings: CompareSettings,
): Pick<PolicyComparison, 'findings' | 'tellsService'> {
  const { report } = view;
  const difference = compareRules(wanted, report.spd, view, settings);
  if (difference.kind === 'same') return { findings: [], tellsService: false };
  const { flows } = difference;
  const told = {
    severity: severityOf(flows),
    mend: applyCommand(view, settings),
    since: service?.since === undefined ? undefined : ({ at: service.since, by: 'service log' } as const),
  };
  const only = (found: DriftFinding): Pick<PolicyComparison, 'findings' | 'tellsService'> => ({
    findings: [found],
    tellsService: false,
  });
  if (difference.kind === 'order') {
    return only(
      finding(view, 'rule-order', {
        ...told,
        subject: 'loaded policy',
        what: `the rules of generation ${report.generation} are loaded in another order${flows.words}`,
        cause: 'rules were deleted and added again by hand',
      }),
    );
  }
  const { missing, extra } = difference;
  const details = [...missing.map((rule) => `- ${rule}`), ...extra.map((rule) => `+ ${rule}`)];
  const gone =
    missing.length === 0 ? '' : `, and ${count(missing.length, 'rule')} of generation ${report.generation} not`;
  if (extra.length === 0) {
    return only(
      finding(view, 'rule-missing', {
        ...told,
        subject: subjectOf(unique(missing)),
        what: `${count(missing.length, 'rule')} of generation ${report.generation} ${missing.length === 1 ? 'is' : 'are'} not loaded${flows.words}`,
        cause: '`ipsecconf -d` or `ipsecconf -r` was run by hand',
        details,
      }),
    );
  }
  const earlier = new Set(report.earlierRules ?? []);
  const isStale = extra.every((rule) => earlier.has(rule));
  return only(
    finding(view, isStale ? 'policy-stale' : 'rule-foreign', {
      ...told,
      subject: subjectOf(unique(extra)),
      what:
        `${count(extra.length, 'rule')} ${isStale ? 'of an earlier generation' : 'that no generation has'} ` +
        `${extra.length === 1 ? 'is' : 'are'} loaded${gone}${flows.words}`,
      cause:
        missing.length === 0
          ? '`ipsecconf -a` was run by hand'
          : 'another policy file was loaded by hand (`ipsecconf -F -a`)',
      details,
    }),
  );
}

/** A rule for both families is listed twice. */
function unique(rules: readonly string[]): readonly string[] {
  return [...new Set(rules)].sort();
}
