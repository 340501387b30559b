/**
 * What the first user met: a burst of connections, and a kernel and a key daemon that fall out of step under it, so that everything is
 * refused. Thousands of connections while the policy is replaced; then the daemon out of step, found by `verify` with its cause, and mended
 * by the command that it names.
 */

import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { EnforcedFleet, SSH } from '../../support/enforce/fleet.js';
import { between, byKind, inTheClear, ofKind, show } from '../../support/enforce/seen.js';
import { answerOn, knock, startBurst, type Answerer } from '../../support/enforce/traffic.js';

const PORT = 7000;
const VISITOR = '192.0.2.9';
const AT_ONCE = 10;
const CONNECTIONS = 3000;

/** A machine that does much besides is slow, and no less right. */
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

let fleet: EnforcedFleet;
let answerer: Answerer | undefined;

beforeAll(async () => {
  fleet = await EnforcedFleet.start([
    { name: 'web1', addresses: ['10.0.1.11'] },
    { name: 'db1', addresses: ['10.0.2.21'] },
    { name: 'visitor', addresses: [VISITOR], isOutsider: true },
  ]);
  answerer = await answerOn(fleet.space('db1'), { tcp: [PORT] });
  writeInventory([]);
  await fleet.expect(0, 'apply');
});

afterAll(async () => {
  await answerer?.stop();
  await fleet.close();
});

function writeInventory(ports: readonly number[]): void {
  const bypass = ports.map((port) => `{ lport: ${port}, ulp: tcp }`).join(', ');
  fleet.writeInventory(`defaults: { template: peer, vars: { others: refuse, bypass: [ ${bypass} ] }, ${SSH} }
hosts:
${fleet.hostLines({ web1: '', db1: '' })}links:
  - between: [web1, db1]
`);
}

test('thousands of connections while the policy is replaced: none in the clear, and no stranger slips in', async () => {
  const capture = await fleet.capture();
  const inside = await startBurst(fleet.space('web1'), {
    to: fleet.addressOf('db1'),
    port: PORT,
    atOnce: AT_ONCE,
    patienceMs: 3000,
  });
  const stranger = await startBurst(fleet.space('visitor'), {
    to: fleet.addressOf('db1'),
    port: PORT,
    atOnce: AT_ONCE,
    patienceMs: 200,
  });
  const rows = [];
  for (const ports of [[8081], [8082]]) {
    writeInventory(ports);
    const { exit } = await fleet.expect(0, 'apply', '--accept-risk', 'in-the-clear');
    rows.push({ 'ports in the clear': ports.join(', '), apply: `exit ${exit}`, ...(await inside.soFar()) });
  }
  while ((await inside.soFar()).ok < CONNECTIONS) continue;
  const result = await inside.finish();
  const refused = await stranger.finish();
  await Promise.all([inside.stop(), stranger.stop()]);
  const packets = await capture.end();
  show('burst: connections of web1 to db1, by the end of each replacement of the policy', [
    ...rows,
    { 'ports in the clear': 'in all', ...result },
  ]);
  show('burst: a stranger, all the while', [refused]);
  const link = between(packets, [fleet.addressOf('web1')], [fleet.addressOf('db1')]);
  show('burst: between web1 and db1 on the wire', [byKind(link)]);
  expect(inTheClear(link)).toEqual([]);
  expect(ofKind(link, 'esp').length).toBeGreaterThan(4 * result.ok);
  expect(result).toMatchObject({ refused: 0, broken: 0, unsendable: 0 });
  expect(result.silent).toBeLessThan(result.ok / 100);
  expect(refused).toMatchObject({ ok: 0, refused: 0, broken: 0 });
  expect(refused.silent).toBeGreaterThan(AT_ONCE);
});

async function reaches(from: string, to: string): Promise<string> {
  const tries = [{ id: 'ssh', to: fleet.addressOf(to), protocol: 'tcp' as const, port: 22 }];
  return (await knock(fleet.space(from), tries)).get('ssh') ?? '';
}

test('a daemon out of step with its kernel: everything is refused, verify says why, and its command mends it', async () => {
  await fleet.expect(0, 'verify');
  const before = await reaches('web1', 'db1');
  fleet.host('db1').machine.faults.place({ tool: 'in.iked', fault: { kind: 'out-of-step' } });
  const during = [await reaches('web1', 'db1'), await reaches('db1', 'web1')];
  const found = await fleet.run('verify');
  const alarm = found.stdout.split('\n').filter((line) => /^(ALARM|  )/.test(line));
  console.log(['out of step: what verify says', ...alarm].join('\n'));
  const mend = alarm.find((line) => line.startsWith('  mend: ')) ?? '';
  const steps = [...mend.matchAll(/on (the host|\w+), as root: ([^;]+)/g)];
  const typed: string[] = [];
  let mended = await fleet.run('verify');
  for (const [, where = '', command = ''] of steps) {
    const host = where === 'the host' ? 'db1' : where;
    expect(await fleet.ssh(host, command)).toBeDefined();
    typed.push(`${host}: ${command}`);
    await reaches(host, host === 'web1' ? 'db1' : 'web1');
    mended = await fleet.run('verify');
    if (mended.exit === 0) break;
  }
  const after = [await reaches('web1', 'db1'), await reaches('db1', 'web1')];
  show('out of step: tcp/22', [
    { when: 'before', 'web1 > db1': before, 'db1 > web1': '', verify: 'exit 0' },
    { when: 'out of step', 'web1 > db1': during[0] ?? '', 'db1 > web1': during[1] ?? '', verify: `exit ${found.exit}` },
    {
      when: typed.join('; '),
      'web1 > db1': after[0] ?? '',
      'db1 > web1': after[1] ?? '',
      verify: `exit ${mended.exit}`,
    },
  ]);
  expect(before).toBe('open');
  expect(during).toEqual(['silent', 'silent']);
  expect(found.exit).toBe(2);
  expect(found.stdout).toMatch(/^ALARM: (web1|db1): OUT OF STEP: /m);
  expect(found.stdout).toContain('likely cause: daemon and kernel lost each other');
  expect(typed[0]).toContain('svcadm restart network/ipsec/ike');
  expect(mended.exit).toBe(0);
  expect(after).toEqual(['open', 'open']);
});
