import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** As test/agent/support/shells.ts knows them. */
const SHELLS = ['dash', 'bash --posix', 'ksh93', 'mksh', 'busybox sh', 'yash'];

/** Run once for each shell a host may have, each shell a project of its own. */
const TRANSACTION_SUITES = ['faults', 'held-up', 'sweep'].map((name) => `test/agent/${name}.system.test.ts`);

/** Of `npm test`: go through all shells by themselves where they are told to. */
const QUICK_SUITES = ['flow', 'drift', 'probe', 'legacy'].map((name) => `test/agent/${name}.test.ts`);

/** Other programs than the machine's own: see test/agent/support/tool-sets.ts. gawk only where it is installed. */
const AWKS = ['mawk', 'original-awk', 'gawk'].filter((awk) => existsSync(`/usr/bin/${awk}`));
const TOOL_SETS = ['busybox', 'digest', 'busybox awk', ...AWKS];

/** Hosts in namespaces, packets and windows: these get the machine for themselves (`npm run test:proofs`). */
const PROOFS = 'test/integration/enforce/**';

const shared = { exclude: ['node_modules/**', 'dist/**'], testTimeout: 180_000, hookTimeout: 180_000 };

// Real programs of the system as the other end: see test/integration.
export default defineConfig({
  test: {
    // Most of these wait, for windows and for connections that must not come about.
    maxWorkers: availableParallelism() + 3,
    reporters: ['default', './test/support/summary-reporter.ts'],
    projects: [
      {
        test: {
          ...shared,
          name: 'system',
          include: ['test/**/*.system.test.ts', ...QUICK_SUITES],
          exclude: [...shared.exclude, ...TRANSACTION_SUITES, PROOFS],
          env: { AGENT_SHELLS: 'all' },
        },
      },
      { test: { ...shared, name: 'proofs', include: [`${PROOFS}/*.system.test.ts`] } },
      ...SHELLS.map((name) => ({
        test: { ...shared, name, include: TRANSACTION_SUITES, env: { AGENT_SHELLS: name } },
      })),
      ...TOOL_SETS.map((name) => ({
        test: {
          ...shared,
          name: `tools: ${name}`,
          include: QUICK_SUITES.slice(0, 3),
          env: { AGENT_SHELLS: 'dash', AGENT_TOOLS: name },
        },
      })),
    ],
  },
});
