/** The transaction of a drill: all that the host has stays, but for a comment at the end of its policy file, which must go again. */

import { createHash } from 'node:crypto';

import type { Observation, ObservedFile, TransactionFile, TransactionRequest } from '../model/observation.js';
import { Secret } from '../model/secret.js';
import type { Adapter } from '../platform/adapter.js';
import { expectation } from './plan-host.js';

export interface DrillTerms {
  /** Begins with `DRILL_PREFIX`. */
  readonly run: string;
  readonly host: string;
  /** ISO 8601, UTC. */
  readonly made: string;
  readonly nonce: string;
  readonly windowSeconds: number;
  readonly keepGenerations: number;
}

export interface DrillSubject {
  readonly seen: Observation;
  readonly adapter: Adapter;
  /** Text of the policy file. */
  readonly policy: string;
}

export type DrillPlan = { readonly request: TransactionRequest } | { readonly refusal: string; readonly todo: string };

/** No rule, SA or service is touched on the way there: on the way back, all the host does for a real change is done and looked at. */
export function drillRequest({ seen, adapter, policy }: DrillSubject, terms: DrillTerms): DrillPlan {
  if (seen.generation === undefined) {
    return {
      refusal: 'nothing was ever applied to it',
      todo: 'apply first: a drill takes back a change to what is there',
    };
  }
  const present = seen.files.filter((file) => file.state === 'present');
  const found = present.find((file) => file.path === adapter.files.policy);
  if (found === undefined) {
    return { refusal: `it has no ${adapter.files.policy}`, todo: 'see what `ipsec-deploy drift` says of it' };
  }
  if (found.sha256 !== sha256(policy)) {
    return {
      refusal: `${adapter.files.policy} is not UTF-8, or changed while it was read`,
      todo: 'run again; if it stays so, look at the file',
    };
  }
  const generation = seen.generation + 1;
  const files = present.map((file) => (file === found ? marked(file, policy, terms.run) : kept(file)));
  const { files: expectFiles, spd: expectSpd } = expectation(seen, adapter);
  const request: TransactionRequest = {
    id: `${terms.run}.${terms.host}`,
    nonce: terms.nonce,
    windowSeconds: terms.windowSeconds,
    generation,
    expectGeneration: seen.generation,
    run: terms.run,
    keepGenerations: terms.keepGenerations,
    steps: ['read', 'chmod'],
    ike: 'none',
    expectFiles,
    expectSpd,
    files,
    spd: seen.spd,
    manifest: {
      generation,
      run: terms.run,
      made: terms.made,
      files: files.flatMap((file) =>
        file.kind === 'remove' ? [] : [{ path: file.path, mode: file.mode, sha256: file.sha256 }],
      ),
      keys: seen.manifest?.keys ?? [],
    },
  };
  return { request };
}

function marked(file: ObservedFile, text: string, run: string): TransactionFile {
  const withMark = `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}# ipsec-deploy ${run}: this line goes away by itself\n`;
  return {
    kind: 'send',
    path: file.path,
    mode: modeOf(file),
    sha256: sha256(withMark),
    text: Secret.fromText(withMark),
  };
}

function kept(file: ObservedFile): TransactionFile {
  return { kind: 'keep', path: file.path, mode: modeOf(file), sha256: file.sha256 ?? '' };
}

/** The modes a transaction may ask for; another one that was found comes back with the rest. */
function modeOf(file: ObservedFile): string {
  return file.mode === '0600' ? '0600' : '0400';
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** What is otherwise on a host after a drill, in words; empty when it is as it was. */
export function differences(before: Observation, after: Observation): readonly string[] {
  const told: string[] = [];
  if (after.generation !== before.generation)
    told.push(`generation ${after.generation ?? 'none'}, was ${before.generation ?? 'none'}`);
  if (after.openTransaction !== undefined) told.push(`transaction ${after.openTransaction.id} is open`);
  for (const file of before.files) {
    const now = after.files.find((one) => one.path === file.path);
    if (JSON.stringify(fileMarks(now)) !== JSON.stringify(fileMarks(file))) told.push(`${file.path} is not as it was`);
  }
  if (JSON.stringify(after.spd) !== JSON.stringify(before.spd)) told.push('the loaded policy is not as it was');
  const sas = ({ sad }: Observation): string =>
    sad
      .filter((sa) => sa.key !== 'unlisted')
      .map((sa) => `${sa.type} ${sa.spi} ${sa.dst} ${sa.key}`)
      .sort()
      .join('\n');
  if (sas(after) !== sas(before)) told.push('the SAs are not as they were');
  for (const [service, state] of before.services) {
    const now = after.services.get(service) ?? 'absent';
    if (now !== state) told.push(`${service} is ${now}, was ${state}`);
  }
  return told;
}

function fileMarks(file: ObservedFile | undefined): readonly unknown[] {
  return file === undefined ? [] : [file.state, file.sha256, file.mode, file.uid, file.gid];
}
