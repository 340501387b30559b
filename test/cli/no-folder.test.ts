/** A shell may stand in a folder that somebody has removed meanwhile: the command says so, in one line. */

import { execFile } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PROGRAM } from '../support/cli.js';

test('a command that is started in a folder which is gone says so and ends with 1', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ipsec-gone-'));
  const ended = await new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
    const words = ['-c', 'cd "$1" && rmdir "$1" && exec "$2" "$3" plan', 'sh', folder, process.execPath, PROGRAM];
    execFile('/bin/sh', words, (error, stdout, stderr) => resolve({ code: error?.code, stdout, stderr }));
  });
  expect(ended).toEqual({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^ipsec-deploy: the folder that it was started in is no longer there.*\n$/) as string,
  });
});
