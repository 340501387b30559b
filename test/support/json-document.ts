/** What docs/json-output.md says of the objects of `--output json`, read from the document itself, to hold printed lines against. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';

export type Line = Readonly<Record<string, unknown>>;

const DOCUMENT = readFileSync(join(import.meta.dirname, '../../docs/json-output.md'), 'utf8');

/** Names in the first column of a table to the words in backticks of the whole row. */
function rowsOf(heading: string): ReadonlyMap<string, ReadonlySet<string>> {
  const section = DOCUMENT.split(/^## /m).find((part) => part.includes(heading)) ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('| `') && !line.startsWith(heading));
  return new Map(
    rows.flatMap((row) =>
      [...words(row.split(' | ')[0] ?? '')].map((name): [string, Set<string>] => [name, words(row)]),
    ),
  );
}

function words(text: string): Set<string> {
  return new Set([...text.matchAll(/`([\w-]+)`/g)].map((match) => match[1] ?? ''));
}

const EVENTS = rowsOf('| `event` |');
const OUTCOMES = rowsOf('| `status` | Meaning');
const HOST_PLAN = words(DOCUMENT.split("## A host's plan").at(1) ?? '');

/** Every event of the table at the head of the document. */
export const DOCUMENTED_EVENTS: readonly string[] = [...EVENTS.keys()];

/** Fields that the document does not name for this line, as `event.field`; the event itself where it is not there. */
function undocumented(line: Line): readonly string[] {
  const event = String(line['event']);
  const row = EVENTS.get(event);
  if (row === undefined) return [`event ${event}`];
  const known = new Set([...row, 'event', 'schema']);
  if (event === 'outcome')
    for (const word of [...(OUTCOMES.get(String(line['status'])) ?? []), 'status', 'touched', 'todo', 'reason'])
      known.add(word);
  if (event === 'verified') for (const word of HOST_PLAN) known.add(word);
  const faults = unknown(line, known, event);
  if (event !== 'plan') return faults;
  const hosts = line['hosts'] as readonly Line[];
  return [...faults, ...hosts.flatMap((host) => unknown(host, HOST_PLAN, 'plan.hosts'))];
}

function unknown(line: Line, known: ReadonlySet<string>, name: string): readonly string[] {
  return Object.keys(line)
    .filter((field) => !known.has(field))
    .map((field) => `${name}.${field}`);
}

/** Each of these events was printed, and the document names every field of every line. */
export function expectDocumented(told: readonly object[], ...printed: readonly string[]): void {
  const lines = told.map((line): Line => ({ ...line }));
  expect(lines.flatMap(undocumented)).toEqual([]);
  expect(lines.map((line) => line['event'])).toEqual(expect.arrayContaining([...printed]));
}
