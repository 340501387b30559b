// `npm run bench [-- policy|proof|hosts|drift|lab [SIZES…]]`: every benchmark, or one of them with sizes of its own; lab, which needs root, only
// when it is named. Each runs in a process of its own, and prints figures; nothing here is a test.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const BENCHES = ['policy', 'proof', 'hosts', 'drift'];
const ROOT_BENCHES = ['lab'];
const [chosen, ...sizes] = process.argv.slice(2);

if (chosen !== undefined && ![...BENCHES, ...ROOT_BENCHES].includes(chosen)) {
  console.error(
    `there is no benchmark "${chosen}": name one of ${[...BENCHES, ...ROOT_BENCHES].join(', ')}, or none for all`,
  );
  process.exit(1);
}
for (const bench of chosen === undefined ? BENCHES : [chosen]) {
  const { status } = spawnSync(process.execPath, [join(here, `${bench}-bench.mjs`), ...sizes], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
