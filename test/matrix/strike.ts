/** What each fault does when somebody has come to the point of a cell, and what follows once the run has ended. */

import { setTimeout as delay } from 'node:timers/promises';
import { losesUnsynced, type Cell } from './cells.js';
import type { Met } from './meeting.js';
import { isOpen, processesOf } from './picture.js';
import type { Run, RunEnd, Slot } from './slot.js';
import type { DiskFault } from './small-disk.js';
import type { ToolFault } from './tools-at-fault.js';
import { within } from './within.js';

export interface Strike {
  readonly slot: Slot;
  readonly cell: Cell;
  readonly met: Met;
  readonly run: Run;
  readonly windowSeconds: number;
  readonly tell: (line: string) => void;
}

export interface Struck {
  /** Power that has to come again, a suspended controller … */
  afterRun(): Promise<void>;
  /** How a second controller's run ended. */
  readonly second?: RunEnd;
}

const nothing: Struck = { afterRun: async () => undefined };

export async function strike(at: Strike): Promise<Struck> {
  const { slot, cell, met } = at;
  switch (cell.fault) {
    case 'tool-fails':
      return badTools(at, 'fail');
    case 'tool-hangs':
      return badTools(at, 'hang');
    case 'tool-lies':
      return badTools(at, 'lie');
    case 'agent-killed':
      kill(met.pid);
      return nothing;
    case 'session-cut':
      slot.host.dropConnections();
      slot.meeting.go();
      return nothing;
    case 'controller-killed':
      at.run.kill('SIGKILL');
      slot.meeting.go();
      return { afterRun: () => delay(10_500) };
    case 'controller-suspended':
      at.run.kill('SIGSTOP');
      slot.meeting.go();
      await delay(12_000);
      at.run.kill('SIGCONT');
      return nothing;
    case 'reply-lost':
      return loseReply(at);
    case 'disk-full':
    case 'read-only':
    case 'no-inodes':
      return badDisks(at, cell.fault);
    case 'clock-jumped':
      slot.tools.setClock([86_400, -86_400, 40_000_000, -3600][cell.variant] ?? 0);
      slot.meeting.go();
      return nothing;
    case 'power-cut':
      return powerCut(at);
    case 'power-cut-in-revert':
      return powerCutInRevert(at);
    case 'guard-interrupted':
      return interruptGuard(at);
    case 'second-controller':
      return secondController(at);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone by itself meanwhile.
  }
}

/** The next call alone; the one after it; that command each time; every command. */
const HOW_LONG: readonly Omit<ToolFault, 'how'>[] = [
  { after: 0, keep: 'once' },
  { after: 1, keep: 'once' },
  { after: 0, keep: 'same' },
  { after: 0, keep: 'all' },
];

async function badTools({ slot, cell, windowSeconds }: Strike, how: ToolFault['how']): Promise<Struck> {
  const long = HOW_LONG[cell.variant];
  if (long === undefined) throw new Error('no such variant');
  slot.tools.place({ ...long, how });
  slot.meeting.go();
  // What is broken for long is so past the window, with the timer's own attempt in it.
  return {
    afterRun: () => (how === 'hang' || cell.variant >= 2 ? delay((windowSeconds + 1) * 1000) : Promise.resolve()),
  };
}

/** The line of this step and all after it: they never arrive, or the connection breaks with them. */
async function loseReply({ slot, cell }: Strike): Promise<Struck> {
  if (cell.variant % 2 === 0) {
    slot.loseNextLine = true;
    slot.meeting.go();
    return nothing;
  }
  let release: () => void = () => undefined;
  slot.hold = new Promise((resolve) => (release = resolve));
  slot.meeting.go();
  // Longer than the controller waits for a reply.
  setTimeout(() => {
    slot.hold = undefined;
    release();
  }, 9500);
  return nothing;
}

/** The state folder, the folder of the files, or both; mended soon, or when the timer has had its turn. */
async function badDisks({ slot, cell, windowSeconds }: Strike, fault: DiskFault): Promise<Struck> {
  const [state, files] = slot.disks;
  const hit = [[state], [files], [state, files], [state, files]][cell.variant] ?? [];
  for (const disk of hit) disk.put(fault);
  slot.meeting.go();
  const mended = delay((cell.variant === 2 ? 1 : windowSeconds + 2) * 1000).then(() => {
    for (const disk of hit) disk.lift();
  });
  return { afterRun: () => mended };
}

async function cutPower({ slot, cell }: Pick<Strike, 'slot' | 'cell'>): Promise<void> {
  await slot.host.powerCut(cell.variant % 2 === 0 ? 'reset' : 'silent');
  if (!losesUnsynced(cell)) return;
  slot.disks[0].restoreFrom(`${slot.matrixFolder}/synced/state`);
  slot.disks[1].restoreFrom(`${slot.matrixFolder}/synced/inet`);
}

async function powerCut(at: Strike): Promise<Struck> {
  await cutPower(at);
  if (at.cell.variant % 2 === 0) {
    await boot(at.slot);
    return nothing;
  }
  return { afterRun: () => boot(at.slot) };
}

async function boot(slot: Slot): Promise<void> {
  await slot.host.boot();
  await within(slot.host.machine.idle(), 30, 'the boot does not end');
}

const IN_REVERT = ['revert.begin.before', 'revert.begin.after', 'revert.done.before', 'revert.done.after'];

/** The agent dies; whoever takes back, the timer or the controller's next word, has its power cut in the middle. */
async function powerCutInRevert(at: Strike): Promise<Struck> {
  const { slot, cell, met } = at;
  if (met.point.startsWith('revert.done')) {
    await cutPower(at);
    await boot(slot);
    return nothing;
  }
  slot.meeting.wait(...IN_REVERT.slice(met.point.startsWith('revert.') ? 2 : cell.variant));
  if (met.point.startsWith('revert.')) slot.meeting.go();
  else kill(met.pid);
  const patience = performance.now() + 25_000;
  const second = await slot.meeting.met(
    () => performance.now() > patience || (!isOpen(slot.host) && processesOf(slot.host).length === 0),
  );
  at.tell(`in the revert: ${JSON.stringify(second)}`);
  await cutPower(at);
  await boot(slot);
  return nothing;
}

/** The guard is killed, or has its power cut, where it takes back or finishes. */
async function interruptGuard(at: Strike): Promise<Struck> {
  const { slot, cell } = at;
  await cutPower(at);
  slot.meeting.wait(...IN_REVERT.slice(cell.variant % 4), 'confirm.mark.before', 'confirm.mark.after');
  let up = false;
  const coming = slot.host
    .boot()
    .then(() => slot.host.machine.idle())
    .finally(() => (up = true));
  const met = await slot.meeting.met(() => up);
  at.tell(`in the guard: ${JSON.stringify(met)}`);
  if (met === undefined) {
    await coming;
    return nothing;
  }
  if (cell.variant % 2 === 0) {
    kill(met.pid);
    await within(coming, 30, 'the boot does not end');
    return nothing;
  }
  await cutPower(at);
  await coming.catch(() => undefined);
  await boot(slot);
  return nothing;
}

async function secondController({ slot, run, windowSeconds, tell }: Strike): Promise<Struck> {
  let over = false;
  void run.ended.then(() => (over = true));
  const second = await slot.apply(slot.next, { windowSeconds, replySeconds: 40 });
  tell(`second: ${JSON.stringify(second.outcome)}, the first ${over ? 'had ended' : 'went on'}`);
  slot.meeting.go();
  return { ...nothing, second };
}
