/** Which keying and suite a link gets: its line decides, else its ends as far as they speak and agree, else the defaults. */

import { positionText, type SourcePosition } from '../errors.js';
import type { Sourced } from './problem-list.js';

export type Chosen<T> =
  | { readonly kind: 'chosen'; readonly value: T; readonly at: SourcePosition | undefined }
  | { readonly kind: 'disagree'; readonly what: string; readonly todo: string };

/** What each place says about one setting; `undefined` = nothing. */
export interface Voices<T> {
  readonly line: Sourced<T> | undefined;
  readonly ends: readonly [Sourced<T> | undefined, Sourced<T> | undefined];
  readonly defaults: Sourced<T> | undefined;
}

/** A setting that both ends of a link must share. */
export interface SharedSetting<T> {
  readonly key: string;
  readonly builtIn: T;
  readonly text: (value: T) => string;
}

export function choose<T>({ key, builtIn, text }: SharedSetting<T>, voices: Voices<T>): Chosen<T> {
  const [x, y] = voices.ends;
  if (voices.line === undefined && x !== undefined && y !== undefined && text(x.value) !== text(y.value)) {
    const said = [x, y].map(({ value, at }) => `${text(value)} at ${positionText(at)}`).join(', ');
    return { kind: 'disagree', what: `the ends disagree on ${key}: ${said}`, todo: `add "${key}:" to this line` };
  }
  const chosen = voices.line ?? x ?? y ?? voices.defaults;
  return { kind: 'chosen', value: chosen?.value ?? builtIn, at: chosen?.at };
}
