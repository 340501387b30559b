/** What `verify` judges a host by: the report that a check of drift asks for, and the policy that lies there in the place of ours. */

import type { HostView } from '../drift/compare-view.js';
import { isReadable } from '../model/file-kind.js';
import type { Host } from '../model/host.js';
import { detectPlatform } from '../platform/detect.js';
import type { Clock, HostSession } from '../ports.js';

/** `undefined` for a host of a platform that is not known. */
export type Evidence = Pick<HostView, 'report'> & { readonly view: HostView | undefined };

const POLICY_FILE = '/etc/inet/ipsecinit.conf';

/** One question, and a second one where the installed policy is not that of the host's generation. */
export async function takeEvidence(session: HostSession, host: Host, clock: Clock): Promise<Evidence> {
  const asked = clock.now();
  const report = await session.drift();
  const answered = clock.now();
  const detected = detectPlatform(report.facts, host.platform);
  if ('refusal' in detected) return { report, view: undefined };
  const found = report.files.find(({ path }) => path === POLICY_FILE);
  const recorded = report.manifest?.files.find(({ path }) => path === POLICY_FILE);
  const isFile = found?.state === 'present' && isReadable(found);
  const texts = new Map<string, string>();
  if (isFile && found.sha256 !== recorded?.sha256) texts.set(POLICY_FILE, await session.read(POLICY_FILE));
  const { adapter } = detected;
  const nothing = { recordedTexts: new Map(), installedKeys: new Map() };
  return { report, view: { host, report, adapter, asked, answered, texts, ...nothing } };
}
