// `npm run bench [-- policy|proof|hosts|drift [SIZES…]]`: every benchmark, or one of them with sizes of its own. Each runs in a process
// of its own, and prints figures; nothing here is a test.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const BENCHES = ['policy', 'proof', 'hosts', 'drift'];
const [chosen, ...sizes] = process.argv.slice(2);

if (chosen !== undefined && !BENCHES.includes(chosen)) {
  console.error(`there is no benchmark "${chosen}": name one of ${BENCHES.join(', ')}, or none for all`);
  process.exit(1);
}
for (const bench of chosen === undefined ? BENCHES : [chosen]) {
  const { status } = spawnSync(process.execPath, [join(here, `${bench}-bench.mjs`), ...sizes], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
