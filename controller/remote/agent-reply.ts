/** Lines of the agent to records and sections (agent/README.md, "Talking"). Pure; what they mean is told by reply-values.ts. */

import { printable } from './host-text.js';
import { ReplyError } from './reply-error.js';

export type Fields = ReadonlyMap<string, string>;

export interface ReplyRecord {
  readonly kind: 'record';
  readonly name: string;
  readonly fields: Fields;
  /** As it came, for error messages. */
  readonly line: string;
}

export interface ReplySection {
  readonly kind: 'section';
  readonly name: string;
  readonly fields: Fields;
  /** Raw lines of this section itself, the newline before `end` taken away. */
  readonly lines: readonly string[];
  /** Whether the last line ended in a newline: a file may lack its last one. */
  readonly endsInNewline: boolean;
  /** Records and sections inside, in order. */
  readonly items: readonly ReplyItem[];
  readonly status: number;
}

export type ReplyItem = ReplyRecord | ReplySection;

interface OpenSection {
  readonly name: string;
  readonly fields: Fields;
  readonly lines: string[];
  readonly items: ReplyItem[];
}

/** `observe` holds sections that hold nothing further; a deeper nest is not ours. */
const DEEPEST = 3;
const MOST_ITEMS = 500_000;
/** In all sections of an answer; a line costs memory however short it is. */
const MOST_LINES = 2_000_000;

/** Collects what the agent says in answer to one request. Lines that belong to nothing are noise and dropped. */
export class ReplyReader {
  readonly #prefix: string;
  readonly #open: OpenSection[] = [];
  #items = 0;
  #lines = 0;

  constructor(mark: string) {
    this.#prefix = `${mark} `;
  }

  /** The record or outermost section that this line completes. @throws ReplyError */
  push(line: string): ReplyItem | undefined {
    const inner = this.#open.at(-1);
    if (!line.startsWith(this.#prefix)) {
      if (inner === undefined) return undefined;
      this.#lines += 1;
      if (this.#lines > MOST_LINES) throw new ReplyError(`at most ${MOST_LINES} lines`, line);
      inner.lines.push(line);
      return undefined;
    }
    this.#items += 1;
    if (this.#items > MOST_ITEMS) throw new ReplyError(`at most ${MOST_ITEMS} records`, line);
    const [word = '', ...rest] = line.slice(this.#prefix.length).split(' ');
    if (word === 'begin') {
      this.#begin(line, rest);
      return undefined;
    }
    if (word === 'end') return this.#place(this.#end(line, rest));
    if (!/^[a-z][a-z-]*$/.test(word)) throw new ReplyError('a record', line);
    return this.#place({ kind: 'record', name: word, fields: parseFields(rest, line), line });
  }

  /** A completed item goes into the section around it, or out to the caller. */
  #place(item: ReplyItem): ReplyItem | undefined {
    const around = this.#open.at(-1);
    if (around === undefined) return item;
    around.items.push(item);
    return undefined;
  }

  #begin(line: string, [name, ...rest]: string[]): void {
    if (name === undefined || !/^[a-z][a-z-]*$/.test(name)) throw new ReplyError('the name of a section', line);
    if (this.#open.length >= DEEPEST) throw new ReplyError(`sections no deeper than ${DEEPEST}`, line);
    this.#open.push({ name, fields: parseFields(rest, line), lines: [], items: [] });
  }

  #end(line: string, [name, ...rest]: string[]): ReplySection {
    const open = this.#open.pop();
    if (open === undefined || open.name !== name) {
      throw new ReplyError(open === undefined ? 'no end of a section' : `the end of section ${open.name}`, line);
    }
    const status = parseFields(rest, line).get('status') ?? '0';
    if (!/^\d{1,3}$/.test(status)) throw new ReplyError('the status of a section', line);
    const { lines } = open;
    const endsInNewline = lines.length === 0 || lines.at(-1) === '';
    if (lines.at(-1) === '') lines.pop();
    return { kind: 'section', ...open, lines, endsInNewline, status: Number(status) };
  }
}

/** `key=value …`; `text=` runs to the end of the line. Values are made printable: none of them is a file's content. */
export function parseFields(words: readonly string[], line: string): Fields {
  const fields = new Map<string, string>();
  for (const [index, word] of words.entries()) {
    if (word === '') continue;
    const equals = word.indexOf('=');
    const key = word.slice(0, Math.max(equals, 0));
    if (!/^[a-z][a-z0-9_]*$/.test(key)) throw new ReplyError('key=value', line);
    if (fields.has(key)) throw new ReplyError(`one ${key}=`, line);
    if (key === 'text') {
      fields.set(key, printable([word, ...words.slice(index + 1)].join(' ').slice('text='.length)));
      break;
    }
    fields.set(key, printable(word.slice(equals + 1)));
  }
  return fields;
}

/** @throws ReplyError when the record has no such field */
export function field(record: { readonly fields: Fields }, name: string, line: string): string {
  const value = record.fields.get(name);
  if (value === undefined) throw new ReplyError(`${name}=`, line);
  return value;
}

/** The content of a section as it was on the host. */
export function sectionText(section: ReplySection): string {
  if (section.lines.length === 0) return '';
  return section.lines.join('\n') + (section.endsInNewline ? '\n' : '');
}

/** The records of that name in a section. */
export function recordsOf(reply: ReplySection, name: string): readonly ReplyRecord[] {
  return reply.items.filter((item): item is ReplyRecord => item.kind === 'record' && item.name === name);
}

/** The sections of that name in a section. */
export function sectionsOf(reply: ReplySection, name: string): readonly ReplySection[] {
  return reply.items.filter((item: ReplyItem): item is ReplySection => item.kind === 'section' && item.name === name);
}
