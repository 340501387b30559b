/** The matrix itself: an agent that is broken on purpose is caught, and the shipped one is not accused. */

import { expect, it } from 'vitest';
import { allCells } from './cells.js';
import type { Sabotage } from './instrumented-agent.js';
import { playMatrix } from './main.js';

const cells = allCells(['solaris-smf']).filter(({ id }) =>
  /manual.(verify.done.before|policy.done.after).agent-killed/.test(id),
);

async function broken(sabotage: readonly Sabotage[]): Promise<readonly string[]> {
  const played = await playMatrix({ cells, hosts: cells.length, sabotage });
  expect(played).toHaveLength(cells.length);
  return played.flatMap(({ complaints }) => complaints);
}

const CASES: readonly (readonly [string, readonly Sabotage[], RegExp])[] = [
  [
    'a revert that forgets keys',
    [
      ['lib/ending.sh', '        restore_sas\n', '        :\n'],
      ['lib/ending.sh', '        check_restored_sas\n', '        :\n'],
    ],
    /^(missing|extra): sa /,
  ],
  [
    'a revert that forgets files',
    [
      ['lib/ending.sh', 'restore_files || PROBLEMS', 'true || PROBLEMS'],
      ['lib/ending.sh', '    check_restored_files\n', '    :\n'],
    ],
    /^(missing|extra): file /,
  ],
  [
    'a revert that leaves its folder behind',
    [['lib/preflight.sh', '    rm -rf "$TX" "$TX" "$NEW"\n', '    rm -rf "$TX"\n']],
    /^left over: .*\.ipsec-deploy/,
  ],
];

it.skipIf(process.getuid?.() !== 0).each(CASES)(
  '%s is caught',
  async (_, sabotage, complaint) => {
    expect((await broken(sabotage)).join('\n')).toMatch(new RegExp(complaint.source, 'm'));
  },
  120_000,
);

it.skipIf(process.getuid?.() !== 0)(
  'the agent as it is holds',
  async () => {
    expect(await broken([])).toEqual([]);
  },
  120_000,
);
