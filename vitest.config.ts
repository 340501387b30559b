import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    reporters: ['default', './test/support/summary-reporter.ts'],
    include: ['test/**/*.test.ts'],
    // Long series of faults and real programs of the system: npm run test:system.
    exclude: ['**/*.system.test.ts', 'node_modules/**', 'dist/**'],
    // Half of the tests wait for processes of their own: one more worker than a small machine has cores fills the gaps.
    maxWorkers: availableParallelism() + 1,
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
});
