/** Hosts that should protect and do not: by what is loaded, by what the next boot loads, by what the inventory renders. */

import type { Alarm, AlarmKind } from '../model/alarm.js';
import { insteadOfFile, isReadable, removal } from '../model/file-kind.js';
import { isProtecting, isProtectingLine, linkWords } from '../proof/protecting-rules.js';
import { predictLoad } from '../policy/predict-load.js';
import { namesOf } from '../render/host-names.js';
import { settingsFindings } from './compare-services.js';
import type { CompareSettings, HostView } from './compare-view.js';
import { applyCommand, count, onHost } from './finding-words.js';

/** Why a host should protect: its links, or rules that protect in what the inventory renders for it. */
export interface ProtectionPromise {
  /** Ids of the links it is an end of. */
  readonly links: readonly string[];
  /** What the inventory renders, as it would be listed; `undefined` where nothing could be rendered. */
  readonly rendered: readonly string[] | undefined;
}

/** `view.texts` has the installed policy where its content is not that of the host's generation. */
export function failOpenAlarms(
  view: HostView,
  promise: ProtectionPromise,
  settings: CompareSettings,
): readonly Alarm[] {
  const { links, rendered = [] } = promise;
  const isRendered = rendered.some(isProtectingLine);
  if (links.length === 0 && !isRendered) return [];
  const alarms: Alarm[] = [];
  const raise = (kind: AlarmKind, told: Omit<Alarm, 'host' | 'kind'>): void => {
    alarms.push({ host: view.host.name, kind, ...told });
  };
  const why = links.length > 0 ? `it is an end of ${linkWords(links)}` : 'the inventory gives it rules that protect';
  const template = `give its template the rules of its links, or take it out of links that are to end; then ${applyCommand(view, settings)}`;
  const mend = isRendered ? applyCommand(view, settings) : template;
  const { spd } = view.report;
  if (!spd.some(isProtectingLine)) {
    const what =
      spd.length === 0
        ? `no rule is loaded, and everything passes in the clear, though ${why}`
        : `none of the ${count(spd.length, 'loaded rule')} protects anything: what they do not drop passes in the clear, though ${why}`;
    const cause = causeOf(view, promise);
    const expected = isRendered
      ? [`0 of ${count(rendered.filter(isProtectingLine).length, 'protecting rule')} loaded`]
      : [];
    raise('fail-open', { what, ...(cause === undefined ? {} : { cause }), mend, details: [...expected, ...spd] });
  } else {
    const next = nextBoot(view, settings);
    if (next !== undefined) raise('fail-open-at-boot', next);
  }
  if (!isRendered && promise.rendered !== undefined) {
    const rules =
      rendered.length === 0 ? 'no rule' : `${count(rendered.length, 'rule')}, none of which protects anything`;
    raise('fail-open-rendered', {
      what: `the inventory renders a policy of ${rules}, though ${why}; an apply of it is refused`,
      cause: 'a template that renders no rules for the links, or a host of the wrong group',
      mend: template,
    });
  }
  return alarms;
}

function causeOf({ report, adapter, texts, host }: HostView, { rendered }: ProtectionPromise): string | undefined {
  const state = report.services.get(adapter.services.policy);
  if (adapter.startedBy === 'smf' && state !== undefined && state !== 'online')
    return `service ${adapter.services.policy} is ${state}`;
  const file = policyFile(report.files, adapter.files.policy);
  if (file !== 'file') return `${adapter.files.policy} ${file}`;
  if (report.manifest === undefined || report.generation === 0) return 'no policy of ours was ever applied to it';
  const text = texts.get(adapter.files.policy);
  if (text !== undefined && !predictLoad(text, namesOf(host)).rules.some(isProtecting))
    return `${adapter.files.policy} was emptied or replaced by one that protects nothing`;
  if (report.appliedRules !== undefined && !report.appliedRules.some(isProtectingLine))
    return `generation ${report.generation ?? 0} was applied with a policy that protects nothing`;
  return rendered === undefined
    ? undefined
    : '`ipsecconf -F` or `ipsecconf -f` was run by hand, or the rules were replaced';
}

/** What the next boot or refresh loads, where that protects nothing; the rules in force are taken to protect. */
function nextBoot(view: HostView, settings: CompareSettings): Omit<Alarm, 'host' | 'kind'> | undefined {
  const { report, adapter, texts, host } = view;
  const path = adapter.files.policy;
  const after = 'the rules in force protect, and the next boot or refresh loads';
  const file = policyFile(report.files, path);
  if (file !== 'file') {
    const found = report.files.find((one) => one.path === path);
    const isInTheWay = found?.state === 'present';
    return {
      what: `${after} no policy: ${path} ${file}${isInTheWay && found.type !== 'folder' ? '' : ', which is taken for success'}`,
      cause: isInTheWay ? 'put there by hand' : 'the file was moved or removed by hand',
      mend: `${isInTheWay ? `${onHost(removal(path, found))}; then ` : ''}${applyCommand(view, settings)}`,
    };
  }
  const text = texts.get(path);
  if (text !== undefined && !predictLoad(text, namesOf(host)).rules.some(isProtecting)) {
    return {
      what: `${after} a policy that protects nothing: ${path} has no such rule`,
      cause: 'the file was emptied or replaced by hand',
      mend: applyCommand(view, settings),
    };
  }
  const [setting] = settingsFindings(view, settings).filter(({ subject }) =>
    subject.startsWith(adapter.services.policy),
  );
  if (setting === undefined) return undefined;
  const { what, cause, mend } = setting;
  return { what, ...(cause === undefined ? {} : { cause }), mend };
}

/** `file`, or what there is instead, in words. A folder in its place is success to ipsecconf, and no policy; of the rest none is one. */
function policyFile(files: HostView['report']['files'], path: string): string {
  const found = files.find((one) => one.path === path);
  if (found?.state !== 'present') return 'is not there';
  return isReadable(found) ? 'file' : `is ${insteadOfFile(found) ?? 'no file'}`;
}
