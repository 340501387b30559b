/** Several commands in a row on one simulated host, against what the real programs did. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { ToolReply } from '../../../controller/lab/tools/tool.js';
import { testMachine, type TestMachine } from './test-machine.js';

interface Sequence {
  readonly id: string;
  readonly note: string;
  readonly files: Readonly<Record<string, string>>;
  readonly commands: readonly string[];
  readonly results: readonly ToolReply[];
}

const sequences = readFileSync(new URL('../../fixtures/corpus/key-sequences.jsonl', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line): Sequence => JSON.parse(line));

/** The few commands of the sequences that are not the host's own. */
async function perform(host: TestMachine, command: string): Promise<ToolReply> {
  const done = { exit: 0, stdout: '', stderr: '' };
  const [first = '', ...words] = command.replaceAll('$PWD', '/host/root').split(' ');
  const path = (name = ''): string => `/host/root/${name}`;
  if (first === 'oracle-boot') {
    await host.machine.boot();
    return done;
  }
  if (first === 'chmod') {
    host.files.put(path(words[1]), host.files.text(path(words[1])) ?? '', parseInt(words[0] ?? '', 8));
    return done;
  }
  if (first === 'stat') {
    const info = await host.files.stat(path(words[2]));
    return { ...done, stdout: `${info?.mode.toString(8) ?? ''}\n` };
  }
  if (first === 'cp') {
    host.files.put(path(words[1]), host.files.text(path(words[0])) ?? '');
    return done;
  }
  const [, fmri] = /^SMF_FMRI=(.*)$/.exec(first) ?? [];
  const line = fmri === undefined ? [first, ...words] : words;
  return host.run(line.join(' '), fmri === undefined ? {} : { SMF_FMRI: fmri });
}

function plain({ exit, stdout, stderr }: ToolReply): ToolReply {
  const times = /(SA added at time: |Time now is ).*/g;
  return { exit, stdout: stdout.replace(/pid=\d+/g, 'pid=PID').replace(times, '$1TIME'), stderr };
}

for (const { id, note, files, commands, results } of sequences) {
  test(`${id} ${note}`, async () => {
    const host = testMachine();
    for (const [name, text] of Object.entries(files)) host.files.put(`/host/root/${name}`, text);
    for (const [i, command] of commands.entries()) {
      const reply = plain(await perform(host, command));
      expect({ command, ...reply }).toEqual({ command, ...results[i] });
    }
  });
}
