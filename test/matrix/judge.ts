/** Whether a cell holds: one generation in every part of the host, nothing left over, true words, and the next change works. */

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HostOutcome } from '../../controller/model/run.js';
import type { Cell } from './cells.js';
import { currentGeneration, differences, isOpen, leftovers, pictureOf, processesOf, stateFolder } from './picture.js';
import type { RunEnd, Slot } from './slot.js';
import type { Struck } from './strike.js';
import { within } from './within.js';

export interface Judged {
  readonly slot: Slot;
  readonly cell: Cell;
  readonly end: RunEnd;
  readonly struck: Struck;
  readonly tell: (line: string) => void;
}

export async function judge({ slot, end, struck, tell }: Judged): Promise<readonly string[]> {
  const { host } = slot;
  const complaints: string[] = [];
  if (isOpen(host)) complaints.push('a transaction is still open');
  const generation = currentGeneration(host);
  const isNew = generation === slot.generation + 1;
  if (!isNew && generation !== slot.generation) complaints.push(`generation ${generation} out of nowhere`);
  const content = isNew ? slot.next : slot.content;
  const wanted = slot.pictures[content] ?? [];
  const found = await pictureOf(host);
  complaints.push(...differences(wanted, found), ...manifestComplaints(slot, generation));
  const left = leftovers(host);
  if (left.length > 0) complaints.push(`left over: ${left.join(', ')}`);
  const processes = processesOf(host);
  if (processes.length > 0) complaints.push(`processes left: ${processes.join(' | ')}`);
  complaints.push(...lies(end.outcome, isNew, 'the run'));
  if (struck.second !== undefined) complaints.push(...secondLies(struck.second));
  complaints.push(...historyComplaints(slot, end, isNew));
  if (isNew) slot.moved(content);
  // Even a host with a complaint: what the next apply says tells more.
  const next = await within(
    slot.apply(slot.next, { windowSeconds: 60, replySeconds: 80 }),
    90,
    'the next apply does not end',
  );
  if (next.outcome?.status !== 'confirmed') {
    complaints.push(`the next apply: ${JSON.stringify(next.outcome)}`);
    tell(next.said);
    return complaints;
  }
  slot.moved(slot.next);
  await host.machine.idle();
  const after = differences(slot.pictures[slot.content] ?? [], await pictureOf(host));
  complaints.push(...after.map((line) => `after the next apply: ${line}`));
  slot.tools.rightClock();
  return complaints;
}

/** The files are those that the generation's own record names. */
function manifestComplaints(slot: Slot, generation: number): readonly string[] {
  const path = join(stateFolder(slot.host), 'generations', String(generation), 'manifest');
  if (!existsSync(path)) return ['the generation has no manifest'];
  return [...readFileSync(path, 'utf8').matchAll(/^file (\S+) (\S+) (\S+)$/gm)].flatMap(([, , sum, file = '']) => {
    const installed = join(slot.host.root, file);
    if (!existsSync(installed)) return [`${file} of generation ${generation} is not there`];
    const found = createHash('sha256').update(readFileSync(installed)).digest('hex');
    return found === sum ? [] : [`${file} is not that of generation ${generation}`];
  });
}

/** Where the word of a run is not what is so. */
function lies(outcome: HostOutcome | undefined, isNew: boolean, who: string): readonly string[] {
  switch (outcome?.status) {
    // A run that was killed says nothing; `unknown` promises nothing but that the host decides.
    case undefined:
    case 'unknown':
      return [];
    case 'confirmed':
      return isNew ? [] : [`${who} said confirmed, but the host is on its former generation`];
    case 'reverted':
    case 'failed':
    case 'unreachable':
      return isNew ? [`${who} said ${outcome.status}, but the host is on the new generation`] : [];
    case 'unchanged':
    case 'skipped':
      return [`${who} ended as ${outcome.status}`];
  }
}

/** It came while the first was at work: nothing but a refusal is right, or that the host cannot be reached. */
function secondLies({ outcome }: RunEnd): readonly string[] {
  if (outcome?.status === 'failed' && !outcome.touched) return [];
  return [`the second controller ended as ${JSON.stringify(outcome)}`];
}

function historyComplaints(slot: Slot, { run }: RunEnd, isNew: boolean): readonly string[] {
  if (run === undefined) return [];
  const path = join(stateFolder(slot.host), 'history');
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : [];
  const own = lines.filter((line) => line.split(' ')[1] === `${run}.${slot.host.name}`);
  const last = own.at(-1)?.split(' ')[2];
  const complaints: string[] = [];
  if (lines.some((line) => line !== '' && !/^\d{4}-\d\d-\d\dT\S+Z \S+ (confirmed|reverted|failed) /.test(line)))
    complaints.push('a line of the history is damaged');
  if (isNew && last !== 'confirmed')
    complaints.push(`the history says ${last ?? 'nothing'} of a generation that counts`);
  if (!isNew && last !== undefined && last !== 'reverted')
    complaints.push(`the history says ${last}, but it was taken back`);
  return complaints;
}
