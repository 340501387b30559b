/** JSON lines in and out, as `--jsonl` does it, over streams in memory. */

import { PassThrough, Readable, Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { answerLines } from '../../controller/cli/answer-lines.js';
import { OperatorError } from '../../controller/errors.js';
import { readLines } from '../../controller/files/read-lines.js';

const echo = (asked: unknown): object => {
  if (typeof asked === 'object' && asked !== null && 'id' in asked && asked.id !== 'bad') return { id: asked.id };
  throw new OperatorError('BAD_LINE', { what: 'not to be answered' });
};

async function answered(chunks: readonly (string | Uint8Array)[]) {
  const output = new PassThrough();
  const notes: string[] = [];
  const input = Readable.from(chunks, { objectMode: false });
  const exit = await answerLines({ input, output, note: (text) => notes.push(text) }, echo);
  output.end();
  const text = (await output.toArray()).join('');
  return { exit, notes, lines: text.split('\n').filter((line) => line !== '') };
}

test('a bad line is answered as such, the others as ever and in order, and the status tells', async () => {
  const lines = ['\uFEFF{"id":1}\r', 'nope', '', '  ', '{"id":"bad"}', '[1]', '{"id":2}'];
  expect(await answered([lines.join('\n')])).toEqual({
    exit: 1,
    notes: ['3 of 5 lines could not be answered\n'],
    lines: [
      '{"id":1}',
      '{"line":2,"error":"the line is not JSON"}',
      '{"id":"bad","line":5,"error":"not to be answered"}',
      '{"line":6,"error":"not to be answered"}',
      '{"id":2}',
    ],
  });
});

test('lines may be cut anywhere, also in the middle of a letter, and the last needs no newline', async () => {
  const bytes = Buffer.from('{"id":"ä€"}\n{"id":"z"}');
  const single = Array.from(bytes, (_, i) => bytes.subarray(i, i + 1));
  expect(await answered(single)).toEqual({ exit: 0, notes: [], lines: ['{"id":"ä€"}', '{"id":"z"}'] });
  expect(await answered([])).toEqual({ exit: 0, notes: [], lines: [] });
});

test('what is not UTF-8, and what is too long, is told of and passed over', async () => {
  const found: unknown[] = [];
  const chunks = [Buffer.from([0xff, 0x0a]), Buffer.alloc(9, 0x61), Buffer.alloc(9, 0x61), Buffer.from('\nok\n')];
  for await (const line of readLines(Readable.from(chunks), 16)) found.push(line);
  expect(found).toEqual([
    { number: 1, fault: 'the line is not UTF-8' },
    { number: 2, fault: 'the line is longer than 16 bytes' },
    { number: 3, text: 'ok' },
  ]);
});

test('no more is read than the reader of the answers takes', async () => {
  let given = 0;
  const input = Readable.from(
    (function* () {
      for (; given < 10_000; given++) yield '{"id":1}\n';
    })(),
    { objectMode: false, highWaterMark: 64 },
  );
  const output = new Writable({ highWaterMark: 64, write: () => undefined });
  const ended = answerLines({ input, output, note: () => undefined }, echo);
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  expect(given).toBeLessThan(200);
  output.destroy();
  expect(await ended).toBe(0);
});

test('nothing more is answered once nobody reads', async () => {
  const input = Readable.from(['{"id":1}\n', '{"id":2}\n', '{"id":3}\n']);
  let asked = 0;
  const output = new Writable({ write: (_chunk, _encoding, done) => done() });
  const exit = await answerLines({ input, output, note: () => undefined }, (one) => {
    asked++;
    output.destroy();
    return echo(one);
  });
  expect({ exit, asked }).toEqual({ exit: 0, asked: 1 });
});

test('a bug is no answer', async () => {
  const input = Readable.from(['{"id":1}\n']);
  const ended = answerLines({ input, output: new PassThrough(), note: () => undefined }, () => {
    throw new TypeError('oops');
  });
  await expect(ended).rejects.toThrow('oops');
});
