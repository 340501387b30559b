/** What probes do while time passes: again and again until something comes, and beside a dead-man that does not wait for them. */

import * as fs from 'node:fs';
import { join } from 'node:path';
import { describe, it, onTestFinished } from 'vitest';
import { probeText } from '../../controller/remote/agent-request.js';
import { FILES } from './support/agent-host.js';
import { POLICY_A } from './support/contents.js';
import { letWindowPass } from './support/deadman.js';
import { ProbeHost, dumped, DUMP_END, icmp, tcp } from './support/probe-host.js';
import { wantedShells } from './support/shells.js';

/** Of tests that wait at the same time: each has its own. */
function hostOf(program: readonly string[], finished: typeof onTestFinished): ProbeHost {
  const host = new ProbeHost(program);
  finished(async () => {
    const left = await host.dispose();
    if (left.length > 0) throw new Error(`lives on: ${left.join('; ')}`);
  });
  return host;
}

describe.concurrent.each(wantedShells())('under $name', ({ program }) => {
  it.concurrent(
    'a flow that must first be negotiated is tried again until it is open, with a tool that hangs too',
    async (test) => {
      const host = hostOf(program, test.onTestFinished);
      host.tools({ nc: 'later', ping: 'hangs' });
      host.dumps(dumped('ESP', '0x1001', '10.0.1.11', '10.0.1.12', 84) + DUMP_END);
      const session = await host.open('readonly');
      const { replies } = await host.probe(session, [tcp('a', 22), icmp('b')], 8);
      test.expect(replies.map(({ answer, means }) => `${answer} ${means}`)).toEqual(['open nc', 'silent ping']);
      const count = (tool: string): number => host.calls().filter((call) => call.startsWith(`${tool} `)).length;
      test.expect(count('nc')).toBe(3);
      test.expect(count('ping'), 'one that hangs is ended and made again').toBeGreaterThan(1);
    },
  );

  it.concurrent(
    'a tool that babbles without end ends in time all the same, and what it says is not believed',
    async (test) => {
      const host = hostOf(program, test.onTestFinished);
      host.tools({ nc: 'babbles' });
      host.dumps(DUMP_END);
      const session = await host.open('readonly');
      const { replies } = await host.probe(session, [tcp('a', 22)]);
      test.expect(replies.map(({ answer }) => answer)).toEqual(['silent']);
    },
  );

  it.concurrent(
    'the dead-man takes back what nobody confirms while a probe over the new connection hangs',
    async (test) => {
      const host = hostOf(program, test.onTestFinished);
      const first = await host.open();
      const applied = await first.apply({ window: 300, files: { [FILES.policy]: POLICY_A } });
      test.expect(applied.last).toContain('state=verified');
      test.expect(host.spd()).not.toEqual([]);
      const folder = (): readonly string[] => fs.readdirSync(host.state, { recursive: true, encoding: 'utf8' }).sort();
      const before = folder();
      host.tools({ nc: 'hangs' });
      host.dumps(DUMP_END);
      const second = await host.open();
      second.send(probeText([tcp('a', 22)], 120));
      await host.until('it is tried', () => host.calls().some((call) => call.startsWith('nc ')));
      test.expect(folder(), 'no lock, no file of its own').toEqual(before);
      await letWindowPass(host.state);
      await host.until('it is taken back', () => !fs.existsSync(join(host.state, 'tx')));
      test.expect(host.spd()).toEqual([]);
      test.expect(host.read('var/ipsec-deploy/history')).toContain('reverted');
      test.expect(second.heard, 'the probe is still at work').not.toContain('end probe');
      test.expect(second.over).toBe(false);
      host.killAll();
    },
  );
});

describe.concurrent.each(wantedShells())('a listing of SAs that hangs, under $name,', ({ program }) => {
  it.concurrent(
    'is waited for once in a session, nothing is tried without it, and the agent listens on',
    async (test) => {
      const host = hostOf(program, test.onTestFinished);
      host.tools({ nc: 'openbsd' });
      host.dumps('', 'sleep 600; sleep 600');
      const session = await host.open('readonly');
      await test.expect(host.counters(session)).rejects.toThrow(/status \d{3}/);
      for (const text of [probeText([tcp('a', 22)], 120), probeText([tcp('b', 22)], 3)]) {
        const reply = await host.section(session, text, 'probe');
        test
          .expect(reply.items.map((item) => (item.kind === 'section' ? [item.name, item.status > 128] : item)))
          .toEqual([['before', true]]);
      }
      await test.expect(host.counters(session)).rejects.toThrow(/status \d{3}/);
      test.expect(host.calls()).toEqual(['ipseckey -n -p dump']);
      host.dumps(DUMP_END);
      test.expect(await host.counters(await host.open('readonly')), 'mended').toEqual([]);
    },
  );

  it.concurrent('after the tries, is waited for once as well', async (test) => {
    const host = hostOf(program, test.onTestFinished);
    host.tools({ nc: 'openbsd' });
    host.dumps(
      DUMP_END,
      `[ "$(grep -c '^ipseckey ' '${host.path('calls')}')" -gt 1 ] && sleep 600\ncat '${host.path('kernel/dump')}'`,
    );
    const session = await host.open('readonly');
    const reply = await host.section(session, probeText([tcp('a', 22)], 3), 'probe');
    test
      .expect(reply.items.map((item) => (item.kind === 'section' ? [item.name, item.status > 128] : item.name)))
      .toEqual([['before', false], 'answer', ['after', true]]);
    await test.expect(host.counters(session)).rejects.toThrow(/status \d{3}/);
    test.expect(host.calls().filter((call) => call.startsWith('ipseckey '))).toHaveLength(2);
  });
});
