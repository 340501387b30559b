/** Where words go: stdout, stderr, colours, and what happens when nobody reads any more. */

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
 * A reader that goes away (`| head`) must not end a run in the middle: writing stops, the work goes on, and the exit status
 * still says how it ended.
 */
export function surviveClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
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
    json: (value) => void process.stdout.write(`${JSON.stringify({ schema: SCHEMA, ...value })}\n`),
  };
}
