/** What is mended in any file before it is read: byte order mark, CR LF, the missing last line break. Each is told of. */

import type { Problem } from '../../errors.js';

export interface MendedText {
  readonly text: string;
  /** A warning for each thing mended, an error for what cannot be. */
  readonly problems: readonly Problem[];
}

export function mendText(text: string, file: string): MendedText {
  const problems: Problem[] = [];
  const tell = (
    severity: Problem['severity'],
    code: string,
    line: number,
    column: number,
    what: string,
    todo: string,
  ) => problems.push({ code, severity, what, at: { file, line, column }, todo });
  let mended = text;
  if (mended.startsWith('\uFEFF')) {
    mended = mended.slice(1);
    tell('warning', 'FMT_BOM', 1, 1, 'the file begins with a byte order mark, which the tools do not take', 'mended');
  }
  const nul = mended.indexOf('\0');
  if (nul >= 0) {
    const [line, column] = placeOf(mended, nul);
    const what = 'a NUL byte stands here, and the tools pass over what follows it on the line';
    tell('error', 'FMT_NUL', line, column, what, 'take it out');
  }
  const crlf = mended.indexOf('\r\n');
  if (crlf >= 0) {
    const [line, column] = placeOf(mended, crlf);
    mended = mended.replaceAll('\r\n', '\n');
    tell('warning', 'FMT_CRLF', line, column, 'lines end in CR LF', 'mended: lines end in LF');
  }
  if (mended !== '' && !mended.endsWith('\n')) {
    const [line, column] = placeOf(mended, mended.length);
    mended += '\n';
    tell('warning', 'FMT_LAST_NEWLINE', line, column, 'the last line does not end in a newline', 'mended');
  }
  return { text: mended, problems };
}

/** Line and column of an offset, both from 1. */
export function placeOf(text: string, offset: number): readonly [line: number, column: number] {
  let line = 1;
  let start = 0;
  for (let next = text.indexOf('\n'); next >= 0 && next < offset; next = text.indexOf('\n', start)) {
    line++;
    start = next + 1;
  }
  return [line, offset - start + 1];
}
