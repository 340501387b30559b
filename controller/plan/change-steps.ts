/** What a change takes besides bytes: steps, the key daemon, why, and what traffic may notice. */

import type { Observation } from '../model/observation.js';
import { ikePaths, type Adapter } from '../platform/adapter.js';
import type { ChangeStep, FileChange, HostPlan, IkeAction } from './host-plan.js';

/** What a host must be after a change, besides the bytes of its files. */
export interface WantedState {
  readonly paths: ReadonlySet<string>;
  readonly spd: readonly string[];
}

/** The steps a change takes and what is worth saying of it; no steps when the host is already as wanted. */
export function describeChange(
  wanted: WantedState,
  files: readonly FileChange[],
  seen: Observation,
  adapter: Adapter,
): Pick<HostPlan, 'steps' | 'ike' | 'rulesAdded' | 'rulesRemoved' | 'reasons' | 'gaps'> {
  const steps = stepsFor(files, wanted, seen, adapter);
  return {
    steps,
    ike: ikeAction(files, seen, wanted, adapter),
    rulesAdded: without(wanted.spd, seen.spd),
    rulesRemoved: without(seen.spd, wanted.spd),
    reasons: whyBesidesFiles(wanted, files, seen, adapter),
    gaps: steps.length === 0 ? [] : predictedGaps(files, seen, wanted, adapter),
  };
}

function without(rules: readonly string[], others: readonly string[]): string[] {
  const known = new Set(others);
  return rules.filter((rule) => !known.has(rule));
}

function changed(files: readonly FileChange[], paths: readonly string[]): boolean {
  return files.some((file) => paths.includes(file.path) && file.kind !== 'keep');
}

function wants(wanted: WantedState, path: string): boolean {
  return wanted.paths.has(path);
}

function spdDiffers(wanted: WantedState, seen: Observation): boolean {
  return wanted.spd.length !== seen.spd.length || wanted.spd.some((rule, i) => rule !== seen.spd[i]);
}

/** Boot scripts have no state: there the loaded policy and SAs, and the daemon's answer, say it all. */
function offline(seen: Observation, service: string, { startedBy }: Adapter): string | undefined {
  if (startedBy === 'boot-scripts') return undefined;
  const state = seen.services.get(service) ?? 'absent';
  return state === 'online' ? undefined : state;
}

function daemonIsUp(seen: Observation, adapter: Adapter): boolean {
  return adapter.startedBy === 'smf' ? offline(seen, adapter.services.ike, adapter) === undefined : seen.daemonRunning;
}

function whyBesidesFiles(
  wanted: WantedState,
  files: readonly FileChange[],
  seen: Observation,
  adapter: Adapter,
): string[] {
  const reasons: string[] = [];
  for (const file of files) {
    if ('insteadOfFile' in file) {
      reasons.push(`${file.path} is ${file.insteadOfFile}, and should be a file`);
    } else if (file.kind === 'keep' && file.modeWas !== undefined) {
      reasons.push(`${file.path} has mode or owner ${file.modeWas}, ${file.mode} and root are wanted`);
    }
  }
  if (!changed(files, [adapter.files.policy]) && spdDiffers(wanted, seen))
    reasons.push('the loaded policy is not the one in the file');
  const policy = offline(seen, adapter.services.policy, adapter);
  if (policy !== undefined) reasons.push(...notOnline(adapter.services.policy, policy, seen));
  if (wants(wanted, adapter.files.manualKeys)) {
    const missing = seen.sad.filter((sa) => sa.key === 'missing' || sa.key === 'differs').length;
    if (!changed(files, [adapter.files.manualKeys]) && missing > 0)
      reasons.push(`${missing} of the SAs in ipseckeys are not loaded`);
    const keys = offline(seen, adapter.services.manualKeys, adapter);
    if (keys !== undefined) reasons.push(...notOnline(adapter.services.manualKeys, keys, seen));
  }
  if (ikePaths(adapter).some((path) => wants(wanted, path))) {
    const ike = offline(seen, adapter.services.ike, adapter);
    if (ike !== undefined) reasons.push(...notOnline(adapter.services.ike, ike, seen));
    else if (!seen.daemonRunning) reasons.push('the IKE daemon does not answer');
  }
  return reasons;
}

/** The state, and of a service in maintenance the end of its log. */
function notOnline(service: string, state: string, seen: Observation): string[] {
  const log = seen.logs.find((one) => one.service.replace(/:default$/, '') === service);
  const lines = (log?.lines ?? []).filter((line) => line.trim() !== '').slice(-LOG_LINES);
  return [`service ${service} is ${state}`, ...lines.map((line) => `its log: ${line}`)];
}

const LOG_LINES = 5;

function stepsFor(
  files: readonly FileChange[],
  wanted: WantedState,
  seen: Observation,
  adapter: Adapter,
): ChangeStep[] {
  const steps: ChangeStep[] = [];
  const content = files.some((file) => file.kind !== 'keep');
  const modes = files.some((file) => file.kind === 'keep' && file.modeWas !== undefined);
  const keys =
    wants(wanted, adapter.files.manualKeys) &&
    (changed(files, [adapter.files.manualKeys]) ||
      seen.sad.some((sa) => sa.key === 'missing' || sa.key === 'differs') ||
      offline(seen, adapter.services.manualKeys, adapter) !== undefined);
  const policy =
    // With a service behind it a new file is read at once, whatever it says: so that the service is known to take it.
    (adapter.startedBy === 'smf' && changed(files, [adapter.files.policy])) ||
    spdDiffers(wanted, seen) ||
    offline(seen, adapter.services.policy, adapter) !== undefined;
  if (content) steps.push('read');
  if (content || modes) steps.push('chmod');
  if (keys) steps.push('keys');
  if (policy) steps.push('policy');
  if (ikeAction(files, seen, wanted, adapter) !== 'none') steps.push('ike');
  return steps;
}

function ikeAction(files: readonly FileChange[], seen: Observation, wanted: WantedState, adapter: Adapter): IkeAction {
  const online = daemonIsUp(seen, adapter);
  if (ikePaths(adapter).every((path) => !wants(wanted, path)))
    return changed(files, ikePaths(adapter)) && online ? 'stop' : 'none';
  if (!online) return 'start';
  return changed(files, ikePaths(adapter)) || !seen.daemonRunning ? 'restart' : 'none';
}

function predictedGaps(
  files: readonly FileChange[],
  seen: Observation,
  wanted: WantedState,
  adapter: Adapter,
): string[] {
  const gaps: string[] = [];
  if (
    wants(wanted, adapter.files.manualKeys) &&
    offline(seen, adapter.services.manualKeys, adapter) !== undefined &&
    seen.sad.some((sa) => sa.key !== 'missing')
  ) {
    gaps.push(
      'enabling manual-key flushes and reloads all SAs once: protected packets are lost for that moment, none is sent in the clear',
    );
  }
  if (ikeAction(files, seen, wanted, adapter) === 'restart') {
    gaps.push('in.iked restarts: phase 1 is negotiated anew when next needed; SAs in the kernel stay');
  }
  return gaps;
}
