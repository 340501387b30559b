// `npm run bench -- policy [RULES…]`: how long a policy takes to be parsed and linted, the first time in a process and
// as the median of many more. Prints milliseconds of processor time; nothing here is a test.
import { bundled, measured } from './bundled.mjs';

const given = process.argv.slice(2).map(Number);
const sizes = given.length > 0 ? given : [200, 1000, 5000];
/** Small files are measured more often: the program settles only after some. */
const timesFor = (rules) => (rules > 1000 ? 10 : 40);

const { policies, parseAndLint } = await bundled('policy-bench');
for (const rules of sizes) {
  for (const [make, text] of policies(rules)) {
    const times = Array.from({ length: timesFor(rules) }, () => 1000 * measured(() => parseAndLint(text)).seconds);
    const [first, ...next] = times;
    const median = next.toSorted((a, b) => a - b)[Math.floor(next.length / 2)];
    console.log(
      `${String(rules).padStart(6)} rules, ${make.padEnd(28)} parse and lint ${median.toFixed(1).padStart(7)} ms (first ${first.toFixed(1)} ms)  ${((1000 * median) / rules).toFixed(1)} µs a rule`,
    );
  }
}
