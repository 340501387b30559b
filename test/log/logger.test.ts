import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { OperatorError } from '../../controller/errors.js';
import { createLogger } from '../../controller/log/logger.js';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'log-'));
});
afterEach(() => rm(folder, { recursive: true }));

const now = (): Date => new Date('2026-11-22T10:15:00Z');

test('events are JSON lines with time, level and fields, for the operator alone, and are appended', async () => {
  const file = join(folder, 'run.log');
  for (const host of ['web1', 'db1']) {
    const { log, close } = await createLogger(file, { now });
    log.event('info', 'host.done', { host, run: 'r1' });
    await close();
  }
  const lines = (await readFile(file, 'utf8'))
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
  expect(lines).toEqual([
    { at: '2026-11-22T10:15:00.000Z', level: 'info', event: 'host.done', host: 'web1', run: 'r1' },
    { at: '2026-11-22T10:15:00.000Z', level: 'info', event: 'host.done', host: 'db1', run: 'r1' },
  ]);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});

test('a log file that others could read is closed to them', async () => {
  const file = join(folder, 'run.log');
  await writeFile(file, '', { mode: 0o644 });
  await (await createLogger(file, { now })).close();
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});

test('a line break in a field does not make a second line', async () => {
  const file = join(folder, 'run.log');
  const { log, close } = await createLogger(file, { now });
  log.event('warn', 'host.said', { text: 'a\n{"level":"info","event":"forged"}' });
  await close();
  expect((await readFile(file, 'utf8')).trim().split('\n')).toHaveLength(1);
});

test('a full file is put aside by the next run, few are kept, and all are private', async () => {
  const file = join(folder, 'run.log');
  for (let run = 0; run < 5; run += 1) {
    const { log, close } = await createLogger(file, { now, maxBytes: 100, oldFiles: 2 });
    log.event('info', 'filler', { run, text: 'x'.repeat(100) });
    await close();
  }
  expect((await readdir(folder)).toSorted()).toEqual(['run.log', 'run.log.1', 'run.log.2']);
  for (const [name, run] of Object.entries({ 'run.log': 4, 'run.log.1': 3, 'run.log.2': 2 })) {
    expect(await readFile(join(folder, name), 'utf8')).toContain(`"run":${run}`);
    expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
  }
});

test('ten thousand events are all there when the log is closed', async () => {
  const file = join(folder, 'run.log');
  const { log, close } = await createLogger(file, { now });
  for (let i = 0; i < 10_000; i += 1) log.event('info', 'filler', { i });
  await close();
  expect((await readFile(file, 'utf8')).trim().split('\n')).toHaveLength(10_000);
});

test('a file that cannot be written is told as something to mend', async () => {
  await writeFile(join(folder, 'plain'), '');
  const opening = createLogger(join(folder, 'plain', 'run.log'), { now });
  await expect(opening).rejects.toThrow(OperatorError);
});
