/** Which cells the fault matrix has: every point of a transaction, every fault, both ways of keying, every platform. Pure. */

import type { Keying } from '../../controller/model/host.js';
import { STEP_NAMES, type StepName } from '../../controller/model/observation.js';

export const FAULTS = [
  'tool-fails',
  'tool-hangs',
  'tool-lies',
  'agent-killed',
  'session-cut',
  'controller-killed',
  'controller-suspended',
  'reply-lost',
  'disk-full',
  'read-only',
  'no-inodes',
  'clock-jumped',
  'power-cut',
  'power-cut-in-revert',
  'guard-interrupted',
  'second-controller',
] as const;
export type FaultName = (typeof FAULTS)[number];

export const KEYINGS: readonly Keying[] = ['manual', 'ike-psk'];
export type MatrixPlatform = 'solaris-smf' | 'solaris-legacy';

/**
 * A moment of a transaction. `entry` is the line of the journal, `mark` the file that makes a generation the current one:
 * a confirmation has no other last line.
 */
export interface Point {
  readonly step: StepName;
  readonly entry: 'begin' | 'done' | 'skipped' | 'mark';
  readonly side: 'before' | 'after';
}

export interface Cell {
  /** Names the cell for good: PLATFORM/KEYING/STEP.ENTRY.SIDE/FAULT */
  readonly id: string;
  readonly platform: MatrixPlatform;
  readonly keying: Keying;
  readonly point: Point;
  readonly fault: FaultName;
  /** One of four ways to play the fault: which disk, once or for long, how far the clock jumps. */
  readonly variant: 0 | 1 | 2 | 3;
  /** Which content the host has before: a change that adds a peer, or one that takes a peer away. */
  readonly from: 0 | 1;
}

/** Steps that a plan of this keying has nothing to do in. */
const SKIPPED: Readonly<Record<Keying, StepName>> = { manual: 'ike', 'ike-psk': 'keys' };

function pointsOf(step: StepName, keying: Keying): readonly Point[] {
  const entries: readonly Point['entry'][] =
    step === SKIPPED[keying] ? ['skipped'] : step === 'confirm' ? ['begin', 'mark'] : ['begin', 'done'];
  return entries.flatMap((entry) => (['before', 'after'] as const).map((side) => ({ step, entry, side })));
}

/** Where a fault cannot be: what is told after the revert is over cannot be cut short in another revert. */
function makesSense(point: Point, fault: FaultName): boolean {
  return !(
    point.step === 'revert' &&
    fault === 'power-cut-in-revert' &&
    point.side === 'before' &&
    point.entry === 'begin'
  );
}

export function pointText({ step, entry, side }: Point): string {
  return `${step}.${entry}.${side}`;
}

export function allCells(platforms: readonly MatrixPlatform[]): readonly Cell[] {
  const cells: Cell[] = [];
  for (const platform of platforms)
    for (const keying of KEYINGS)
      for (const step of STEP_NAMES)
        for (const point of pointsOf(step, keying))
          for (const fault of FAULTS) {
            if (!makesSense(point, fault)) continue;
            const id = `${platform}/${keying}/${pointText(point)}/${fault}`;
            cells.push({ id, platform, keying, point, fault, ...drawnFrom(id) });
          }
  return cells;
}

/** Drawn from the name, so that a cell is the same in every run and neighbours differ. */
function drawnFrom(id: string): Pick<Cell, 'variant' | 'from'> {
  let hash = 0x811c9dc5;
  for (const letter of id) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193);
  const drawn = ((hash ^ (hash >>> 13)) >>> 3) & 3;
  return { variant: drawn === 0 ? 0 : drawn === 1 ? 1 : drawn === 2 ? 2 : 3, from: ((hash >>> 7) & 1) === 0 ? 0 : 1 };
}

/** Powers that go may take with them what no sync has made safe: everything, or nothing. */
export function losesUnsynced(cell: Cell): boolean {
  return /^power-cut|^guard/.test(cell.fault) && cell.variant >= 2;
}

/** `count` of the cells, every fault about as often as any other; the same seed draws the same. */
export function sample(cells: readonly Cell[], count: number, seed: number): readonly Cell[] {
  const shuffled = shuffle(cells, seed);
  const byFault = FAULTS.map((fault) => shuffled.filter((cell) => cell.fault === fault));
  const drawn: Cell[] = [];
  for (let round = 0; drawn.length < Math.min(count, cells.length); round++)
    for (const group of byFault) {
      const cell = group[round];
      if (cell !== undefined && drawn.length < count) drawn.push(cell);
    }
  return drawn;
}

/** Fisher and Yates with a small generator (Mulberry32). */
export function shuffle<T>(items: readonly T[], seed: number): readonly T[] {
  const result = [...items];
  let state = seed | 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    const a = result[i];
    const b = result[j];
    if (a !== undefined && b !== undefined) [result[i], result[j]] = [b, a];
  }
  return result;
}
