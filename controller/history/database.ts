/** The one home of SQLite: a file opened, asked and closed, with values of a known type. */

import type { Database as Handle } from 'node-sqlite3-wasm';

export type Value = string | number | null;
export type Row = Readonly<Record<string, Value>>;

export interface Database {
  /** Statements without values. */
  exec(sql: string): void;
  all(sql: string): readonly Row[];
  /** The same statement for each list of values. */
  runAll(sql: string, values: Iterable<readonly Value[]>): void;
  close(): void;
}

/** Read in only when it is needed: most commands have nothing to remember. */
export async function openDatabase(path: string, how: 'read' | 'write'): Promise<Database> {
  const { default: sqlite } = await import('node-sqlite3-wasm');
  const handle = new sqlite.Database(path, { readOnly: how === 'read', fileMustExist: how === 'read' });
  return {
    exec: (sql) => {
      handle.exec(sql);
    },
    all: (sql) => handle.all(sql).map(plainRow),
    runAll: (sql, values) => {
      runAll(handle, sql, values);
    },
    close: () => {
      handle.close();
    },
  };
}

function runAll(handle: Handle, sql: string, values: Iterable<readonly Value[]>): void {
  const statement = handle.prepare(sql);
  try {
    for (const list of values) statement.run([...list]);
  } finally {
    statement.finalize();
  }
}

/** Our tables hold text and small numbers only; a value of another type is no value of ours. */
function plainRow(row: object): Row {
  return Object.fromEntries(
    Object.entries(row).map(([column, value]: [string, unknown]) => [
      column,
      typeof value === 'string' || typeof value === 'number' ? value : null,
    ]),
  );
}
