import { expect, test } from 'vitest';
import { aboutPush, type Objection } from '../../../controller/run/prove-fleet.js';

const objection = (host: string, others: readonly string[] = []): Objection => ({
  risk: 'pairs',
  host,
  others,
  problem: { code: 'PAIR', severity: 'error', what: 'the ends do not agree', todo: 'mend one' },
});

test('an objection refuses a push to any host that it turns on, and is a warning where nothing is pushed', () => {
  const weighed = aboutPush(
    [objection('web1'), objection('web1', ['db1']), objection('db1'), objection('db2', ['web1'])],
    new Set(['db1']),
  );
  expect(weighed.map(({ problem }) => problem.severity)).toEqual(['warning', 'error', 'error', 'warning']);
  expect(weighed[0]?.problem.todo).toContain('mend one');
});
