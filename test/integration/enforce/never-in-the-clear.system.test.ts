/**
 * I2 with packets: numbered datagrams and a TCP connection that never pause, between two protected hosts, through a change of the policy,
 * a change of algorithms and a rollback. A capture of the wire has no clear packet of them; what was lost is counted and told.
 */

import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { EnforcedFleet, SSH } from '../../support/enforce/fleet.js';
import { between, byKind, inTheClear, ofKind, show } from '../../support/enforce/seen.js';
import { answerOn, startFlow, type Answerer, type Flow } from '../../support/enforce/traffic.js';

const PORT = 7000;
const EVERY_MS = 4;
const PAIRS = [
  { name: 'IKE', from: 'web1', to: 'db1' },
  { name: 'fixed keys', from: 'web2', to: 'db2' },
] as const;

/** A machine that does much besides is slow, and no less right. */
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

let fleet: EnforcedFleet;
let answerers: readonly Answerer[] = [];

beforeAll(async () => {
  fleet = await EnforcedFleet.start([
    { name: 'web1', addresses: ['10.0.1.11'] },
    { name: 'db1', addresses: ['10.0.2.21'] },
    { name: 'web2', addresses: ['10.0.1.12'] },
    { name: 'db2', addresses: ['10.0.2.22'] },
  ]);
  answerers = await Promise.all(PAIRS.map(({ to }) => answerOn(fleet.space(to), { tcp: [PORT], udp: [PORT] })));
});

afterAll(async () => {
  await Promise.all(answerers.map((answerer) => answerer.stop()));
  await fleet.close();
});

function writeInventory(suite: string, ports: readonly number[]): void {
  const bypass = ports.map((port) => `{ lport: ${port}, ulp: tcp }`).join(', ');
  fleet.writeInventory(`defaults: { suite: ${suite}, ${SSH} }
groups:
  web: { template: web-server, vars: { bypass: [ ${bypass} ] } }
  db: { template: peer }
hosts:
${fleet.hostLines({ web1: 'groups: [web]', db1: 'groups: [db]', web2: 'groups: [web]', db2: 'groups: [db]' })}links:
  - between: [web1, db1]
  - { between: [web2, db2], keying: manual }
`);
}

const ONE = '{ encr: aes(256), encrAuth: sha256 }';
const OTHER = '{ encr: aes(128), encrAuth: sha512 }';

function startFlows(): Promise<readonly Flow[]> {
  return Promise.all(
    PAIRS.map(({ from, to }) =>
      startFlow(fleet.space(from), { to: fleet.addressOf(to), port: PORT, everyMs: EVERY_MS }),
    ),
  );
}

/** Datagrams and connections that have come through to the listeners by now. */
async function heard(): Promise<readonly number[]> {
  const counts = await Promise.all(answerers.map((answerer) => answerer.counts()));
  return counts.map((one) =>
    Object.entries(one).reduce((sum, [what, count]) => sum + (what.startsWith('udp') ? count : 0), 0),
  );
}

/** Resolves when each pair has exchanged so many datagrams more. */
async function exchanged(more: number): Promise<void> {
  const goals = (await heard()).map((count) => count + more);
  while ((await heard()).some((count, at) => count < (goals[at] ?? 0))) continue;
}

test('a flow is never in the clear through changes of policy and algorithms and a rollback', async () => {
  // The capture does find clear packets where there are some.
  const before = await fleet.capture();
  const unprotected = await startFlows();
  await exchanged(20);
  await Promise.all(unprotected.map((flow) => flow.finish()));
  const clearBefore = ofKind(await before.end(), 'clear').filter(({ toPort }) => toPort === PORT);
  expect(clearBefore.length).toBeGreaterThan(40);

  writeInventory(ONE, [80, 443]);
  await fleet.expect(0, 'apply');
  const capture = await fleet.capture();
  const flows = await startFlows();
  const phase = async (name: string, change?: () => Promise<unknown>): Promise<void> => {
    await Promise.all(flows.map((flow) => flow.phase(name)));
    await change?.();
    if (change === undefined) await exchanged(50);
  };
  await phase('at rest');
  writeInventory(ONE, [80, 443, 8443]);
  await phase('policy: one more port', () => fleet.expect(0, 'apply', '--accept-risk', 'in-the-clear'));
  await phase('at rest ');
  writeInventory(OTHER, [80, 443, 8443]);
  await phase('other algorithms', () => fleet.expect(0, 'apply'));
  await phase('at rest  ');
  await phase('rollback', () => fleet.expect(0, 'rollback', '--limit', 'web1,web2'));
  await phase('at rest   ');
  const reports = await Promise.all(flows.map((flow) => flow.finish()));
  const packets = await capture.end();

  for (const [at, { name, from, to }] of PAIRS.entries()) {
    const phases = reports[at] ?? [];
    show(
      `I2, ${name}: a datagram and a line each ${EVERY_MS} ms, there and back`,
      phases.map(({ name: what, udp, tcp }) => ({
        phase: what.trim(),
        datagrams: udp.sent,
        lost: udp.sent - udp.back,
        'longest gap ms': udp.longestGapMs,
        'TCP lines': tcp.sent,
        unanswered: tcp.sent - tcp.back,
        'TCP gap ms': tcp.longestGapMs,
        connections: tcp.connections,
      })),
    );
    const both = between(packets, [fleet.addressOf(from)], [fleet.addressOf(to)]);
    show(`I2, ${name}: on the wire`, [byKind(both)]);
    expect(inTheClear(both)).toEqual([]);
    const udp = phases.reduce((sum, { udp: { sent } }) => sum + sent, 0);
    const back = phases.reduce((sum, { udp: { back: heardBack } }) => sum + heardBack, 0);
    // Both ways are on the wire, protected.
    expect(ofKind(both, 'esp').length).toBeGreaterThan(2 * back);
    // At rest nothing is lost, and every phase carried something.
    for (const { name: what, udp: counted } of phases) {
      if (what.startsWith('at rest')) expect({ what, lost: counted.sent - counted.back }).toEqual({ what, lost: 0 });
      if (what !== 'start') expect(counted.back).toBeGreaterThan(0);
    }
    expect(back / udp).toBeGreaterThan(0.5);
  }
});
