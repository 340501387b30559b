/**
 * The memory of drift on the disk: one SQLite file, replaced whole by each write. Owns when it is locked, copied and renamed;
 * what is in it is the business of memory-rows.
 *
 * The library's own locks and journals are not relied on (docs/decisions/0007-the-memory-of-drift-is-replaced-whole.md): a
 * write works on a copy and ends in one rename, and every use of the file is under a lock of ours.
 */

import { chmod, copyFile, mkdir, open, rm, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemErrorCode } from '../disk/error-code.js';
import { takeLock, withLock } from '../disk/lock-file.js';
import { moveIntoPlace } from '../disk/replace-file.js';
import { KEPT_DAYS } from '../drift/retention.js';
import { OperatorError } from '../errors.js';
import { EMPTY_MEMORY, type DriftMemory, type DriftPass } from '../model/drift.js';
import type { Clock, DriftStore } from '../ports.js';
import { openDatabase, type Database } from './database.js';
import { HEADER_BYTES, judgeHeader } from './file-header.js';
import { tableDifference, writeDifference, type TableDifference } from './memory-difference.js';
import { MEMORY_TABLES, PASS_COLUMNS, passRow, readMemory } from './memory-rows.js';
import { APPLICATION_ID, migrationsFrom, SCHEMA_VERSION } from './schema.js';
import { checkState, damaged, passLock, storeLock, unreadable, unwritable } from './store-errors.js';

export interface DriftStoreSettings {
  readonly path: string;
  readonly clock: Pick<Clock, 'now'>;
  /** For another process that is reading or writing; 10 unless said. */
  readonly waitSeconds?: number;
}

/** At a pass a minute, two weeks; a pass every quarter of an hour is kept for all of `KEPT_DAYS`. */
const MOST_PASSES = 20_000;

/** Nothing is read or written yet: a file that is not there is an empty memory, and the first write makes it, mode 0600. */
export function openDriftStore(settings: DriftStoreSettings): DriftStore {
  return new SqliteDriftStore(settings);
}

/**
 * For a service, or one pass with memory: as long as it is held no other process takes it. Resolves with what gives it back.
 * @throws OperatorError DRIFT_RUNNING with the holder and since when, DRIFT_STORE_UNWRITABLE
 */
export async function lockPasses(path: string, now: Date): Promise<() => Promise<void>> {
  return guarded(path, unwritable, async () => {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    return takeLock(passLock(path, now));
  });
}

class SqliteDriftStore implements DriftStore {
  readonly #settings: DriftStoreSettings;
  /** The memory as this store's user knows it: what differs from it is what the user changed. */
  #known: DriftMemory | undefined;
  #closed = false;

  constructor(settings: DriftStoreSettings) {
    this.#settings = settings;
  }

  /** @throws OperatorError DRIFT_STORE_DAMAGED, …_NEWER, …_FOREIGN, …_LOCKED, …_UNREADABLE */
  async read(): Promise<DriftMemory> {
    const { path } = this.#settings;
    const memory = await this.#guarded(unreadable, async () => {
      if ((await this.#version()) === undefined) return EMPTY_MEMORY;
      return this.#locked(async () => {
        if (((await this.#version()) ?? 0) < SCHEMA_VERSION) await this.#replace(() => undefined);
        await removeStaleLock(path);
        return readFrom(path);
      });
    });
    this.#known = memory;
    return memory;
  }

  /** @throws OperatorError DRIFT_STORE_UNWRITABLE, and those of `read` */
  async write(memory: DriftMemory, pass?: DriftPass): Promise<void> {
    const { path, clock } = this.#settings;
    await this.#guarded(unwritable, async () => {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await this.#locked(() =>
        this.#replace((database) => {
          const before = this.#known ?? readRows(path, database);
          writeAll(
            database,
            MEMORY_TABLES.map((table) => tableDifference(table, before, memory)),
          );
          if (pass !== undefined) writePass(database, pass, clock.now());
        }),
      );
    });
    this.#known = memory;
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  async #guarded<T>(refuse: (path: string, cause: unknown) => OperatorError, work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new Error('the drift store is used after it was closed');
    return guarded(this.#settings.path, refuse, work);
  }

  #locked<T>(work: () => Promise<T>): Promise<T> {
    const { path, clock, waitSeconds = 10 } = this.#settings;
    return withLock(storeLock(path, clock.now(), waitSeconds), work);
  }

  /** `undefined` where there is no file. */
  async #version(): Promise<number | undefined> {
    const { path } = this.#settings;
    const found = await readHeader(path);
    return found === undefined ? undefined : checkState(path, judgeHeader(found.header, found.size));
  }

  /** Works on a copy, and puts it in the place of the file when all went well. To be called under the lock. */
  async #replace(work: (database: Database) => void): Promise<void> {
    const { path } = this.#settings;
    const copy = `${path}.new`;
    await removeCopy(copy);
    try {
      const version = await this.#version();
      if (version !== undefined) {
        await copyFile(path, copy);
        await chmod(copy, 0o600);
      }
      const database = await openDatabase(copy, 'write');
      try {
        // A copy that is thrown away when anything fails needs no journal, and is synced once, before it is moved.
        database.exec('PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF');
        if (version === undefined) {
          database.exec(`PRAGMA auto_vacuum = FULL; PRAGMA application_id = ${APPLICATION_ID}`);
        } else {
          checkWhole(path, database);
        }
        for (const sql of migrationsFrom(version ?? 0)) database.exec(`BEGIN;${sql};COMMIT`);
        database.exec('BEGIN');
        work(database);
        database.exec('COMMIT');
      } finally {
        database.close();
      }
      await moveIntoPlace(copy, path);
    } catch (error) {
      await removeCopy(copy);
      throw error;
    }
  }
}

async function readFrom(path: string): Promise<DriftMemory> {
  const database = await openDatabase(path, 'read');
  try {
    checkWhole(path, database);
    return readRows(path, database);
  } finally {
    database.close();
  }
}

/** The file could be opened and looks like ours: what cannot be read in it is damage. */
function readRows(path: string, database: Database): DriftMemory {
  try {
    return readMemory(database);
  } catch (error) {
    throw damaged(path, error instanceof Error ? error.message : 'it cannot be read', error);
  }
}

function checkWhole(path: string, database: Database): void {
  let found: unknown;
  try {
    found = database.all('PRAGMA quick_check(1)')[0]?.['quick_check'];
  } catch (error) {
    throw damaged(path, error instanceof Error ? error.message : 'it cannot be read', error);
  }
  if (found !== 'ok') throw damaged(path, 'its pages do not fit together');
}

function writeAll(database: Database, differences: readonly TableDifference[]): void {
  for (const difference of differences) writeDifference(database, difference);
}

function writePass(database: Database, pass: DriftPass, now: Date): void {
  const marks = PASS_COLUMNS.map(() => '?').join(', ');
  database.runAll(`INSERT OR REPLACE INTO passes (${PASS_COLUMNS.join(', ')}) VALUES (${marks})`, [passRow(pass)]);
  const oldest = new Date(now.getTime() - KEPT_DAYS * 86_400_000).toISOString();
  database.runAll('DELETE FROM passes WHERE ended < ?', [[oldest]]);
  database.runAll('DELETE FROM passes WHERE id IN (SELECT id FROM passes ORDER BY ended DESC LIMIT -1 OFFSET ?)', [
    [MOST_PASSES],
  ]);
}

async function readHeader(path: string): Promise<{ readonly header: Uint8Array; readonly size: number } | undefined> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      const { buffer, bytesRead } = await file.read(new Uint8Array(HEADER_BYTES), 0, HEADER_BYTES, 0);
      return { header: buffer.subarray(0, bytesRead), size };
    } finally {
      await file.close();
    }
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The library locks by a folder beside the file, and a killed process leaves it; under our lock it is nobody's. */
async function removeStaleLock(path: string): Promise<void> {
  try {
    await rmdir(`${path}.lock`);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
  }
}

async function removeCopy(copy: string): Promise<void> {
  await rm(copy, { force: true });
  await removeStaleLock(copy);
}

async function guarded<T>(
  path: string,
  refuse: (path: string, cause: unknown) => OperatorError,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof OperatorError) throw error;
    throw refuse(path, error);
  }
}
