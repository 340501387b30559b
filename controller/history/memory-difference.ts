/** What has to be written so that a table follows the memory: rows to put and keys to drop, and nothing that others wrote meanwhile. */

import type { DriftMemory } from '../model/drift.js';
import type { Database, Value } from './database.js';
import type { MemoryTable } from './memory-rows.js';

export interface TableDifference {
  readonly table: MemoryTable;
  readonly put: readonly (readonly Value[])[];
  /** Keys of rows that are no more. */
  readonly drop: readonly (readonly Value[])[];
}

export function tableDifference(table: MemoryTable, before: DriftMemory, after: DriftMemory): TableDifference {
  const old = new Map(table.rowsOf(before).map((row) => [keyText(table, row), row]));
  const put: (readonly Value[])[] = [];
  for (const [key, row] of new Map(table.rowsOf(after).map((row) => [keyText(table, row), row]))) {
    const known = old.get(key);
    old.delete(key);
    if (known === undefined || row.some((value, i) => value !== known[i])) put.push(row);
  }
  return { table, put, drop: [...old.values()].map((row) => row.slice(0, table.keys)) };
}

/** Rows go before others come: an open incident may take the place of one that was open. */
export function writeDifference(database: Database, { table, put, drop }: TableDifference): void {
  const { name, columns, keys } = table;
  const key = columns.slice(0, keys).map((column) => `${column} = ?`);
  if (drop.length > 0) database.runAll(`DELETE FROM ${name} WHERE ${key.join(' AND ')}`, drop);
  if (put.length === 0) return;
  const marks = columns.map(() => '?').join(', ');
  const others = columns.slice(keys).map((column) => `${column} = excluded.${column}`);
  database.runAll(
    `INSERT INTO ${name} (${columns.join(', ')}) VALUES (${marks})
     ON CONFLICT (${columns.slice(0, keys).join(', ')}) DO UPDATE SET ${others.join(', ')}`,
    put,
  );
}

function keyText(table: MemoryTable, row: readonly Value[]): string {
  return JSON.stringify(row.slice(0, table.keys));
}
