/** JSON lines in, JSON lines out, in order and one at a time: a bad line gets an answer that says so, and the rest go on. */

import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';

import { EXIT, OperatorError, type ExitStatus } from '../errors.js';
import { readLines, type InputLine } from '../files/read-lines.js';
import { jsonText } from '../report/json-text.js';

export interface LineStreams {
  readonly input: Readable;
  readonly output: Writable;
  /** For what a person should know. */
  readonly note: (text: string) => void;
}

/**
 * Answers every line of the input until it ends, nobody reads the output any more, or Ctrl-C. `answer` throws an
 * OperatorError for a line it cannot answer; the status is then 1.
 */
export async function answerLines(streams: LineStreams, answer: (asked: unknown) => object): Promise<ExitStatus> {
  const { input, output, note } = streams;
  const stop = new AbortController();
  const interrupted = (): void => {
    stop.abort();
    input.destroy();
  };
  process.once('SIGINT', interrupted);
  process.once('SIGTERM', interrupted);
  let asked = 0;
  let unanswered = 0;
  try {
    for await (const line of readLines(input)) {
      if (stop.signal.aborted || !output.writable) break;
      if ('text' in line && line.text.trim() === '') continue;
      asked++;
      const reply = answerLine(line, answer);
      if ('error' in reply) unanswered++;
      if (!output.write(`${jsonText(reply)}\n`)) await drained(output);
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    process.off('SIGINT', interrupted);
    process.off('SIGTERM', interrupted);
  }
  if (stop.signal.aborted) return EXIT.interrupted;
  if (unanswered === 0) return EXIT.ok;
  note(`${unanswered} of ${asked} ${asked === 1 ? 'line' : 'lines'} could not be answered\n`);
  return EXIT.input;
}

/** Until there is room again, or nobody reads any more. */
async function drained(output: Writable): Promise<void> {
  if (!output.writable) return;
  const settled = new AbortController();
  const wait = (event: string) => once(output, event, { signal: settled.signal }).catch(() => undefined);
  await Promise.race([wait('drain'), wait('close'), wait('error')]);
  settled.abort();
}

function answerLine(line: InputLine, answer: (asked: unknown) => object): object {
  const at = { line: line.number };
  if ('fault' in line) return { ...at, error: line.fault };
  let asked: unknown;
  try {
    asked = JSON.parse(line.text);
  } catch {
    return { ...at, error: 'the line is not JSON' };
  }
  try {
    return answer(asked);
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    return { ...idOf(asked), ...at, error: error.message };
  }
}

function idOf(asked: unknown): object {
  if (typeof asked !== 'object' || asked === null || !('id' in asked)) return {};
  return typeof asked.id === 'string' || typeof asked.id === 'number' ? { id: asked.id } : {};
}
