/** Looks at one host for drift: one connection, one question, and a few more about files that are not as recorded. Changes nothing. */

import { compareHost } from '../drift/compare-host.js';
import { fileDifferences, hasOtherContent } from '../drift/compare-files.js';
import { oldestKeySeconds } from '../drift/compare-keys.js';
import { seemsAbandoned } from '../drift/compare-transaction.js';
import type { CompareSettings, DesiredState, HostView } from '../drift/compare-view.js';
import { confirmedAt } from '../drift/seen-generations.js';
import { contactFinding, platformFinding } from '../drift/finding-contact.js';
import type { DriftFinding, HostLook } from '../model/drift.js';
import type { Host } from '../model/host.js';
import { holdsKeys } from '../model/managed-file.js';
import type { DriftReport } from '../model/observation.js';
import { maskedFileText } from '../plan/diff.js';
import { HostLinkError, LinkInterrupted, type Clock, type HostLink, type HostSession } from '../ports.js';
import { detectPlatform } from '../platform/detect.js';

export interface LookInput {
  readonly link: HostLink;
  readonly clock: Clock;
  readonly settings: CompareSettings;
  /** What the inventory asks of the host; without it nothing is told of pending changes. */
  readonly desired?: DesiredState | undefined;
  /** Of key fingerprints; without it a changed key file is told of, and not what keys it has. */
  readonly salt?: string | undefined;
}

/** What befell the contact is a finding too; `undefined` for a look that was interrupted. @throws what is a bug, and nothing else */
export async function lookAtHost(host: Host, input: LookInput): Promise<HostLook | undefined> {
  let session: HostSession | undefined;
  try {
    session = await input.link.open(host, { readOnly: true });
    return await lookWith(session, host, input);
  } catch (error) {
    if (!(error instanceof HostLinkError)) throw error;
    if (error instanceof LinkInterrupted) return undefined;
    return unseen(host, contactFinding(host, error.failure, input.settings));
  } finally {
    await session?.close();
  }
}

async function lookWith(session: HostSession, host: Host, input: LookInput): Promise<HostLook> {
  const { report, asked, answered } = await reportOf(session, input.clock);
  const detected = detectPlatform(report.facts, host.platform);
  if ('refusal' in detected) return unseen(host, platformFinding(host, detected.refusal, detected.todo));
  const { adapter } = detected;
  const about = report.settled ? await askAboutFiles(session, { host, report, adapter }, input) : NOTHING_ASKED;
  const view: HostView = { host, report, adapter, asked, answered, ...about };
  const findings = compareHost(view, input.desired, input.settings);
  const oldest = oldestKeySeconds(view, input.settings);
  const confirmed = confirmedAt(report);
  return {
    host: host.name,
    state: stateOf(findings),
    findings,
    generation: report.generation,
    ...(confirmed === undefined ? {} : { confirmed }),
    openTransaction: report.openTransaction !== undefined || report.unarmed,
    ...(oldest === undefined ? {} : { oldestKeySeconds: oldest }),
  };
}

/** Long enough for a host to end a confirm or a revert that it is at. */
const SECOND_LOOK_SECONDS = 3;

/** A transaction that nobody seems to keep is looked at twice: it may just be coming to its end. */
async function reportOf(session: HostSession, clock: Clock) {
  const first = await timedReport(session, clock);
  if (!seemsAbandoned(first.report)) return first;
  await clock.after(SECOND_LOOK_SECONDS);
  return timedReport(session, clock);
}

async function timedReport(session: HostSession, clock: Clock) {
  const asked = clock.now();
  const report = await session.drift();
  return { report, asked, answered: clock.now() };
}

function unseen(host: Host, finding: DriftFinding): HostLook {
  return { host: host.name, state: 'unreachable', findings: [finding], generation: undefined, openTransaction: false };
}

function stateOf(findings: readonly DriftFinding[]): HostLook['state'] {
  if (findings.some((finding) => finding.class === 'drift')) return 'drift';
  return findings.length === 0 ? 'clean' : 'pending';
}

type AboutFiles = Pick<HostView, 'texts' | 'recordedTexts' | 'installedKeys'>;
const NOTHING_ASKED: AboutFiles = { texts: new Map(), recordedTexts: new Map(), installedKeys: new Map() };

/** Texts and keys of the files that were changed, and what was in them before. Nothing is asked of a host whose files are as recorded. */
async function askAboutFiles(
  session: HostSession,
  view: Pick<HostView, 'host' | 'report' | 'adapter'>,
  { desired, salt }: LookInput,
): Promise<AboutFiles> {
  const changed = [...fileDifferences(view).values()].filter(hasOtherContent);
  if (changed.length === 0) return NOTHING_ASKED;
  const texts = new Map<string, string>();
  const recordedTexts = new Map<string, string>();
  const installedKeys = new Map<string, Awaited<ReturnType<HostSession['fingerprints']>>>();
  for (const { path, recorded } of changed) {
    texts.set(path, await session.read(path));
    if (holdsKeys(path) && salt !== undefined) installedKeys.set(path, await session.fingerprints(path, salt));
    const before = recorded === undefined ? undefined : textByInventory(path, recorded.sha256, view.report, desired);
    if (before !== undefined) recordedTexts.set(path, before);
  }
  const unknown = changed.some(({ path }) => !holdsKeys(path) && !recordedTexts.has(path));
  if (unknown && view.report.generation !== undefined) {
    for (const { path, text } of await storedTexts(session, view.report.generation))
      if (changed.some((file) => file.path === path) && !recordedTexts.has(path)) recordedTexts.set(path, text);
  }
  return { texts, recordedTexts, installedKeys };
}

/** The recorded text where the inventory still renders the same, keys masked. */
function textByInventory(
  path: string,
  sha256: string,
  { generation }: DriftReport,
  desired: DesiredState | undefined,
): string | undefined {
  const file = desired?.host.files.find((one) => one.path === path);
  if (desired === undefined || file === undefined) return undefined;
  for (let number = generation ?? -1; number >= 0; number--)
    if (desired.digest(file, number) === sha256) return maskedFileText(file, number);
  return undefined;
}

/** Without them there is no diff to show, and that is all: a kept generation that cannot be read is no fault of the look. */
async function storedTexts(
  session: HostSession,
  generation: number,
): Promise<readonly { readonly path: string; readonly text: string }[]> {
  try {
    return (await session.generation(generation)).files;
  } catch (error) {
    if (error instanceof HostLinkError && error.failure.kind === 'agent') return [];
    throw error;
  }
}
