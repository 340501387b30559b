/** Managed files against the manifest of the generation: which are not as it recorded, and in what. */

import type { DriftFinding, DriftSeverity } from '../model/drift.js';
import { insteadOfFile, removal } from '../model/file-kind.js';
import { holdsKeys } from '../model/managed-file.js';
import type { DriftFile, DriftReport, Manifest } from '../model/observation.js';
import { textPatch } from '../plan/diff.js';
import { managedPaths } from '../platform/adapter.js';
import type { CompareSettings, HostView } from './compare-view.js';
import { applyCommand, count, finding, onHost, shellWord } from './finding-words.js';
import { confirmedAt } from './seen-generations.js';

/** What is first wrong with a file; the rest follows from it and is told with it. */
export interface FileDifference {
  readonly path: string;
  readonly kind: 'missing' | 'type' | 'content' | 'mode' | 'owner' | 'orphan';
  readonly found: DriftFile;
  readonly recorded: Manifest['files'][number] | undefined;
}

/** By path; files that are as recorded have no entry, nor have files that are the operator's own business. */
export function fileDifferences(
  view: Pick<HostView, 'host' | 'report' | 'adapter'>,
): ReadonlyMap<string, FileDifference> {
  const { report, adapter } = view;
  const differences = new Map<string, FileDifference>();
  for (const path of managedPaths(adapter)) {
    const recorded = report.manifest?.files.find((file) => file.path === path);
    const found = report.files.find((file) => file.path === path) ?? { path, state: 'absent' };
    const kind = kindOf(view, recorded, found);
    if (kind !== undefined) differences.set(path, { path, kind, found, recorded });
  }
  return differences;
}

/** Changed content, or other content behind a link: its text says what it means. */
export function hasOtherContent({ kind, found, recorded }: FileDifference): boolean {
  return kind === 'content' || (kind === 'type' && found.type === 'link' && isOther(found, recorded));
}

function isOther(found: DriftFile, recorded: FileDifference['recorded']): boolean {
  return found.sha256 !== undefined && found.sha256 !== recorded?.sha256;
}

function kindOf(
  { host, report }: Pick<HostView, 'host' | 'report'>,
  recorded: FileDifference['recorded'],
  found: DriftFile,
): FileDifference['kind'] | undefined {
  if (recorded === undefined) return found.state === 'present' && !isOlder(found, report) ? 'orphan' : undefined;
  if (found.state === 'absent') return 'missing';
  if (insteadOfFile(found) !== undefined) return 'type';
  if (found.sha256 !== recorded.sha256) return 'content';
  if ((found.links ?? 1) > 1) return 'type';
  // Adopted files keep the mode and owner they were found with.
  if (host.modes === 'as-found') return undefined;
  if (found.mode !== undefined && found.mode !== recorded.mode) return 'mode';
  return isForeign(found, report.facts) ? 'owner' : undefined;
}

/** Who runs the agent owns what it writes: root, or the lab's user who stands for root. */
function isForeign({ uid }: DriftFile, facts: ReadonlyMap<string, string>): boolean {
  const user = facts.get('user');
  return user !== undefined && /^\d+$/.test(user) && uid !== undefined && uid !== Number(user);
}

/**
 * Whether a file was last written before the generation came to be, by the host's own clock where its history tells. A file that no
 * generation wrote is then the operator's own business, and one of ours was put back with its old time.
 */
export function isOlder({ modified }: DriftFile, report: DriftReport): boolean {
  const made = Date.parse(confirmedAt(report) ?? report.manifest?.made ?? '');
  return modified !== undefined && Date.parse(modified) < made;
}

/** What the kernel or the daemon has made of a changed file, and what it means. */
export interface FileEffect {
  readonly severity: DriftSeverity;
  /** After the first sentence; empty for nothing to say. */
  readonly words: string;
  readonly kind?: 'policy-file-empty' | 'key-differs';
  readonly details?: readonly string[];
}

export function fileFinding(
  view: HostView,
  difference: FileDifference,
  effect: FileEffect,
  settings: CompareSettings,
): DriftFinding {
  const { path, found } = difference;
  const apply = applyCommand(view, settings);
  const told = { subject: path, severity: effect.severity };
  switch (difference.kind) {
    case 'missing':
      return finding(view, 'file-missing', {
        ...told,
        what: `${path} is gone${effect.words}`,
        cause: 'removed or moved by hand',
        mend: apply,
      });
    case 'type':
      return finding(view, 'file-type', { ...told, ...typeWords(difference, effect, apply) });
    case 'content':
      return finding(view, effect.kind ?? 'file-content', {
        ...told,
        what: `${path} ${contentWords(effect)}${accessWords(difference, view)}${effect.words}`,
        since: since(found),
        cause: writtenCause(view, found),
        mend: apply,
        details: effect.details ?? patchLines(view, path),
      });
    case 'mode':
      return finding(view, 'file-mode', {
        ...told,
        severity: isOpenSecret(found) ? 'critical' : 'warning',
        what: `${path} has mode ${found.mode}, not ${difference.recorded?.mode}${isOpenSecret(found) ? ': others can read its keys' : ''}`,
        cause: 'chmod by hand, or a restore',
        mend: apply,
      });
    case 'owner':
      return finding(view, 'file-owner', {
        ...told,
        severity: holdsKeys(path) ? 'critical' : 'warning',
        what: `${path} belongs to user ${found.uid}, not to root${holdsKeys(path) ? ', and the services refuse it' : ''}`,
        cause: 'chown by hand, or a restore',
        mend: apply,
      });
    case 'orphan':
      return finding(view, 'file-orphan', {
        ...told,
        what: `${path} is there${found.type === 'file' ? '' : aside(insteadOfFile(found))}, and generation ${view.report.generation} has no such file${effect.words}`,
        since: since(found),
        cause: 'written by hand',
        mend: onHost(removal(path, found)),
      });
  }
}

function contentWords({ kind }: FileEffect): string {
  if (kind === 'policy-file-empty') return 'holds no rule that can be loaded';
  return kind === 'key-differs' ? 'holds other keys' : 'was changed';
}

function aside(words: string | undefined): string {
  return words === undefined ? '' : ` (${words})`;
}

function typeWords(
  { path, found, recorded }: FileDifference,
  { severity, words }: FileEffect,
  apply: string,
): Pick<DriftFinding, 'what' | 'cause' | 'mend' | 'severity'> {
  if (found.type === 'file') {
    return {
      severity: holdsKeys(path) ? 'critical' : 'warning',
      what: `${path} has ${count((found.links ?? 1) - 1, 'other name')} besides: who writes there changes it`,
      cause: 'a hard link made by hand',
      mend: `${onHost(`find / -xdev -inum "$(ls -i ${shellWord(path)} | awk '{ print $1 }')"`)}; then rm what it lists besides ${path}`,
    };
  }
  const isSame = found.sha256 !== undefined && found.sha256 === recorded?.sha256;
  const kind = found.type === 'link' ? '' : 'no plain file but ';
  return {
    severity,
    what: `${path} is ${kind}${insteadOfFile(found)}${isSame ? ', which has its content: who can write there changes it' : ''}${words}`,
    cause: 'put there by hand',
    mend: `${onHost(removal(path, found))}; then ${apply}`,
  };
}

/** One edit may change mode and owner as well: told in the same breath. */
function accessWords({ found, recorded }: FileDifference, { host, report }: HostView): string {
  if (host.modes === 'as-found') return '';
  const mode = found.mode !== undefined && found.mode !== recorded?.mode ? `mode ${found.mode}` : undefined;
  const owner = isForeign(found, report.facts) ? `owner ${found.uid}` : undefined;
  const others = (found.links ?? 1) > 1 ? count((found.links ?? 1) - 1, 'other name') : undefined;
  const said = [mode, owner, others].filter((word) => word !== undefined);
  return said.length === 0 ? '' : `, and has ${said.join(' and ')}`;
}

/** Of what is no file the mode says nothing of keys. */
export function isOpenSecret({ path, mode, type = 'file' }: DriftFile): boolean {
  return type === 'file' && holdsKeys(path) && mode !== undefined && (Number.parseInt(mode, 8) & 0o077) !== 0;
}

export function since({ modified }: DriftFile): DriftFinding['since'] {
  return modified === undefined ? undefined : { at: modified, by: 'file time' };
}

function writtenCause({ report }: HostView, found: DriftFile): string {
  return isOlder(found, report)
    ? `restored from a backup: its time is before generation ${report.generation}`
    : 'edited by hand';
}

function patchLines({ texts, recordedTexts }: HostView, path: string): readonly string[] | undefined {
  const [before, after] = [recordedTexts.get(path), texts.get(path)];
  if (before === undefined || after === undefined || before === after) return undefined;
  return textPatch(path, before, after).trimEnd().split('\n');
}

/** The text without what its reader passes over: comment lines, and white space of any kind. */
export function meaningOf(text: string): string {
  return text
    .split(/\r?\n/)
    .filter((line) => !/^\s*(#|\/\/)/.test(line))
    .join(' ')
    .replace(/\s+/g, ' ')
    .trim();
}
