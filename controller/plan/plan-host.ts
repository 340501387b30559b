/** One host's desired files against what it reports, to a plan. Decides everything; touches nothing. */

import { createHash } from 'node:crypto';

import { fileText, type KeyName, type ManagedFile } from '../model/managed-file.js';
import type { InstalledKey, Observation } from '../model/observation.js';
import { filePatch } from './diff.js';
import type { ChangeStep, Expectation, FileChange, HostPlan, IkeAction } from './host-plan.js';
import { keyChanges } from './key-changes.js';

export const MANAGED_PATHS = [
  '/etc/inet/ipsecinit.conf',
  '/etc/inet/secret/ipseckeys',
  '/etc/inet/ike/config',
  '/etc/inet/secret/ike.preshared',
] as const;

const IKE_PATHS: readonly string[] = ['/etc/inet/ike/config', '/etc/inet/secret/ike.preshared'];
const KEYS_PATH = '/etc/inet/secret/ipseckeys';
const POLICY_PATH = '/etc/inet/ipsecinit.conf';

/** What the inventory asks of one host. */
export interface DesiredHost {
  readonly host: string;
  readonly files: readonly ManagedFile[];
  /** Canonical form of the policy its `ipsecinit.conf` loads. */
  readonly spd: readonly string[];
  readonly keys: readonly KeyName[];
}

/**
 * Key file of a host whose last manual link is gone. The file stays, empty: without it the service that loads it would fail at the next
 * boot, and disabling the service flushes every SA of the host, those of IKE too.
 */
const RETIRED_KEYS: ManagedFile = {
  path: KEYS_PATH,
  mode: '0400',
  parts: [
    '# Managed by ipsec-deploy: generation ',
    { generation: true },
    '. No link of this host uses manual keys any more.\n',
  ],
};

/** What the inventory asks for, and what a file of ours becomes that it no longer asks for. */
function filesWanted(desired: DesiredHost, seen: Observation): readonly ManagedFile[] {
  const asked = desired.files.some((file) => file.path === KEYS_PATH);
  return !asked && isRetired(KEYS_PATH, seen) ? [...desired.files, RETIRED_KEYS] : desired.files;
}

/** Whether a file that is no longer wanted has to stay, empty, instead of going. */
export function isRetired(path: string, seen: Observation): boolean {
  return path === KEYS_PATH && isOurs(path, seen);
}

/** The change that empties the key file. */
export function retiredKeys(generation: number): FileChange {
  const text = fileText(RETIRED_KEYS, { generation, key: () => '' });
  const sha256 = createHash('sha256').update(text).digest('hex');
  return { kind: 'update', path: KEYS_PATH, mode: RETIRED_KEYS.mode, sha256, file: RETIRED_KEYS, patch: '' };
}

/** SHA-256 in hex of a desired file as it would be sent for a generation. */
export type DigestFile = (file: ManagedFile, generation: number) => string;

/** The digest by which plan and host compare a loaded policy: each canonical rule line with a newline. */
export function spdDigest(rules: readonly string[]): string {
  const hash = createHash('sha256');
  for (const rule of rules) hash.update(`${rule}\n`, 'latin1');
  return hash.digest('hex');
}

/**
 * The desired files that the host does not have, content or absence. A file counts as the same when it is what we would have sent
 * for any generation up to the current one: an unchanged file keeps the banner of the generation that wrote it, so that a new
 * generation restarts nothing that did not change.
 */
export function differingFiles(desired: DesiredHost, seen: Observation, digest: DigestFile): readonly string[] {
  const differing: string[] = [];
  const files = filesWanted(desired, seen);
  for (const path of MANAGED_PATHS) {
    const wanted = files.find((file) => file.path === path);
    const found = seen.files.find((file) => file.path === path && file.state === 'present');
    if (wanted === undefined) {
      if (found !== undefined && isOurs(path, seen)) differing.push(path);
    } else if (found?.sha256 === undefined || writtenAs(wanted, found.sha256, seen, digest) === undefined) {
      differing.push(path);
    }
  }
  return differing;
}

/** A file we never wrote and do not want is the operator's own business, but for IKE and key files of a generation of ours. */
function isOurs(path: string, seen: Observation): boolean {
  return seen.manifest?.files.some((file) => file.path === path) ?? false;
}

function writtenAs(file: ManagedFile, sha256: string, seen: Observation, digest: DigestFile): number | undefined {
  for (let generation = seen.generation ?? -1; generation >= 0; generation--) {
    if (digest(file, generation) === sha256) return generation;
    if (file.parts.every((part) => typeof part === 'string' || 'key' in part)) return undefined;
  }
  return undefined;
}

export interface PlanHostInput {
  readonly desired: DesiredHost;
  readonly seen: Observation;
  readonly digest: DigestFile;
  /** Text on the host of each differing file, keys masked as `[key]`. */
  readonly currentTexts: ReadonlyMap<string, string>;
  /** Keys found in differing files that no manifest of ours names. */
  readonly installedKeys: readonly InstalledKey[];
}

export function planHost({ desired, seen, digest, currentTexts, installedKeys }: PlanHostInput): HostPlan {
  const generation = (seen.generation ?? 0) + 1;
  const files = fileChanges(desired, seen, digest, currentTexts, generation);
  const wanted: WantedState = { paths: new Set(desired.files.map((file) => file.path)), spd: desired.spd };
  return {
    host: desired.host,
    generation,
    expect: expectation(seen),
    files,
    keyChanges: keyChanges(desired.keys, seen, installedKeys, files),
    keys: desired.keys,
    spd: desired.spd,
    ...describeChange(wanted, files, seen),
  };
}

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
): Pick<HostPlan, 'steps' | 'ike' | 'rulesAdded' | 'rulesRemoved' | 'reasons' | 'gaps'> {
  const steps = stepsFor(files, wanted, seen);
  return {
    steps,
    ike: ikeAction(files, seen, wanted),
    rulesAdded: without(wanted.spd, seen.spd),
    rulesRemoved: without(seen.spd, wanted.spd),
    reasons: whyBesidesFiles(wanted, files, seen),
    gaps: steps.length === 0 ? [] : predictedGaps(files, seen, wanted),
  };
}

function without(rules: readonly string[], others: readonly string[]): string[] {
  const known = new Set(others);
  return rules.filter((rule) => !known.has(rule));
}

export function expectation(seen: Observation): Expectation {
  return {
    generation: seen.generation,
    files: MANAGED_PATHS.map((path) => ({
      path,
      sha256: seen.files.find((file) => file.path === path && file.state === 'present')?.sha256,
    })),
    spd: spdDigest(seen.spd),
  };
}

function fileChanges(
  desired: DesiredHost,
  seen: Observation,
  digest: DigestFile,
  currentTexts: ReadonlyMap<string, string>,
  generation: number,
): FileChange[] {
  const differing = new Set(differingFiles(desired, seen, digest));
  const changes: FileChange[] = [];
  const files = filesWanted(desired, seen);
  for (const path of MANAGED_PATHS) {
    const wanted = files.find((file) => file.path === path);
    const found = seen.files.find((file) => file.path === path && file.state === 'present');
    if (wanted === undefined) {
      if (differing.has(path))
        changes.push({ kind: 'remove', path, patch: filePatch(path, currentTexts.get(path), undefined, generation) });
      continue;
    }
    if (!differing.has(path) && found?.sha256 !== undefined) {
      const modeIsRight = found.mode === wanted.mode && (found.uid ?? 0) === (rootUid(seen) ?? found.uid ?? 0);
      changes.push({
        kind: 'keep',
        path,
        mode: wanted.mode,
        sha256: found.sha256,
        ...(modeIsRight ? {} : { modeWas: found.mode ?? 'unknown' }),
      });
      continue;
    }
    changes.push({
      kind: found === undefined ? 'create' : 'update',
      path,
      mode: wanted.mode,
      sha256: digest(wanted, generation),
      file: wanted,
      patch: filePatch(path, currentTexts.get(path), wanted, generation),
    });
  }
  return changes;
}

/** Who owns managed files there: root, or the lab's user who stands for root. */
function rootUid(seen: Observation): number | undefined {
  const user = seen.facts.get('user');
  return user === undefined || !/^\d+$/.test(user) ? undefined : Number(user);
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

function offline(seen: Observation, service: string): string | undefined {
  const state = seen.services.get(service) ?? 'absent';
  return state === 'online' ? undefined : state;
}

function whyBesidesFiles(wanted: WantedState, files: readonly FileChange[], seen: Observation): string[] {
  const reasons: string[] = [];
  for (const file of files) {
    if (file.kind === 'keep' && file.modeWas !== undefined) {
      reasons.push(`${file.path} has mode or owner ${file.modeWas}, ${file.mode} and root are wanted`);
    }
  }
  if (!changed(files, [POLICY_PATH]) && spdDiffers(wanted, seen))
    reasons.push('the loaded policy is not the one in the file');
  const policy = offline(seen, 'network/ipsec/policy');
  if (policy !== undefined) reasons.push(...notOnline('network/ipsec/policy', policy, seen));
  if (wants(wanted, KEYS_PATH)) {
    const missing = seen.sad.filter((sa) => sa.key === 'missing' || sa.key === 'differs').length;
    if (!changed(files, [KEYS_PATH]) && missing > 0) reasons.push(`${missing} of the SAs in ipseckeys are not loaded`);
    const keys = offline(seen, 'network/ipsec/manual-key');
    if (keys !== undefined) reasons.push(...notOnline('network/ipsec/manual-key', keys, seen));
  }
  if (IKE_PATHS.some((path) => wants(wanted, path))) {
    const ike = offline(seen, 'network/ipsec/ike');
    if (ike !== undefined) reasons.push(...notOnline('network/ipsec/ike', ike, seen));
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

function stepsFor(files: readonly FileChange[], wanted: WantedState, seen: Observation): ChangeStep[] {
  const steps: ChangeStep[] = [];
  const content = files.some((file) => file.kind !== 'keep');
  const modes = files.some((file) => file.kind === 'keep' && file.modeWas !== undefined);
  const keys =
    wants(wanted, KEYS_PATH) &&
    (changed(files, [KEYS_PATH]) ||
      seen.sad.some((sa) => sa.key === 'missing' || sa.key === 'differs') ||
      offline(seen, 'network/ipsec/manual-key') !== undefined);
  const policy =
    changed(files, [POLICY_PATH]) || spdDiffers(wanted, seen) || offline(seen, 'network/ipsec/policy') !== undefined;
  if (content) steps.push('read');
  if (content || modes) steps.push('chmod');
  if (keys) steps.push('keys');
  if (policy) steps.push('policy');
  if (ikeAction(files, seen, wanted) !== 'none') steps.push('ike');
  return steps;
}

function ikeAction(files: readonly FileChange[], seen: Observation, wanted: WantedState): IkeAction {
  const online = offline(seen, 'network/ipsec/ike') === undefined;
  if (IKE_PATHS.every((path) => !wants(wanted, path))) return changed(files, IKE_PATHS) && online ? 'stop' : 'none';
  if (!online) return 'start';
  return changed(files, IKE_PATHS) || !seen.daemonRunning ? 'restart' : 'none';
}

function predictedGaps(files: readonly FileChange[], seen: Observation, wanted: WantedState): string[] {
  const gaps: string[] = [];
  if (
    wants(wanted, KEYS_PATH) &&
    offline(seen, 'network/ipsec/manual-key') !== undefined &&
    seen.sad.some((sa) => sa.key !== 'missing')
  ) {
    gaps.push(
      'enabling manual-key flushes and reloads all SAs once: protected packets are lost for that moment, none is sent in the clear',
    );
  }
  if (ikeAction(files, seen, wanted) === 'restart') {
    gaps.push('in.iked restarts: phase 1 is negotiated anew when next needed; SAs in the kernel stay');
  }
  return gaps;
}
