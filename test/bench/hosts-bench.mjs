// `npm run bench -- hosts [HOSTS…]`: apply on lab hosts, first run and unchanged run, against the floor measured in the same run.
// Prints ratios; nothing here is a test. The lab runs as a process of its own beside the controller on the same machine.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { cli, floorScript, labFacts, medians, repeat, row, run } from './controller-runs.mjs';

const sizes = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1, 20, 100];
const FORKS = 20;
const REPEATS = 5;

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
          run([floorScript, String(rounds), String(FORKS), keyFile, ...ports], {
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
