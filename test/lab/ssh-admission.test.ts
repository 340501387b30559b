import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2, { type Client } from 'ssh2';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startLab, type Lab, type LabOptions } from '../../controller/lab/lab.js';
import type { LabHost } from '../../controller/lab/lab-host.js';
import { address } from './support.js';

let judged: Lab;
let open: Lab;

beforeAll(async () => {
  const hosts = [{ name: 'web1', addresses: [address('fd00::1'), address('10.0.0.1')] }];
  const start = (given: Partial<LabOptions>): Promise<Lab> =>
    startLab({ folder: fs.mkdtempSync(join(tmpdir(), 'ipsec-lab-')), hosts, ...given });
  [judged, open] = await Promise.all([start({ client: address('10.9.9.9') }), start({})]);
});
afterAll(async () => {
  for (const lab of [judged, open]) {
    await lab.close();
    fs.rmSync(lab.folder, { recursive: true });
  }
});

async function load(host: LabHost, ...rules: readonly string[]): Promise<void> {
  const file = join(host.root, 'etc/inet/ipsecinit.conf');
  fs.writeFileSync(file, rules.map((rule) => `${rule.replace('PORT', String(host.port))}\n`).join(''));
  const words = ['-q', '-F', '-a', file];
  expect(await host.machine.run('ipsecconf', words, { env: {}, stdin: '', cwd: '/' })).toMatchObject({ exit: 0 });
}

/** Resolves with the client when the host answers, with the reason when it does not in that time. */
function knock(lab: Lab, milliseconds: number): Promise<Client | string> {
  const client = new ssh2.Client();
  onTestFinished(() => void client.destroy());
  return new Promise((resolve) => {
    client.once('ready', () => resolve(client)).on('error', ({ message }) => resolve(message));
    const { privateKey } = lab.clientKey;
    const port = lab.host('web1').port;
    client.connect({ host: '127.0.0.1', port, username: 'deploy', privateKey, readyTimeout: milliseconds });
  });
}

function echo(client: Client | string): Promise<string> {
  return new Promise((resolve, reject) => {
    if (typeof client === 'string') return reject(new Error(client));
    client.exec('echo here', (error, channel) => {
      if (error !== undefined) return reject(error);
      channel.once('data', (chunk: Buffer) => resolve(chunk.toString()));
    });
  });
}

const SILENCE = 'Timed out while waiting for handshake';
const ESP = 'ipsec { encr_algs aes encr_auth_algs sha256 sa shared }';

test.each([
  ['no policy', [], 'in'],
  ['a bypass both ways', ['{ raddr 10.9.9.9 lport PORT ulp tcp dir both } bypass {}', '{ dir both } drop {}'], 'in'],
  ['rules of the other family alone', ['{ laddr fd00::1 dir both } drop {}'], 'in'],
  ['a rule for another port', ['{ lport 22 ulp tcp dir both } drop {}'], 'in'],
  ['a drop', ['{ dir both } drop {}'], 'out'],
  ['protection', [`{ raddr 10.0.0.0/8 dir both } ${ESP}`], 'out'],
  ['a bypass for requests alone', ['{ lport PORT ulp tcp dir in } bypass {}', `{ dir out } ${ESP}`], 'out'],
  ['a bypass for answers alone', ['{ lport PORT ulp tcp dir out } bypass {}', `{ dir in } ${ESP}`], 'out'],
] as const)('by %s a new connection is kept as the policy says', async (_, rules, where) => {
  const lab = judged;
  await load(lab.host('web1'), '{ lport 25 ulp tcp dir both } bypass {}', ...rules);
  const heard = await knock(lab, where === 'in' ? 5000 : 150);
  if (where === 'in') expect(await echo(heard)).toBe('here\n');
  else expect(heard).toBe(SILENCE);
});

test('connections from before stay, and a client that tries on gets in when the policy lets it', async () => {
  const lab = judged;
  const host = lab.host('web1');
  await load(host, '{ lport PORT ulp tcp dir both } bypass {}');
  const before = await knock(lab, 5000);
  await load(host, '{ dir both } drop {}');
  const welcomed = host.connections;
  const [gaveUp, later] = [knock(lab, 100), knock(lab, 5000)];
  expect(await gaveUp).toBe(SILENCE);
  expect(await echo(before)).toBe('here\n');
  await load(host, '{ lport PORT ulp tcp dir both } bypass {}');
  expect(await echo(await later)).toBe('here\n');
  expect(host.connections).toBe(welcomed + 1);
});

test('while the network is cut open connections stand still and none comes about; then they go on', async () => {
  const lab = open;
  const host = lab.host('web1');
  await load(host, '{ dir both } drop {}');
  const client = await knock(lab, 5000);
  for (const network of ['down', 'replies-lost'] as const) {
    host.setNetwork(network);
    let heard = '';
    const answer = echo(client).then((said) => (heard = said));
    expect(await knock(lab, 150)).toBe(SILENCE);
    expect(heard).toBe('');
    host.setNetwork('up');
    expect(await answer).toBe('here\n');
  }
});
