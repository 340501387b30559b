// `npm run bench -- drift [HOSTS…]`: a drift pass against the floor measured in the same run, and false findings in a week.
// Up to 200 hosts are the lab's, with a real shell and agent each; more are scripted ones that say what a host of the lab said,
// so that what is measured is the controller. "drift alone" is --no-pending. Prints ratios; nothing here is a test.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import ssh2 from 'ssh2';

import { bundled } from './bundled.mjs';
import { cli, floorScript, labFacts, medians, run, row } from './controller-runs.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const sizes = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [100, 1000];
const FORKS = 20;
const REPEATS = 5;
const MOST_LAB_HOSTS = 200;
const MARK = '00112233445566ff';

const program = await bundled('drift-bench');
for (const hosts of sizes) {
  const folder = mkdtempSync(join(tmpdir(), 'ipsec-deploy-bench-'));
  const lab = join(folder, 'lab');
  try {
    const isPlayed = hosts <= MOST_LAB_HOSTS;
    await run([cli, 'lab', 'up', '--folder', lab, '--hosts', String(isPlayed ? Math.max(2, hosts) : 2)]);
    await run([cli, 'apply', join(lab, 'inventory.yaml')]);
    if (isPlayed) await measure('drift', hosts, join(lab, 'inventory.yaml'), labFacts(lab));
    else await measureScripted(hosts, folder, lab);
  } finally {
    await run([cli, 'lab', 'down', '--folder', lab], { expect: [0, 1] });
    rmSync(folder, { recursive: true, force: true });
  }
}
const { looks, findings, digests } = program.simulateWeek(100);
console.log(
  `a simulated week of ${looks} looks at 100 clean hosts: ${findings.length} findings, ${digests.length} messages`,
);

/** The floor is taken between the runs, so that both had the same machine. */
async function measure(name, hosts, inventory, { ports, keyFile }) {
  const usage = join(dirname(inventory), 'usage.json');
  const floorWords = [floorScript, '1', String(FORKS), keyFile, ...ports];
  const words = [cli, 'drift', inventory, '--forks', String(FORKS), '--output', 'json'];
  const figures = { floor: [], whole: [], alone: [] };
  for (let i = 0; i < REPEATS; i++) {
    figures.floor.push(await run(floorWords, { usage, env: { BENCH_USER: 'deploy' } }));
    figures.whole.push(clean(hosts, await run(words, { usage })));
    figures.alone.push(clean(hosts, await run([...words, '--no-pending'], { usage })));
  }
  const floor = medians(figures.floor);
  row(name, hosts, medians(figures.whole), floor);
  row('drift alone', hosts, medians(figures.alone), floor);
}

/** A figure of a pass that found drift, or missed hosts, says nothing. */
function clean(hosts, done) {
  const { asked, hosts: states } = JSON.parse(done.text.trimEnd().split('\n').at(-1));
  if (asked !== hosts || states.drift + states.unreachable > 0) throw new Error(done.text.slice(-3000));
  return done;
}

async function measureScripted(hosts, folder, lab) {
  const { ports: labPorts, keyFile } = labFacts(lab);
  const recording = join(folder, 'recording.json');
  writeFileSync(recording, JSON.stringify({ mark: MARK, text: await record(Number(labPorts[0]), keyFile) }));
  const servers = spawn(process.execPath, [join(here, 'scripted-hosts.mjs'), recording, String(hosts), keyFile], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    const [line] = await once(createInterface(servers.stdout), 'line');
    const { ports, hostKey } = JSON.parse(line);
    const inventory = join(lab, 'scripted.yaml');
    writeFileSync(inventory, ring(ports, hostKey, keyFile));
    // They say what one host has, and each is asked for something of its own: the most there is to compare.
    await measure('all pending', hosts, inventory, { ports, keyFile });
  } finally {
    servers.stdin.end();
    await once(servers, 'close');
  }
}

/** What the agent on a host of the lab answers when it is asked for drift. */
async function record(port, keyFile) {
  const agent = await program.readAgent(program.agentFolder);
  const client = new ssh2.Client();
  client.connect({ port, host: '127.0.0.1', username: 'deploy', privateKey: readFileSync(keyFile) });
  await once(client, 'ready');
  const channel = await new Promise((resolve, reject) =>
    client.exec(program.startCommand('pfexec', agent.digest, true), (error, stream) =>
      error === undefined ? resolve(stream) : reject(error),
    ),
  );
  let text = '';
  channel.setEncoding('utf8').on('data', (chunk) => (text += chunk));
  const said = async (pattern) => {
    while (!pattern.test(text)) await once(channel, 'data');
  };
  channel.write(agent.loader);
  await said(/^ipsec-deploy-agent ready .*\n/m);
  text = '';
  channel.write(`session mark=${MARK} protocol=1\ndrift\n`);
  await said(new RegExp(`^${MARK} end drift .*\\n`, 'm'));
  channel.end('bye\n');
  client.end();
  await once(client, 'close');
  return text;
}

/** Each host is linked with the next, so that there is something to render. */
function ring(ports, hostKey, keyFile) {
  const address = (i) => `10.${20 + Math.floor(i / 62500)}.${Math.floor(i / 250) % 250}.${(i % 250) + 1}`;
  const hosts = ports.map(
    (port, i) => `  h${i}: { address: ${address(i)}, hostKey: '${hostKey}', ssh: { port: ${port} } }`,
  );
  const links = ports.map((_, i) => `  - between: [h${i}, h${(i + 1) % ports.length}]`);
  return `version: 1
fleet: bench
management: [127.0.0.1]
settings: { identityFile: identity.txt }
defaults: { ssh: { host: 127.0.0.1, user: deploy, privilege: pfexec, auth: [{ key: ${keyFile} }] } }
hosts:
${hosts.join('\n')}
links:
${links.join('\n')}
`;
}
