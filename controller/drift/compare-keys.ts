/** Keys: how old those in force are, and whether a changed key file holds others. */

import type { DriftFinding } from '../model/drift.js';
import { keyLabel, type KeyPart } from '../model/managed-file.js';
import type { Manifest } from '../model/observation.js';
import type { FileDifference, FileEffect } from './compare-files.js';
import { hasOtherContent, meaningOf } from './compare-files.js';
import type { CompareSettings, HostView } from './compare-view.js';
import { applyCommand, count, finding } from './finding-words.js';

const DAY_SECONDS = 86_400;

type Ageing = Pick<CompareSettings, 'keyDates'>;

/** Age of the oldest key of the generation; `undefined` where it has none. */
export function oldestKeySeconds({ report, answered }: HostView, settings: Ageing): number | undefined {
  const ages = (report.manifest?.keys ?? []).map((key) => ageSeconds(key.id, report.manifest, answered, settings));
  return ages.length === 0 ? undefined : Math.max(...ages);
}

/** By the day it was drawn where the key store tells, else by the generation that has it. */
function ageSeconds(id: string, manifest: Manifest | undefined, now: Date, { keyDates }: Ageing): number {
  const drawn = Date.parse(keyDates?.get(id) ?? manifest?.made ?? '');
  return Number.isFinite(drawn) ? Math.max(0, Math.floor((now.getTime() - drawn) / 1000)) : 0;
}

export function oldKeys(view: HostView, settings: CompareSettings): readonly DriftFinding[] {
  const { keyAgeDays } = settings;
  if (keyAgeDays === 0) return [];
  const { manifest } = view.report;
  const aged = (manifest?.keys ?? []).map((key) => ({
    id: key.id,
    label: labelOf(key),
    seconds: ageSeconds(key.id, manifest, view.answered, settings),
  }));
  const old = aged.filter(({ seconds }) => seconds > keyAgeDays * DAY_SECONDS);
  const days = (seconds: number): number => Math.floor(seconds / DAY_SECONDS);
  if (old.length === 0) return [];
  const oldest = Math.max(...old.map(({ seconds }) => seconds));
  return [
    finding(view, 'key-old', {
      subject: 'keys',
      severity: 'warning',
      what: `${count(old.length, 'key')} ${old.length === 1 ? 'is' : 'are'} older than ${keyAgeDays} days, the oldest ${days(oldest)} days`,
      since: {
        at: new Date(view.answered.getTime() - (oldest - keyAgeDays * DAY_SECONDS) * 1000).toISOString(),
        by: 'host record',
      },
      cause: 'no new key was drawn since',
      mend:
        'no command draws a key anew yet: take these out of the key store by hand (docs/drift.md, "Old keys"); ' +
        `then ${applyCommand(view, settings)} draws new ones and brings them to both ends`,
      details: old.map(({ id, label, seconds }) => `${label}: ${days(seconds)} days (${id})`),
    }),
  ];
}

function labelOf({ id, part }: Manifest['keys'][number]): string {
  return isKeyPart(part) ? keyLabel(id, part) : id;
}

function isKeyPart(part: string): part is KeyPart {
  return part === 'psk' || part === 'encr' || part === 'auth';
}

/** What a changed file of IKE or of keys means: other keys, other words, or nothing at all. */
export function effectOfFile(view: HostView, difference: FileDifference): FileEffect {
  const { path } = difference;
  const { adapter, report, texts, recordedTexts, installedKeys } = view;
  if (!hasOtherContent(difference)) return { severity: 'warning', words: '' };
  const installed = installedKeys.get(path);
  const recorded = (report.manifest?.keys ?? []).filter(
    ({ part }) => (part === 'psk') === (path === adapter.files.preshared),
  );
  if (installed !== undefined) {
    const known = new Set(recorded.map(({ fingerprint }) => fingerprint));
    const found = new Set(installed.map(({ fingerprint }) => fingerprint));
    const gone = recorded.filter(({ fingerprint }) => !found.has(fingerprint)).map(labelOf);
    const foreign = installed.filter(({ fingerprint }) => !known.has(fingerprint)).map(({ identity }) => identity);
    if (gone.length > 0 || foreign.length > 0) {
      return {
        severity: 'critical',
        kind: 'key-differs',
        words: `: ${count(gone.length, 'key')} of generation ${report.generation} ${gone.length === 1 ? 'is' : 'are'} not in it, and ${foreign.length} that ${foreign.length === 1 ? 'is' : 'are'} not ours`,
        details: [...gone.map((name) => `- ${name}`), ...foreign.map((name) => `+ ${name}`)],
      };
    }
  }
  const [now, before] = [texts.get(path), recordedTexts.get(path)];
  const isKeyFile = path !== adapter.files.ikeConfig;
  const isSame = now !== undefined && before !== undefined && meaningOf(now) === meaningOf(before);
  return isSame && (!isKeyFile || installed !== undefined)
    ? { severity: 'info', words: '; it has the same meaning' }
    : { severity: 'warning', words: '' };
}
