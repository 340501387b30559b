// `node test/bench/proof-bench.mjs [HOSTS [NEIGHBOURS…]]`: how long a whole fleet takes to be rendered and proved offline, on one
// core. Prints seconds and milliseconds a link for growing numbers of links; nothing here is a test.
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const [hosts = 1000, ...given] = process.argv.slice(2).map(Number);
const neighbours = given.length > 0 ? given : [5, 10, 20];

// Beside the tests' own support, which looks for the templates from there.
const bundle = join(here, '..', 'support', `bench-${process.pid}.mjs`);
try {
  await build({
    entryPoints: [join(here, 'proof-bench.ts')],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
    external: ['ssh2'],
    banner: { js: "import{createRequire as requireFrom}from'node:module';const require=requireFrom(import.meta.url);" },
  });
  const stages = await import(pathToFileURL(bundle));
  for (const each of neighbours) measure(stages, each);
} finally {
  rmSync(bundle, { force: true });
}

function measure(stages, each) {
  const inventory = timed(`inventory of ${hosts} hosts, ${hosts * each} links`, () => stages.ring(hosts, each));
  const links = inventory.links.length;
  const store = timed('keys', () => stages.keysFor(inventory));
  const fleet = timed('render and read back', () => stages.desired(inventory, store), links);
  const found = timed('both ends of each link', () => stages.pairs(inventory, fleet), links);
  if (found > 0) throw new Error(`${found} findings in a fleet that has none`);
  console.log(`      memory ${(process.memoryUsage().heapUsed / 2 ** 20).toFixed(0)} MiB`);
}

function timed(name, work, links) {
  const before = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(before);
  const seconds = (user + system) / 1e6;
  const each = links === undefined ? '' : `  ${((1000 * seconds) / links).toFixed(3)} ms a link`;
  console.log(`${seconds.toFixed(2).padStart(7)} s  ${name}${each}`);
  return result;
}
