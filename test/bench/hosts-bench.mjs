// `npm run bench -- hosts [HOSTS…]`: apply on lab hosts, first run and unchanged run, against the floor measured in the same run.
// Prints ratios; nothing here is a test. The lab runs as a process of its own beside the controller on the same machine.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const cli = join(here, '..', '..', 'bin', 'ipsec-deploy.js');
const sizes = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1, 20, 100];
const FORKS = 20;
const REPEATS = 5;

function run(args, { usage, expect = [0], env = {} } = {}) {
  return new Promise((resolve, reject) => {
    const imports = usage === undefined ? [] : ['--import', join(here, 'usage.mjs')];
    const begun = performance.now();
    const child = spawn(process.execPath, [...imports, ...args], {
      env: { ...process.env, ...env, ...(usage === undefined ? {} : { BENCH_USAGE: usage }) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    child.stdout.on('data', (chunk) => (text += chunk));
    child.stderr.on('data', (chunk) => (text += chunk));
    child.on('error', reject);
    child.on('close', (code) => {
      const wallSeconds = (performance.now() - begun) / 1000;
      if (!expect.includes(code))
        return reject(new Error(`${args.join(' ')} ended with ${code}:\n${text.slice(-3000)}`));
      resolve({ wallSeconds, ...(usage === undefined ? {} : JSON.parse(readFileSync(usage, 'utf8'))), text });
    });
  });
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const medians = (runs) =>
  Object.fromEntries(
    ['wallSeconds', 'cpuSeconds', 'peakMib'].map((figure) => [figure, median(runs.map((one) => one[figure]))]),
  );

function row(name, hosts, mine, floor) {
  const per = (value) => `${((1000 * value) / hosts).toFixed(1)} ms`;
  console.log(
    `${String(hosts).padStart(5)}  ${name.padEnd(16)} wall ${mine.wallSeconds.toFixed(2)} s (${(mine.wallSeconds / floor.wallSeconds).toFixed(2)} × floor)` +
      `  cpu ${mine.cpuSeconds.toFixed(2)} s, ${per(mine.cpuSeconds)} a host (${(mine.cpuSeconds / floor.cpuSeconds).toFixed(2)} × floor)  peak ${mine.peakMib.toFixed(0)} MiB`,
  );
}

for (const hosts of sizes) {
  const folder = mkdtempSync(join(tmpdir(), 'ipsec-deploy-bench-'));
  const lab = join(folder, 'lab');
  const usage = join(folder, 'usage.json');
  const inventory = join(lab, 'inventory.yaml');
  try {
    await run([cli, 'lab', 'up', '--folder', lab, ...wishes(hosts, folder)]);
    const { ports, keyFile } = labFacts(lab);
    const floorOf = async (rounds) =>
      medians(
        await repeat(REPEATS, () =>
          run([join(here, 'floor.mjs'), String(rounds), String(FORKS), keyFile, ...ports], {
            usage,
            env: { BENCH_USER: 'deploy' },
          }),
        ),
      );
    const first = await repeat(REPEATS, async () => {
      await run([cli, 'lab', 'reset', '--folder', lab]);
      return run([cli, 'apply', inventory, '--forks', String(FORKS), '--output', 'json'], { usage });
    });
    const unchanged = await repeat(REPEATS, () =>
      run([cli, 'apply', inventory, '--forks', String(FORKS), '--output', 'json'], { usage }),
    );
    row('first apply', hosts, medians(first), await floorOf(2));
    row('unchanged apply', hosts, medians(unchanged), await floorOf(1));
  } finally {
    await run([cli, 'lab', 'down', '--folder', lab], { expect: [0, 1] });
    rmSync(folder, { recursive: true, force: true });
  }
}

async function repeat(times, work) {
  const results = [];
  for (let i = 0; i < times; i++) results.push(await work());
  return results;
}

function labFacts(lab) {
  const facts = JSON.parse(readFileSync(join(lab, 'lab.json'), 'utf8'));
  return { ports: facts.hosts.map((host) => String(host.port)), keyFile: join(lab, 'client_ed25519') };
}

/** One web server and its peers; a single host has no link. */
function wishes(hosts, folder) {
  if (hosts > 1) return ['--hosts', String(hosts)];
  const alone = join(folder, 'alone.yaml');
  writeFileSync(
    alone,
    `version: 1
fleet: alone
management: [127.0.0.1]
defaults: { template: web-server, vars: { bypass: [{ lport: 80, ulp: tcp }] }, ssh: { user: deploy } }
hosts: { web1: { address: 10.0.1.11 } }
`,
  );
  return ['--from', alone];
}
