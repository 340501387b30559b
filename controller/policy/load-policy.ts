/**
 * One run of `ipsecconf -a`, `-c` or a replace over the policy database, without files and processes: what is
 * read, staged, refused, reported and put in force (ipsecconf(8); the order of effects is the program's).
 */

import type { Action } from '../model/policy.js';
import { cloneToDraft, abandonDraft, commitDraft, flushDraft, type Draft, type Entered } from './spd-draft.js';
import { enterEntry, FIRST_PRIORITY } from './enter-entry.js';
import type { Entry } from './entry.js';
import { formEntry } from './form-entry.js';
import { lexEntry, readerOf, type Reader } from './lex-entry.js';
import { cutPieces, fromBytes, toBytes } from './line-pieces.js';
import type { NameTables } from './name-tables.js';
import type { Scope, Spd } from './spd.js';

export interface LoadOptions {
  /** Rules to drop in the same step; undefined = add to what is there. */
  readonly replace?: Scope;
  /** Stage and throw away. */
  readonly check: boolean;
  readonly quiet: boolean;
}

/** `loaded`: in force, or checked. `empty`: no entry at all. `errors`: some entry is wrong. `stopped`: refused late. */
export type LoadEnd = 'loaded' | 'empty' | 'errors' | 'stopped' | 'crash' | 'exit' | 'no-tunnel';

export interface LoadRun {
  readonly end: LoadEnd;
  readonly spd: Spd;
  /** Standard error, one message each, without the program's name. */
  readonly messages: readonly string[];
  /** Standard output while reading. */
  readonly printed: string;
  /** Entries added to the log of entries: last index made (0 = none) and the text. */
  readonly logged: readonly { readonly index: number; readonly text: string }[];
  /** Index of each request the kernel took. */
  readonly made: readonly number[];
  /** Lists of alternatives the kernel was given, in order, whatever became of them. */
  readonly offered: readonly (readonly Action[])[];
  readonly entries: number;
  readonly good: number;
  readonly lineCount: number;
}

interface Run {
  readonly reader: Reader;
  readonly quiet: boolean;
  readonly messages: string[];
  readonly printed: string[];
  readonly logged: { index: number; text: string }[];
  readonly made: number[];
  entries: number;
  good: number;
  priority: number;
  draft: Draft | undefined;
}

export function loadPolicy(spd: Spd, text: string, options: LoadOptions, names: NameTables): LoadRun {
  const run: Run = {
    reader: readerOf(cutPieces(toBytes(text)).pieces),
    quiet: options.quiet,
    messages: [],
    printed: [],
    logged: [],
    made: [],
    entries: 0,
    good: 0,
    priority: FIRST_PRIORITY,
    draft: undefined,
  };
  const end = readEntries(run, spd, options, names);
  const { draft } = run;
  const committed = end === 'loaded' && !options.check;
  return {
    end,
    spd: draft === undefined ? spd : committed ? commitDraft(draft) : abandonDraft(spd, draft),
    messages: run.messages.map(fromBytes),
    printed: run.printed.join(''),
    logged: run.logged,
    made: run.made,
    offered: draft?.offered ?? [],
    entries: run.entries,
    good: run.good,
    lineCount: run.reader.lineCount,
  };
}

function readEntries(run: Run, spd: Spd, { replace }: LoadOptions, names: NameTables): LoadEnd {
  let stopped = false;
  while (!stopped) {
    const lexed = lexEntry(run.reader);
    if (lexed.kind === 'end') break;
    run.entries++;
    if (lexed.kind === 'error') {
      run.messages.push(...lexed.messages, malformed(run));
      continue;
    }
    const formed = formEntry(run.reader, lexed.entry, names);
    run.messages.push(...formed.messages);
    run.printed.push(...formed.printed);
    if (formed.taken === 'crash' || formed.taken === 'exit') return formed.taken;
    if (formed.entry === undefined) {
      run.messages.push('form_ipsec_conf error', malformed(run));
      continue;
    }
    run.good++;
    if (run.draft === undefined) {
      run.draft = cloneToDraft(spd);
      if (replace !== undefined && !flushDraft(run.draft, replace)) return 'no-tunnel';
    }
    stopped = !addEntry(run, run.draft, formed.entry);
  }
  if (stopped) run.messages.push(malformed(run));
  if (run.entries === 0) return 'empty';
  if (run.entries !== run.good) return 'errors';
  return stopped ? 'stopped' : 'loaded';
}

function malformed({ reader }: Run): string {
  return `Malformed command (fatal):\n${reader.text}`;
}

/** False when reading must stop. */
function addEntry(run: Run, draft: Draft, entry: Entry): boolean {
  const hasAddress = entry.from.addresses !== undefined || entry.to.addresses !== undefined;
  const result = enterEntry(draft, entry, {
    nextPriority: () => run.priority--,
    answered: (answer) => reportAnswer(run, answer, hasAddress ? undefined : entry),
  });
  switch (result.kind) {
    case 'duplicate':
      if (!run.quiet) run.messages.push(`Duplicate policy entry (ignored):\n${run.reader.text}`);
      return true;
    case 'late':
      if (result.message !== undefined) run.messages.push(result.message);
      return false;
    case 'ignored':
      run.messages.push(`PF_POLICY invalid input:\n\t${result.diagnostic}`);
      run.logged.push({ index: result.index, text: fromBytes(run.reader.text) });
      return true;
    case 'added':
      run.logged.push({ index: result.index, text: fromBytes(run.reader.text) });
      return true;
  }
}

/** An entry without addresses is told of in a further line that speaks of ports alone. */
function reportAnswer(run: Run, answer: Entered, portsOnly: Entry | undefined): void {
  if (answer.kind === 'entered') {
    run.made.push(answer.index);
    return;
  }
  const reason = { exists: 'Entry already exists', busy: 'Device busy', invalid: 'Invalid entry' }[answer.kind];
  if (!run.quiet) run.messages.push(`Kernel returned: ${reason}`);
  const diagnostic = answer.kind === 'invalid' ? answer.diagnostic : undefined;
  if (diagnostic !== undefined) run.printed.push(`\t(spdsock diagnostic: ${diagnostic})\n`);
  if (portsOnly !== undefined && !run.quiet) {
    const number = diagnostic === undefined ? 0 : (DIAGNOSTICS.get(diagnostic) ?? 0);
    run.messages.push(
      `Could not add IPv4 policy for sport ${portsOnly.from.port}, dport ${portsOnly.to.port} ` +
        `- diagnostic ${number} - ${diagnostic ?? 'no error'}`,
    );
  }
}

/** Numbers of net/pfpolicy.h. */
const DIAGNOSTICS: ReadonlyMap<string, number> = new Map([
  ['unknown extension', 1],
  ['add: inconsistent flags', 10],
  ['using selectors on a transport-mode tunnel', 45],
]);
