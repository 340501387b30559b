import { defineConfig } from 'vitest/config';

// Real programs of the system as the other end: see test/integration.
export default defineConfig({
  test: {
    reporters: ['default', './test/support/summary-reporter.ts'],
    include: [
      'test/**/*.system.test.ts',
      'test/agent/flow.test.ts',
      'test/agent/drift.test.ts',
      'test/agent/legacy.test.ts',
    ],
    env: { AGENT_SHELLS: 'all' },
    exclude: ['node_modules/**', 'dist/**'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
