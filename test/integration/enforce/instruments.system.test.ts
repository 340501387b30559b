/** The instruments that the proofs measure with: that they see what is there, and count what is lost. */

import { expect, test } from 'vitest';
import { startCapture } from '../../support/enforce/capture.js';
import { byKind, between, ofKind, show } from '../../support/enforce/seen.js';
import { answerOn, knock, startBurst, startFlow } from '../../support/enforce/traffic.js';
import { twoSpaces } from '../../support/enforce/two-spaces.js';

/** As the enforcing lab marks a protected packet: protocol 50, the inner one in its TTL. */
const MARKED = `
table inet marks {
  chain out { type filter hook output priority 100; ip protocol udp udp dport 7001 ip ttl set 17 ip protocol set 50; }
  chain in { type filter hook prerouting priority -350; ip protocol 50 ip ttl 17 ip protocol set 17; }
}`;

test('knocks tell open, closed, silent and unsendable ports apart, and the other side counts what arrived', async () => {
  const [a, b] = await twoSpaces();
  await b.rules(
    'table inet t { chain in { type filter hook input priority 0; tcp dport { 81, 82 } drop; udp dport 81 drop; }; }',
  );
  await a.rules('table inet t { chain out { type filter hook output priority 0; tcp dport 84 reject; }; }');
  const answerer = await answerOn(b, { tcp: [80, 81], udp: [80, 81] });
  const ports = [80, 81, 82, 83, 84];
  const answers = await knock(a, [
    ...ports.map((port) => ({ id: `tcp ${port}`, to: b.address, protocol: 'tcp' as const, port })),
    ...[80, 81, 83].map((port) => ({ id: `udp ${port}`, to: b.address, protocol: 'udp' as const, port })),
  ]);
  expect(Object.fromEntries(answers)).toEqual({
    'tcp 80': 'open',
    'tcp 81': 'silent',
    'tcp 82': 'silent',
    'tcp 83': 'closed',
    'tcp 84': 'closed',
    'udp 80': 'open',
    'udp 81': 'silent',
    'udp 83': 'closed',
  });
  expect(await answerer.counts()).toEqual({ 'tcp/80 from 10.0.0.1': 1, 'udp/80 from 10.0.0.1': 1 });
  await answerer.stop();
});

test('a flow counts its losses by phase, and a capture tells its clear packets from marked ones', async () => {
  const [a, b] = await twoSpaces();
  const answerer = await answerOn(b, { tcp: [7001], udp: [7001] });
  const capture = await startCapture(b, b.device);
  const flow = await startFlow(a, { to: b.address, port: 7001, everyMs: 2 });
  const grown = async (what: string, many: number): Promise<void> => {
    const counted = async (): Promise<number> => (await answerer.counts())[`${what}/7001 from 10.0.0.1`] ?? 0;
    const goal = (await counted()) + many;
    while ((await counted()) < goal) continue;
  };
  await grown('udp', 50);
  await flow.phase('cut');
  await b.rules('table inet t { chain in { type filter hook input priority 0; udp dport 7001 counter drop; }; }');
  const dropped = async (): Promise<number> => Number(/packets (\d+)/.exec(await b.run('nft', 'list', 'ruleset'))?.[1]);
  let seen = 0;
  while (seen < 20) seen = await dropped();
  await b.rules('delete table inet t');
  await flow.phase('marked');
  await b.rules(MARKED);
  await a.rules(MARKED);
  await grown('udp', 50);
  const report = await flow.finish();
  const packets = await capture.end();
  show(
    'instruments: a flow',
    report.map(({ name, udp, tcp }) => ({ phase: name, ...udp, tcp: tcp.back, lines: tcp.sent })),
  );
  const seenPackets = between(packets, [a.address], [b.address]);
  show('instruments: its packets', [byKind(seenPackets)]);
  const [start, cut, marked] = report;
  expect(start?.udp.sent).toBe(start?.udp.back);
  expect(cut && cut.udp.sent - cut.udp.back).toBeGreaterThanOrEqual(20);
  expect(marked?.udp.back).toBeGreaterThanOrEqual(50);
  expect(ofKind(seenPackets, 'esp').length).toBeGreaterThanOrEqual(50);
  // None that was sent is missing on the wire, in the clear before and marked afterwards.
  const sent = report.reduce((sum, { udp }) => sum + udp.sent, 0);
  const clear = ofKind(seenPackets, 'clear').filter(({ toPort, protocol }) => toPort === 7001 && protocol === 17);
  expect(clear.length + ofKind(seenPackets, 'esp').length).toBe(sent);
  await answerer.stop();
});

test('a burst counts what was answered and what was refused', async () => {
  const [a, b] = await twoSpaces();
  const answerer = await answerOn(b, { tcp: [7001] });
  const burst = await startBurst(a, { to: b.address, port: 7001, atOnce: 20, patienceMs: 500 });
  let soFar = await burst.soFar();
  while (soFar.ok < 500) soFar = await burst.soFar();
  await answerer.stop();
  const before = soFar.refused;
  while (soFar.refused < before + 100) soFar = await burst.soFar();
  const result = await burst.finish();
  await burst.stop();
  show('instruments: a burst', [result]);
  expect(result.silent + result.unsendable).toBe(0);
});
