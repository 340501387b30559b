/** Lines of a stream one after the other, in bounded memory whatever arrives. */

/** Longer lines are told of and passed over. */
const MOST_BYTES = 64 * 1024 * 1024;

export type InputLine =
  | { readonly number: number; readonly text: string }
  /** Too long, or not UTF-8: why it cannot be read. */
  | { readonly number: number; readonly fault: string };

/** A last line without a newline counts. A byte order mark before the first line is dropped, and so is a CR at a line's end. */
export async function* readLines(
  input: AsyncIterable<Uint8Array | string>,
  most = MOST_BYTES,
): AsyncGenerator<InputLine> {
  let parts: Uint8Array[] = [];
  let bytes = 0;
  let number = 0;
  const take = (): InputLine => {
    number++;
    const line = bytes > most ? { number, fault: `the line is longer than ${most} bytes` } : decoded(number, parts);
    parts = [];
    bytes = 0;
    return line;
  };
  const keep = (part: Uint8Array): void => {
    bytes += part.length;
    if (bytes > most) parts = [];
    else parts.push(part);
  };
  for await (const arrived of input) {
    const chunk = typeof arrived === 'string' ? Buffer.from(arrived) : arrived;
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      keep(chunk.subarray(start, end));
      yield take();
      start = end + 1;
    }
    if (start < chunk.length) keep(chunk.subarray(start));
  }
  if (bytes > 0) yield take();
}

const NEWLINE = 0x0a;

function decoded(number: number, parts: readonly Uint8Array[]): InputLine {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: number > 1 }).decode(Buffer.concat(parts));
    return { number, text: text.endsWith('\r') ? text.slice(0, -1) : text };
  } catch {
    return { number, fault: 'the line is not UTF-8' };
  }
}
