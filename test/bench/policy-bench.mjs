// `node test/bench/policy-bench.mjs [RULES…]`: how long a policy takes to be parsed and linted, the first time in a process and
// as the median of many more. Prints milliseconds of processor time; nothing here is a test.
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const given = process.argv.slice(2).map(Number);
const sizes = given.length > 0 ? given : [200, 1000, 5000];
/** Small files are measured more often: the program settles only after some. */
const timesFor = (rules) => (rules > 1000 ? 10 : 40);

const bundle = join(here, `bench-${process.pid}.mjs`);
try {
  const entry = join(here, 'policy-bench.ts');
  await build({
    entryPoints: [entry],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  });
  const { policies, parseAndLint } = await import(pathToFileURL(bundle));
  for (const rules of sizes) {
    for (const [make, text] of policies(rules)) {
      const [first, ...next] = Array.from({ length: timesFor(rules) }, () => milliseconds(() => parseAndLint(text)));
      const median = next.toSorted((a, b) => a - b)[Math.floor(next.length / 2)];
      console.log(
        `${String(rules).padStart(6)} rules, ${make.padEnd(28)} parse and lint ${median.toFixed(1).padStart(7)} ms (first ${first.toFixed(1)} ms)  ${((1000 * median) / rules).toFixed(1)} µs a rule`,
      );
    }
  }
} finally {
  rmSync(bundle, { force: true });
}

function milliseconds(work) {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
