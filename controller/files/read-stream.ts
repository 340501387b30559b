/** The whole of a stream as text, such as standard input named by `-`. */

import { OperatorError } from '../errors.js';

const MOST_BYTES = 64 * 1024 * 1024;

/** UTF-8, byte order mark kept. @throws OperatorError FILE_TOO_LARGE or NOT_UTF8, with `name` as the place */
export async function readStream(input: AsyncIterable<Uint8Array | string>, name: string): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const arrived of input) {
    const part = typeof arrived === 'string' ? Buffer.from(arrived) : arrived;
    bytes += part.length;
    if (bytes > MOST_BYTES) {
      throw new OperatorError('FILE_TOO_LARGE', {
        what: `more than ${MOST_BYTES} bytes came`,
        where: name,
        todo: 'give less at a time',
      });
    }
    parts.push(part);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(parts));
  } catch (cause) {
    throw new OperatorError('NOT_UTF8', {
      what: 'this is not UTF-8 text',
      where: name,
      todo: 'save it as UTF-8',
      cause,
    });
  }
}
