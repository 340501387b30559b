import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { systemError } from '../../controller/cli/system-error.js';

test('what the system refuses is told with its path and what to look at, and is no bug', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'system-error-'));
  writeFileSync(join(folder, 'file'), '');
  const path = join(folder, 'file', 'below');
  try {
    expect.assertions(1);
    mkdirSync(path);
  } catch (error) {
    expect(systemError(error)).toMatchObject({
      where: path,
      what: 'this is below something that is no folder (ENOTDIR)',
      exit: 4,
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test.each([
  new Error('x'),
  Object.assign(new Error('x'), { code: 'ENOENT', path: '/x' }),
  Object.assign(new Error('x'), { code: 'EACCES', address: '127.0.0.1' }),
  undefined,
])('%o is not of that kind', (error) => {
  expect(systemError(error)).toBeUndefined();
});
