/** Loaded SAs against the key file of the generation. What in.iked negotiates comes and goes, and is nobody's drift. */

import type { DriftFinding } from '../model/drift.js';
import type { DriftSa } from '../model/observation.js';
import type { CompareSettings, HostView } from './compare-view.js';
import { applyCommand, count, finding, onHost, subjectOf } from './finding-words.js';

/** Less than this to live is told of. */
const SOON_SECONDS = 86_400;

export function compareSas(view: HostView, settings: CompareSettings): readonly DriftFinding[] {
  const { report, adapter } = view;
  const keyed = report.manifest?.files.some(({ path }) => path === adapter.files.manualKeys) ?? false;
  return [...(keyed ? ourSas(view, settings) : []), ...foreignSas(view)];
}

function ourSas(view: HostView, settings: CompareSettings): readonly DriftFinding[] {
  const { sad } = view.report;
  const apply = applyCommand(view, settings);
  const missing = sad.filter(({ key }) => key === 'missing');
  const differing = sad.filter(({ key }) => key === 'differs');
  const expiring = sad.filter(
    ({ key, expiresInSeconds }) => key === 'same' && expiresInSeconds !== undefined && expiresInSeconds < SOON_SECONDS,
  );
  const listed = sad.filter(({ key }) => key !== 'unlisted').length;
  const found: DriftFinding[] = [];
  if (missing.length > 0) {
    found.push(
      finding(view, 'sa-missing', {
        ...ofKeyFile(missing, view),
        severity: 'warning',
        what: `${count(missing.length, 'SA')} of ${listed} in ${view.adapter.files.manualKeys} ${are(missing)} not loaded: ${missing.length === 1 ? 'its' : 'their'} traffic is dropped`,
        cause: missing.length === listed ? '`ipseckey flush` was run by hand' : '`ipseckey delete` was run by hand',
        mend: apply,
      }),
    );
  }
  if (differing.length > 0) {
    found.push(
      finding(view, 'sa-key-differs', {
        ...ofKeyFile(differing, view),
        severity: 'critical',
        what: `${count(differing.length, 'SA')} ${are(differing)} loaded with another key than ${view.adapter.files.manualKeys} has`,
        cause: 'loaded from another file by hand, or the file was put back without loading it',
        mend: deleteAndApply(differing, apply),
      }),
    );
  }
  if (expiring.length > 0) {
    const soonest = Math.min(...expiring.map(({ expiresInSeconds = 0 }) => expiresInSeconds));
    found.push(
      finding(view, 'sa-expiring', {
        ...ofKeyFile(expiring, view),
        severity: 'warning',
        what: `the kernel removes ${count(expiring.length, 'SA')} of ${view.adapter.files.manualKeys}, the first in ${duration(soonest)}; traffic is dropped then`,
        cause: 'the SA has a hard lifetime, and nothing negotiates manual keys anew',
        // An SA that is loaded is not loaded again.
        mend: deleteAndApply(expiring, apply),
      }),
    );
  }
  return found;
}

function foreignSas(view: HostView): readonly DriftFinding[] {
  const foreign = view.report.sad.filter((sa) => sa.key === 'unlisted' && !isNegotiated(sa, view));
  if (foreign.length === 0) return [];
  const keyFile = view.adapter.files.manualKeys;
  return [
    finding(view, 'sa-foreign', {
      ...many(foreign),
      severity: 'warning',
      what: `${count(foreign.length, 'SA')} ${are(foreign)} loaded that ${keyFile} does not have and IKE has not negotiated`,
      cause: '`ipseckey` was run by hand, or an SA of an earlier generation was left',
      mend: deleteAll(foreign),
    }),
  ];
}

/**
 * What in.iked negotiates has a lifetime; manual keys seldom have. An SA with one counts as negotiated where IKE is wanted
 * or runs, and for as long as it may outlive a daemon that was stopped.
 */
function isNegotiated({ hard }: DriftSa, { report, adapter, answered }: HostView): boolean {
  if (hard === undefined) return false;
  const wanted = report.manifest?.files.some(({ path }) => path === adapter.files.ikeConfig) ?? false;
  if (wanted || report.daemonRunning || report.services.get(adapter.services.ike) === 'online') return true;
  // A host without services does not tell when it was stopped: not later than the generation that has none was made.
  const stopped = report.serviceDetails.get(adapter.services.ike)?.since ?? report.manifest?.made;
  return stopped !== undefined && (answered.getTime() - Date.parse(stopped)) / 1000 < (hard.addSeconds ?? SOON_SECONDS);
}

const MOST_COMMANDS = 5;

function deleteCommand({ type, spi, dst }: DriftSa): string {
  return `ipseckey delete ${type} spi ${spi} dst ${dst}`;
}

function deleteAndApply(sas: readonly DriftSa[], apply: string): string {
  return `${deleteAll(sas)}; then ${apply}`;
}

function deleteAll(sas: readonly DriftSa[]): string {
  const more = sas.length - MOST_COMMANDS;
  const commands = onHost(...sas.slice(0, MOST_COMMANDS).map(deleteCommand));
  return more > 0 ? `${commands}, and so for ${more} more` : commands;
}

function are(sas: readonly DriftSa[]): string {
  return sas.length === 1 ? 'is' : 'are';
}

interface SubjectWords {
  readonly subject: string;
  readonly details: readonly string[] | undefined;
}

/** SAs of the key file go one after another: that is one trouble, whatever their number. */
function ofKeyFile(sas: readonly DriftSa[], { adapter }: HostView): SubjectWords {
  const names = sas.map(({ type, spi, dst }) => `${type} ${spi} ${dst}`).sort();
  return { subject: adapter.files.manualKeys, details: names };
}

function many(sas: readonly DriftSa[]): SubjectWords {
  const names = sas.map(({ type, spi, dst }) => `${type} ${spi} ${dst}`).sort();
  return { subject: subjectOf(names), details: names.length > 1 ? names : undefined };
}

function duration(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} minutes` : `${Math.round(seconds / 3600)} hours`;
}
