// `npm run bench -- lab [HOSTS…]`: time to bring enforcing labs up and down, with 10, 50 and 200 hosts unless said, and the memory of all
// that belongs to one while it is up: its process, and those of its hosts, shared pages counted in parts. Needs root on Linux.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cli, run } from './controller-runs.mjs';

const sizes = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [10, 50, 200];

for (const hosts of sizes) {
  const folder = mkdtempSync(join(tmpdir(), 'ipsec-deploy-bench-'));
  const lab = ['--folder', join(folder, 'lab')];
  try {
    const up = await run([cli, 'lab', 'up', '--enforce', '--hosts', String(hosts), ...lab]);
    const [own, theirs] = memory(folder, JSON.parse(readFileSync(join(folder, 'lab/lab.json'), 'utf8')).pid);
    const cut = await run([cli, 'lab', 'power-cut', 'web1', ...lab]);
    const boot = await run([cli, 'lab', 'boot', 'web1', ...lab]);
    const down = await run([cli, 'lab', 'down', ...lab]);
    console.log(
      `lab, ${hosts} hosts: up in ${seconds(up)}, down in ${seconds(down)}; one power cut ${seconds(cut)}, boot ${seconds(boot)}; ` +
        `memory ${own.toFixed(0)} MiB of the lab, ${(theirs / hosts).toFixed(1)} MiB a host, ${(own + theirs).toFixed(0)} in all`,
    );
  } finally {
    await run([cli, 'lab', 'down', ...lab], { expect: [0, 1] });
    rmSync(folder, { recursive: true, force: true });
  }
}

function seconds({ wallSeconds }) {
  return `${wallSeconds.toFixed(1)} s`;
}

/** MiB of the lab's own process, and of all others that see the lab's folder among their mounts or in their environment. */
function memory(folder, pid) {
  const others = readdirSync('/proc').filter(
    (name) => /^\d+$/.test(name) && ![process.pid, pid].map(String).includes(name) && belongs(name, folder),
  );
  return [share(pid), others.map(share).reduce((sum, one) => sum + one, 0)];
}

function belongs(pid, folder) {
  return ['mountinfo', 'environ'].some((file) => text(`/proc/${pid}/${file}`).includes(folder));
}

function share(pid) {
  return Number(/^Pss:\s+(\d+) kB/m.exec(text(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0) / 1024;
}

/** A process may end while it is looked at. */
function text(file) {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
