/** Where words go: stdout, stderr, colours, and what happens when nobody reads any more. */

import { EXIT } from '../errors.js';
import { jsonText } from '../report/json-text.js';
import { coloured, plain, type Paint } from '../report/paint.js';

export type OutputFormat = 'text' | 'json';

export interface Output {
  readonly format: OutputFormat;
  readonly paint: Paint;
  /** Whether a person watches: a live view is worth drawing. */
  readonly live: boolean;
  print(text: string): void;
  /** To stderr, so that stdout stays what was asked for. */
  note(text: string): void;
  /** One JSON object a line, each with the name of the schema it follows. */
  json(value: object): void;
}

/** docs/json-output.md: fields are added under this name, never renamed. */
const SCHEMA = 'ipsec-deploy/1';

export interface OutputOptions {
  readonly format: OutputFormat;
  readonly colour: boolean | undefined;
}

/**
 * A reader that goes away (`| head`) and a disk that is full (`> plan.txt`) must not end a run in the middle: the work goes on,
 * and the exit status still says how it ended. Words that were lost without a reader's leave are told of, and are no success.
 */
export function surviveLostOutput(): void {
  let lost = false;
  process.stdout.on('error', ({ code = 'error' }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE' || lost) return;
    lost = true;
    process.stderr.write(`error: standard output cannot be written (${code}): the rest of it is lost\n`);
    process.on('exit', (status) => {
      if (status === EXIT.ok) process.exitCode = EXIT.failed;
    });
  });
  process.stderr.on('error', () => undefined);
}

/** https://no-color.org: any non-empty NO_COLOR switches colours off; `--color` and `--no-color` win. */
export function createOutput({ format, colour }: OutputOptions): Output {
  const wanted =
    colour ?? (process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === '' && process.env['TERM'] !== 'dumb');
  return {
    format,
    paint: wanted && format === 'text' ? coloured : plain,
    live: process.stdout.isTTY && process.env['TERM'] !== 'dumb' && format === 'text',
    print: (text) => void process.stdout.write(text),
    note: (text) => void process.stderr.write(text),
    json: (value) => void process.stdout.write(`${jsonText({ schema: SCHEMA, ...value })}\n`),
  };
}
