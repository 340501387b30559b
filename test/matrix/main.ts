/** `npm run test:matrix`: plays the cells of the fault matrix on hosts of a lab, many at once, and says which do not hold. */

import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { allCells, KEYINGS, sample, shuffle, type Cell, type MatrixPlatform } from './cells.js';
import { startFloor, type Floor } from './floor.js';
import { playCell, type Played } from './play-cell.js';
import type { Slot } from './slot.js';
import type { Sabotage } from './instrumented-agent.js';

const PLATFORMS: readonly MatrixPlatform[] = ['solaris-smf', 'solaris-legacy'];

export interface MatrixOptions {
  readonly cells: readonly Cell[];
  /** Hosts at work at once. */
  readonly hosts: number;
  readonly sabotage?: readonly Sabotage[];
  readonly onPlayed?: (played: Played, done: number) => void;
  /** Aborted: cells that are being played come to their end, no other is begun. */
  readonly stop?: AbortSignal;
}

/** Needs root, for file systems of its own. */
export async function playMatrix({
  cells,
  hosts,
  sabotage,
  onPlayed,
  stop,
}: MatrixOptions): Promise<readonly Played[]> {
  const folder = fs.mkdtempSync(join(tmpdir(), 'matrix-'));
  const kinds = kindsOf(cells, hosts);
  const floor = await startFloor(folder, kinds, sabotage);
  const results: Played[] = [];
  try {
    const queues = new Map<string, Cell[]>();
    stop?.addEventListener('abort', () => queues.clear());
    for (const cell of cells) {
      const kind = kindOf(cell);
      queues.set(kind, [...(queues.get(kind) ?? []), cell]);
    }
    await Promise.all(
      floor.slots.map((_, at) =>
        work(floor, at, queues, (played) => {
          results.push(played);
          onPlayed?.(played, results.length);
        }),
      ),
    );
  } finally {
    await floor.close();
    fs.rmSync(folder, { recursive: true, force: true });
  }
  return results;
}

function kindOf({ platform, keying }: Pick<Cell, 'platform' | 'keying'>): string {
  return `${platform}/${keying}`;
}

/** As many hosts of each kind as there is work for, evenly. */
function kindsOf(cells: readonly Cell[], hosts: number): readonly Pick<Cell, 'platform' | 'keying'>[] {
  const kinds = [...new Map(cells.map((cell) => [kindOf(cell), cell])).values()];
  return Array.from({ length: Math.min(hosts, cells.length) }, (_, at) => kinds[at % kinds.length]).flatMap((kind) =>
    kind === undefined ? [] : [{ platform: kind.platform, keying: kind.keying }],
  );
}

async function work(
  floor: Floor,
  at: number,
  queues: Map<string, Cell[]>,
  done: (played: Played) => void,
): Promise<void> {
  for (;;) {
    const slot = floor.slots[at];
    const cell = slot === undefined ? undefined : takeFor(slot, queues.get(kindOf(slot)) ?? []);
    if (slot === undefined || cell === undefined) return;
    const played = await playCell(slot, cell);
    done(played);
    // What a broken cell left must not be held against the next.
    if (played.complaints.length > 0 && !(await renewed(floor, at))) return;
  }
}

/** The next cell, rather one that begins with what the host has now. */
function takeFor(slot: Slot, queue: Cell[]): Cell | undefined {
  const fitting = queue.findIndex(({ from }) => from === slot.content);
  return queue.splice(Math.max(0, fitting), 1)[0];
}

/** A host that cannot be had anew plays no more cells; others take them. */
async function renewed(floor: Floor, at: number): Promise<boolean> {
  try {
    await floor.renew(at);
    return true;
  } catch (error) {
    process.stderr.write(`a host is lost: ${error instanceof Error ? error.message : String(error)}\n`);
    return false;
  }
}

export async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      cells: { type: 'string' },
      seed: { type: 'string' },
      cell: { type: 'string', multiple: true },
      only: { type: 'string' },
      hosts: { type: 'string', default: '16' },
      verbose: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
    },
  });
  const seed = values.seed === undefined ? Math.floor(Math.random() * 1_000_000) : Number(values.seed);
  const all = allCells(PLATFORMS).filter(({ id }) => values.only === undefined || new RegExp(values.only).test(id));
  const named = (values.cell ?? []).map((id) => {
    const found = all.find((cell) => cell.id === id);
    if (found === undefined) throw new Error(`there is no cell ${id}: see npm run test:matrix -- --list`);
    return found;
  });
  const cells =
    named.length > 0
      ? named
      : values.cells === undefined
        ? shuffle(all, seed)
        : sample(all, Number(values.cells), seed);
  if (values.list) {
    process.stdout.write(cells.map(({ id }) => `${id}\n`).join(''));
    return 0;
  }
  if (process.getuid?.() !== 0) {
    process.stderr.write('the fault matrix mounts file systems of its own and has to be run by root\n');
    return 1;
  }
  process.stdout.write(`${cells.length} cells (${KEYINGS.join(', ')}; ${PLATFORMS.join(', ')}), seed ${seed}\n`);
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      process.stdout.write('no more cells are begun; file systems are unmounted when those at work have ended\n');
      stop.abort();
    });
  const begun = performance.now();
  const results = await playMatrix({
    cells,
    hosts: Number(values.hosts),
    stop: stop.signal,
    onPlayed: ({ cell, complaints, told }, done) => {
      if (complaints.length > 0)
        process.stdout.write(
          `BROKEN ${cell.id} (variant ${cell.variant})\n  ${[...complaints, ...told.split('\n')].join('\n  ')}\n  replay: npm run test:matrix -- --cell ${cell.id}\n`,
        );
      if (values.verbose) process.stdout.write(`${complaints.length > 0 ? 'broken' : 'held'} ${cell.id}\n${told}\n`);
      else if (done % 100 === 0) process.stdout.write(`${done} cells played\n`);
    },
  });
  const broken = results.filter(({ complaints }) => complaints.length > 0).length;
  const seconds = Math.round((performance.now() - begun) / 1000);
  const cpu = process.cpuUsage();
  process.stdout.write(
    `${seconds} s; ${((cpu.user + cpu.system) / 1e6 / Math.max(1, results.length)).toFixed(2)} s of the harness's processor time a cell\n` +
      `${results.length} cells, ${results.length - broken} held, ${broken} broken\n`,
  );
  return broken === 0 && results.length === cells.length ? 0 : 1;
}
