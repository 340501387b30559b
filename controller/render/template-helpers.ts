/** The few helpers that templates may call, and the values they handle. Pure: a helper sees its arguments and nothing else. */

import { formatPrefix, parsePrefix } from '../model/address.js';
import type { FilePart, KeyForm } from '../model/managed-file.js';

/** Stands for a value that is filled in when the file is sent. It has no text, so a template can only write it down. */
export class Placeholder {
  constructor(readonly part: Exclude<FilePart, string>) {}
}

/** Text that is written as it is, except control characters: an operator's own rule line. */
export class RawLine {
  constructor(readonly text: string) {}
}

/** What templates see. Records are read by own properties only. */
export type TemplateValue =
  null | undefined | boolean | number | string | Placeholder | RawLine | readonly TemplateValue[] | TemplateRecord;

export interface TemplateRecord {
  readonly [name: string]: TemplateValue;
}

export function isList(value: TemplateValue): value is readonly TemplateValue[] {
  return Array.isArray(value);
}

export function isRecord(value: TemplateValue): value is TemplateRecord {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Placeholder) &&
    !(value instanceof RawLine)
  );
}

/** Handlebars' idea of true, with one addition: a record without entries is empty, like a list. */
export function isTruthy(value: TemplateValue): boolean {
  if (isList(value)) return value.length > 0;
  if (isRecord(value)) return Object.keys(value).length > 0;
  return value !== null && value !== undefined && value !== false && value !== 0 && value !== '';
}

/** A helper's answer, or the reason why it has none. */
export type HelperResult = { readonly value: TemplateValue } | { readonly refused: string };

export interface Helper {
  readonly fewest: number;
  readonly most: number;
  /** Its arguments may be missing values. */
  readonly takesMissing: boolean;
  readonly call: (args: readonly TemplateValue[]) => HelperResult;
}

function helper(
  [fewest, most]: readonly [number, number],
  takesMissing: boolean,
  call: (args: readonly TemplateValue[]) => HelperResult,
): Helper {
  return { fewest, most, takesMissing, call };
}

/** docs/templates.md lists these. */
export const HELPERS: ReadonlyMap<string, Helper> = new Map([
  ['eq', helper([2, 2], true, ([a, b]) => ({ value: a === b }))],
  ['not', helper([1, 1], true, ([a]) => ({ value: !isTruthy(a) }))],
  ['and', helper([2, 9], true, (all) => ({ value: all.every(isTruthy) }))],
  ['or', helper([2, 9], true, (all) => ({ value: all.some(isTruthy) }))],
  ['default', helper([2, 2], true, ([a, b]) => ({ value: a ?? b }))],
  ['prefix', helper([2, 2], false, ([address, length]) => prefix(address, length))],
  ['line', helper([1, 1], false, ([text]) => line(text))],
  ['upper', helper([1, 1], false, ([key]) => inForm('upper', key))],
  ['quoted', helper([1, 1], false, ([key]) => inForm('quoted', key))],
]);

/** The four that open blocks; the language itself carries them out. */
export const BLOCK_HELPERS: readonly string[] = ['each', 'if', 'unless', 'with'];

function prefix(address: TemplateValue, length: TemplateValue): HelperResult {
  const parsed = parsePrefix(`${String(address)}/${String(length)}`);
  return parsed === undefined
    ? { refused: '"prefix" wants an address and a length, such as {{prefix "10.0.0.0" 8}}' }
    : { value: formatPrefix(parsed) };
}

function line(text: TemplateValue): HelperResult {
  if (typeof text !== 'string') return { refused: '"line" wants one line of text' };
  if (/[\p{Cc}\u2028\u2029]/u.test(text))
    return { refused: '"line" wants one line: this text holds a line end or another control character' };
  return { value: new RawLine(text) };
}

function inForm(form: KeyForm, key: TemplateValue): HelperResult {
  if (key instanceof Placeholder && 'key' in key.part) return { value: new Placeholder({ ...key.part, form }) };
  return { refused: `"${form}" wants a key` };
}
