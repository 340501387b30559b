/** The schema of the store: migrations in their order, and how far a file has come. A migration is never changed once released. */

import { MEMORY } from './migrations/0001-memory.js';
import { GENERATIONS } from './migrations/0002-generations.js';
import { BACKLOG } from './migrations/0003-backlog.js';

/** The place in the list, counted from 1, is the migration's number; `user_version` holds the last one carried out. */
const MIGRATIONS: readonly string[] = [MEMORY, GENERATIONS, BACKLOG];

export const SCHEMA_VERSION = MIGRATIONS.length;

/** Tells our files from other SQLite databases: "ipsd". https://sqlite.org/pragma.html#pragma_application_id */
export const APPLICATION_ID = 0x69707364;

/** What brings a file from one version to this program's; nothing for one that is there already. */
export function migrationsFrom(version: number): readonly string[] {
  return MIGRATIONS.slice(version).map((sql, i) => `${sql};PRAGMA user_version = ${version + i + 1}`);
}
