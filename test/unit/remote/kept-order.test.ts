import { expect, test } from 'vitest';

import type { ReplyRecord, ReplySection } from '../../../controller/remote/agent-reply.js';
import { parseStatus } from '../../../controller/remote/reply-values.js';

test('kept generations come in the order of their numbers, whatever the order of the listing', () => {
  const items = [0, 10, 2, 9].map((generation) => ({
    kind: 'record',
    name: 'kept',
    fields: new Map([['generation', String(generation)]]),
    line: '',
  })) as unknown as ReplyRecord[];
  const reply = { kind: 'section', name: 'status', fields: new Map(), items, lines: [], status: 0 } as unknown;
  expect(parseStatus(reply as ReplySection).kept.map(({ generation }) => generation)).toEqual([0, 2, 9, 10]);
});
