/** Plays one cell on a host: a change is brought to the point, the fault strikes, everybody recovers, and all is looked at. */

import * as fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { losesUnsynced, pointText, type Cell } from './cells.js';
import { judge } from './judge.js';
import { isOpen, processesOf, stateFolder } from './picture.js';
import type { Run, RunEnd, Slot } from './slot.js';
import { strike, type Struck } from './strike.js';
import { within } from './within.js';

/** Longer than the longest window, its revert and a hang in it. */
const PATIENCE_SECONDS = 60;

/** The window of a controller's own process, and its revert: who still lives then waits for something else. */
const TIMER_SECONDS = 14;

/** Several patiences in a row, and no more. */
const LONGEST_CELL_SECONDS = 240;

export interface Played {
  readonly cell: Cell;
  /** Why it does not hold; empty = it holds. */
  readonly complaints: readonly string[];
  readonly told: string;
}

/** Never throws: what goes wrong in the playing is a complaint too. */
export async function playCell(slot: Slot, cell: Cell): Promise<Played> {
  const told: string[] = [];
  try {
    const complaints = await within(
      play(slot, cell, (line) => told.push(line)),
      LONGEST_CELL_SECONDS,
      'the cell does not come to its end',
    );
    return { cell, complaints, told: told.join('\n') };
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { cell, complaints: [`the cell could not be played: ${text}`], told: told.join('\n') };
  }
}

/** Windows to try the cell with: a machine that is busy may not even come to the point within the first. */
const WINDOWS_SECONDS = [5, 12, 30];

async function play(slot: Slot, cell: Cell, tell: (line: string) => void): Promise<readonly string[]> {
  if (slot.content !== cell.from) await slot.become(cell.from);
  for (const windowSeconds of WINDOWS_SECONDS) {
    const complaints = await playOnce(slot, cell, windowSeconds, tell);
    if (complaints !== 'too slow') return complaints;
  }
  return ['the point was never reached'];
}

async function playOnce(
  slot: Slot,
  cell: Cell,
  windowSeconds: number,
  tell: (line: string) => void,
): Promise<readonly string[] | 'too slow'> {
  slot.heard = '';
  slot.tools.forgetTold();
  for (const name of ['synced']) fs.rmSync(join(slot.matrixFolder, name), { recursive: true, force: true });
  // In half of the cells at `arm` the boot guard has to be installed first.
  if (cell.point.step === 'arm' && cell.variant % 2 === 0)
    fs.appendFileSync(join(stateFolder(slot.host), 'agent/boot'), '# of another version\n');
  if (losesUnsynced(cell)) {
    fs.mkdirSync(join(slot.matrixFolder, 'synced'));
    slot.disks[0].copyTo(join(slot.matrixFolder, 'synced/state'));
    slot.disks[1].copyTo(join(slot.matrixFolder, 'synced/inet'));
  }
  if (cell.point.step === 'revert') failVerification(slot);
  slot.meeting.wait(pointText(cell.point));

  const run = begin(slot, cell, windowSeconds);
  let ended: RunEnd | undefined;
  void run.ended.then((end) => (ended = end));
  const met = await slot.meeting.met(() => ended !== undefined);
  slot.host.intercept = slot.tools.intercept;
  if (met === undefined) {
    tell(`the run: ${JSON.stringify(ended?.outcome)} ${ended?.said ?? ''}`);
    await recovered(slot, tell);
    return 'too slow';
  }
  const struck: Struck = await strike({ slot, cell, met, run, windowSeconds, tell });
  const end = await within(run.ended, PATIENCE_SECONDS, 'the run does not end');
  tell(`outcome: ${JSON.stringify(end.outcome)} exit ${end.exit ?? '-'}`);
  await struck.afterRun();
  await recovered(slot, tell);
  return judge({ slot, cell, end, struck, tell });
}

function begin(slot: Slot, cell: Cell, windowSeconds: number): Run {
  if (cell.fault.startsWith('controller-')) {
    const { child, ended } = slot.start(slot.next);
    return { ended, kill: (signal) => void child.kill(signal) };
  }
  // Where something does not answer at all the controller is to notice; else a busy machine has time.
  const replySeconds = /hang|reply|power|guard/.test(cell.fault) ? 8 : 40;
  return { ended: slot.apply(slot.next, { windowSeconds, replySeconds }), kill: () => undefined };
}

/** The loaded policy is told to be none once the new one is loaded: the agent takes the change back by itself. */
function failVerification(slot: Slot): void {
  const intercept = slot.tools.intercept;
  let loaded = false;
  let told = false;
  slot.host.intercept = async (call, run) => {
    const tool = call.tool.replace(/^.*\//, '');
    if (tool === 'ipsecconf' && call.args.some((arg) => /^-[Fad]/.test(arg))) loaded = true;
    if (tool === 'ipsecconf' && call.args.some((arg) => /^-[lL]/.test(arg)) && loaded && !told) {
      told = true;
      return { exit: 1, stdout: '', stderr: 'ipsecconf: failed as told\n' };
    }
    return intercept(call, run);
  };
}

/** Waits for the timer, then comes by as the next contact, until the host is at rest. */
async function recovered(slot: Slot, tell: (line: string) => void): Promise<void> {
  const patience = performance.now() + TIMER_SECONDS * 1000;
  const atRest = (): boolean => !isOpen(slot.host) && processesOf(slot.host).length === 0;
  // The timer's turn: as long as somebody lives who may still act.
  while (processesOf(slot.host).length > 0 && performance.now() < patience) await delay(100);
  await slot.lift();
  for (let turn = 0; turn < 4; turn++) {
    const status = await within(slot.status(), 30, 'no answer to status').catch((error: unknown) => {
      tell(`status: ${String(error)}`);
      return undefined;
    });
    if (status?.openTransaction !== undefined) tell(`open: ${JSON.stringify(status.openTransaction)}`);
    const soon = performance.now() + 4000;
    while (!atRest() && performance.now() < soon) await delay(50);
    if (atRest() && status !== undefined) break;
  }
  await slot.host.machine.idle();
}
