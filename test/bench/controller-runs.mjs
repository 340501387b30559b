// What benchmarks of the controller share: a program run and measured, the middle of several runs, and a row against the floor.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
export const cli = join(here, '..', '..', 'bin', 'ipsec-deploy.js');

/** Runs a script of node's; with `usage`, a file for the figures, its CPU time and peak memory are in the answer. */
export function run(args, { usage, expect = [0], env = {} } = {}) {
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

export const floorScript = join(here, 'floor.mjs');

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
export const medians = (runs) =>
  Object.fromEntries(
    ['wallSeconds', 'cpuSeconds', 'peakMib'].map((figure) => [figure, median(runs.map((one) => one[figure]))]),
  );

export function row(name, hosts, mine, floor) {
  const per = (value) => `${((1000 * value) / hosts).toFixed(1)} ms`;
  console.log(
    `${String(hosts).padStart(5)}  ${name.padEnd(16)} wall ${mine.wallSeconds.toFixed(2)} s (${(mine.wallSeconds / floor.wallSeconds).toFixed(2)} × floor)` +
      `  cpu ${mine.cpuSeconds.toFixed(2)} s, ${per(mine.cpuSeconds)} a host (${(mine.cpuSeconds / floor.cpuSeconds).toFixed(2)} × floor)  peak ${mine.peakMib.toFixed(0)} MiB`,
  );
}

export async function repeat(times, work) {
  const results = [];
  for (let i = 0; i < times; i++) results.push(await work());
  return results;
}

export function labFacts(lab) {
  const facts = JSON.parse(readFileSync(join(lab, 'lab.json'), 'utf8'));
  return { ports: facts.hosts.map((host) => String(host.port)), keyFile: join(lab, 'client_ed25519') };
}
