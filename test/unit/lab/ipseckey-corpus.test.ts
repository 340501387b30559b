/** The simulated ipseckey against what the real one did with several hundred key files. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { EMPTY_SAD, ipseckey } from '../../../controller/lab/tools/ipseckey.js';
import { MemoryFiles } from './memory-files.js';
import { stockCall } from './stock-host.js';

interface KeyCase {
  readonly id: string;
  readonly note: string;
  readonly input: string;
  readonly accept: boolean;
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly load_exit: number;
  readonly load_stdout: string;
  readonly load_stderr: string;
  readonly saved: readonly string[];
  readonly nsaved: number;
}

function readCases(): KeyCase[] {
  const text = readFileSync(new URL('../../fixtures/corpus/keys.jsonl', import.meta.url), 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): KeyCase => JSON.parse(line));
}

/** The saved file as one line an SA, as the corpus has it. */
function savedLines(text: string): string[] {
  const blocks = text.matchAll(/# begin assoc\n([\s\S]*?)\n# end assoc\n/g);
  return [...blocks].map(([, body = '']) => body.replace(/\\\n/g, ' ').replace(/\s+/g, ' ').trim());
}

/** Texts longer than they are kept are cut; the kept part must agree. */
function startsAlike(actual: string, kept: string): boolean {
  const plain = actual.replace(/pid=\d+/g, 'pid=PID');
  return plain === kept || (kept.length >= 300 && plain.startsWith(kept)) || plain.trimEnd() === kept.trimEnd();
}

for (const one of readCases()) {
  test(`${one.id} ${one.note}`, async () => {
    const files = new MemoryFiles().put('/root/FILE', one.input);
    const check = await ipseckey(stockCall(['-c', 'FILE'], files), EMPTY_SAD);
    const load = await ipseckey(stockCall(['-f', 'FILE'], files), EMPTY_SAD);
    const save = await ipseckey(stockCall(['-n', '-s', '-'], files), load.state);
    const saved = savedLines(save.stdout);
    expect({ exit: check.exit, load: load.exit, saved: saved.length }).toEqual({
      exit: one.exit,
      load: one.load_exit,
      saved: one.nsaved,
    });
    const kept = one.saved.filter((line) => !line.startsWith('…') && !line.startsWith('...'));
    expect(saved.slice(0, Math.min(kept.length, one.nsaved > 10 ? 3 : 10))).toEqual(
      kept.slice(0, one.nsaved > 10 ? 3 : 10),
    );
    for (const [actual, expected] of [
      [check.stdout, one.stdout],
      [check.stderr, one.stderr],
      [load.stdout, one.load_stdout],
      [load.stderr, one.load_stderr],
    ] as const) {
      if (!startsAlike(actual, expected)) expect(actual).toBe(expected);
    }
  });
}
