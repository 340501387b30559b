/** The built program against every recorded answer of the real tools and of the kernel's matching code, one process for each file. */

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { PROGRAM } from '../support/cli.js';
import { type Ran } from '../support/runs.js';

vi.setConfig({ testTimeout: 60_000 });

type Line = Readonly<Record<string, unknown>>;

function recorded(file: string): string {
  return readFileSync(join(import.meta.dirname, '../fixtures/corpus', file), 'utf8');
}

function linesOf(text: string): Line[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line): Line => JSON.parse(line));
}

function run(input: string, ...words: readonly string[]): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [PROGRAM, 'policy', ...words], { stdio: ['pipe', 'pipe', 'pipe'] });
    const out: string[] = [];
    const err: string[] = [];
    child.stdout.setEncoding('utf8').on('data', (text: string) => out.push(text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => err.push(text));
    child.on('error', reject);
    child.on('close', (exit, signal) => resolve({ exit, signal, stdout: out.join(''), stderr: err.join('') }));
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

test('every recorded answer about a file is foretold in every field: messages, statuses, what is installed', async () => {
  const input = recorded('policy.jsonl') + recorded('keys.jsonl');
  const wanted = linesOf(input);
  const { exit, stdout, stderr } = await run(input, 'predict', '--jsonl');
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
  const got = linesOf(stdout);
  expect(got.length).toBe(573 + 458);
  for (const [i, { input: _input, note: _note, ...answer }] of wanted.entries()) expect(got[i]).toMatchObject(answer);
});

/** Fields of a query that are answers. */
const ANSWERS = ['index', 'rule', 'verdict', 'latched', 'alt', 'why', 'wants', 'used', 'asks', 'tie'] as const;
const REMEMBERED = ['verdict', 'latched', 'alt', 'why', 'wants', 'used', 'asks'] as const;

test('every recorded packet meets its rule and its fate, and one that hangs on history is doubtful, and told both ways', async () => {
  const input = recorded('packets.jsonl');
  const { exit, stdout } = await run(input, 'decide', '--jsonl');
  expect(exit).toBe(0);
  const got = linesOf(stdout);
  const counts: Record<string, number> = {};
  for (const [i, wanted] of linesOf(input).entries()) {
    const answer = got[i];
    expect(answer).toMatchObject({ id: wanted['id'], load: wanted['load'] });
    const answers = answer?.['queries'] as readonly Line[];
    for (const [q, query] of (wanted['queries'] as readonly Line[]).entries()) {
      const one = answers[q] ?? {};
      const alone = query['alone'] as Line | undefined;
      const { index, rule, tie } = query;
      const asIf: Line = alone === undefined ? query : { index, rule, tie, ...alone };
      expect({ query, remembered: one['remembered'] !== undefined }).toEqual({
        query,
        remembered: alone !== undefined,
      });
      if (alone !== undefined) expect({ query, doubtful: one['doubtful'] }).toEqual({ query, doubtful: true });
      // What really happened in this sequence, history included.
      for (const field of REMEMBERED)
        expect(((one['remembered'] as Line | undefined) ?? one)[field]).toEqual(query[field]);
      for (const field of ANSWERS) {
        if (asIf[field] !== undefined) counts[field] = (counts[field] ?? 0) + 1;
        if (JSON.stringify(one[field]) !== JSON.stringify(asIf[field]))
          expect({ id: wanted['id'], query, [field]: one[field] }).toEqual({
            id: wanted['id'],
            query,
            [field]: asIf[field],
          });
      }
    }
  }
  expect(counts).toEqual({
    index: 2668,
    rule: 2668,
    verdict: 2668,
    latched: 1070,
    why: 945,
    wants: 703,
    alt: 305,
    used: 235,
    asks: 188,
    tie: 30,
  });
});

test('a file on standard input gets one answer, its keys hidden', async () => {
  const key = '069a55491fc3ec51e9e6ca0a730ba2c0';
  const input = `add esp spi 0x1001 dst 10.0.0.2 encr_alg aes encrkey ${key}\n`;
  const { exit, stdout, stderr } = await run(input, 'predict', '-', '--output', 'json');
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
  expect(linesOf(stdout)).toMatchObject([
    { schema: 'ipsec-deploy/1', event: 'predicted', kind: 'keys', guessed: 'content', verdict: 'installs' },
  ]);
  expect(stdout).not.toContain(key);
});

test('a key file is not read as a policy: what ipsecconf would say of it repeats its keys', async () => {
  const { exit, stdout, stderr } = await run('add esp spi 1 encrkey 5ec0de\n', 'predict', '--kind', 'policy', '-');
  expect({ exit, stdout }).toEqual({ exit: 1, stdout: '' });
  expect(stderr).toContain('this looks like a key file');
  expect(stderr).not.toContain('5ec0de');
});
