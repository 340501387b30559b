// `npm run bench -- proof [HOSTS [NEIGHBOURS…]]`: how long a whole fleet takes to be rendered and proved offline, on one core.
// Prints seconds of processor time and milliseconds a link for growing numbers of links, each in a process of its own, and
// the most memory it had; nothing here is a test.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { bundled, measured } from './bundled.mjs';

const [hosts = 1000, ...given] = process.argv.slice(2).map(Number);
const neighbours = given.length > 0 ? given : [5, 10, 20];

if (neighbours.length === 1) await measureFleet(hosts, neighbours[0]);
else {
  for (const each of neighbours) {
    const { status } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), String(hosts), String(each)], {
      stdio: 'inherit',
    });
    if (status !== 0) process.exit(status ?? 1);
  }
}

async function measureFleet(size, each) {
  const stages = await bundled('proof-bench');
  const links = size * each;
  const row = (name, seconds) => {
    const share = `${((1000 * seconds) / links).toFixed(3)} ms a link`;
    console.log(`${seconds.toFixed(2).padStart(7)} s  ${name.padEnd(52)} ${share}`);
  };
  const stage = (name, work) => {
    const { result, seconds } = measured(work);
    row(name, seconds);
    return { result, seconds };
  };
  const none = (found) => {
    if (found > 0) throw new Error(`${found} findings in a fleet that has none`);
  };

  console.log(`${size} hosts, ${links} links`);
  const { result: inventory } = stage('inventory read', () => stages.ring(size, each));
  const store = stages.keysFor(inventory);
  const { result: fleet } = stage('every host rendered and read back', () => stages.desired(inventory, store));
  const former = stages.formerFleet(fleet);

  const pairs = stage('both ends of each link', () => stages.pairs(inventory, fleet));
  none(pairs.result);
  const narrow = stage('lock-out, one management address', () => stages.lockedOut(inventory, fleet, former));
  none(narrow.result);
  const tests = stage(`tests, ${inventory.tests.length} of them`, () => stages.failedTests(inventory, fleet));
  none(tests.result);
  const diff = stage('semantic diff and its words, every host changing', () =>
    stages.changes(inventory, fleet, former),
  );
  if (diff.result < size) throw new Error('a host that changes without a change of flows');
  const proofs = [pairs, narrow, tests, diff].reduce((sum, { seconds }) => sum + seconds, 0);
  row('all proofs together', proofs);
  const memory = process.resourceUsage().maxRSS / 1024;

  const inventoryOpen = stages.ring(size, each, '10.0.0.0/8');
  const fleetOpen = stages.desired(inventoryOpen, store);
  const formerOpen = stages.formerFleet(fleetOpen);
  // The web servers refuse SSH to hosts that they have no link with, which is told of each.
  stage('lock-out, every host a management source (beside)', () =>
    stages.lockedOut(inventoryOpen, fleetOpen, formerOpen),
  );
  console.log(`         most memory ${memory.toFixed(0)} MiB before the last line\n`);
}
