/** A host without IPsec services whose agent dies, or whose commands do wrong, at each point of a change rule by rule. */

import * as fs from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BridgeCall } from '../../controller/lab/tool-bridge.js';
import { FILES, NONCE, type Session } from './support/agent-host.js';
import { letWindowPass } from './support/deadman.js';
import { ikeConfig, KEYS_A, KEYS_AB, psk, RULE } from './support/contents.js';
import { bothFamilies, LabAgent } from './support/lab-agent.js';

const STRONGER = '{ dir out } ipsec { encr_algs aes-cbc(256) encr_auth_algs hmac-sha512(512) sa shared }';
const POLICY_ONE = `${RULE.sshIn}\n${RULE.sshOut}\n${RULE.esp}\n`;
const POLICY_TWO = `${RULE.sshIn}\n${RULE.web}\n${STRONGER}\n`;
const files = (policy: string, keys: string, label: string): Record<string, string> => ({
  [FILES.policy]: policy,
  [FILES.keys]: keys,
  [FILES.config]: ikeConfig(label),
  [FILES.psk]: psk('c3'),
});
const ONE = { files: files(POLICY_ONE, KEYS_A, 'one'), spd: bothFamilies(POLICY_ONE), ike: 'start' };
const TWO = {
  generation: 2,
  expect: 1,
  files: files(POLICY_TWO, KEYS_AB, 'two'),
  spd: bothFamilies(POLICY_TWO),
  ike: 'restart',
};
const COVER = '{ laddr 10.0.0.1/0 dir out } drop { }';
const ORDER = [
  `add ${COVER}`,
  ...[RULE.sshOut, RULE.sshIn, RULE.esp].map((rule) => `delete ${rule}`),
  ...bothFamilies(POLICY_TWO).map((rule) => `add ${rule}`),
  `delete ${COVER}`,
];

let host: LabAgent;
let session: Session;
let before: string;
let leaks: string[];
/** Calls of ipsecconf, in.iked and pkill since generation 1. */
let calls: string[];
let onCall: (call: BridgeCall, number: number) => 'lie' | 'fail' | 'hang' | 'run' | Promise<'run'>;

beforeEach(async () => {
  host = await LabAgent.start({ platform: 'solaris-legacy' });
  session = await host.open();
  expect((await session.apply(ONE)).last, session.heard).toContain('state=verified');
  expect((await session.ask(`confirm id=T1 nonce=${NONCE}`)).last).toContain('state=confirmed');
  host.rules = ONE.spd;
  before = await host.observed();
  [leaks, calls] = [[], []];
  onCall = () => 'run';
  host.host.intercept = async (call, run) => {
    if (!['ipsecconf', 'in.iked', 'pkill'].includes(call.tool) || call.args[0] === '-ln') return run();
    calls.push(`${call.tool} ${call.args.join(' ')}`);
    const what = await onCall(call, calls.length);
    if (what === 'lie') return { exit: 0, stdout: '', stderr: '' };
    if (what === 'fail') return { exit: 1, stdout: '', stderr: 'as told\n' };
    if (what === 'hang') return new Promise(() => undefined);
    const reply = await run();
    const rules = await host.loaded();
    const guards = rules.filter((rule) => / dir out \} drop |^\{ dir out \} ipsec /.test(rule));
    if (guards.length < 1) leaks.push(`${calls.at(-1)}: ${rules.join(' ')}`);
    return reply;
  };
});
afterEach(async () => host.close());

const recovered = async (): Promise<void> => {
  const deadline = Date.now() + 30_000;
  while (fs.existsSync(`${host.state}/tx`)) {
    if (Date.now() > deadline) throw new Error(`not taken back; ${calls.join('\n')}`);
    await delay(20);
  }
  expect(await host.observed()).toBe(before);
  expect(await host.loaded()).toEqual(ONE.spd);
  expect(leaks).toEqual([]);
};

describe.each([
  ['its own rebuild', undefined],
  ["the controller's order", ORDER],
])('on a host without IPsec services, by %s', (_, change) => {
  const request = { ...TWO, window: 2, ...(change === undefined ? {} : { change }) };

  // The first two check the staged files, before anything is armed.
  it.each([4, 6, 8, 10, 12, 14])('an agent killed at its command %i is taken back', async (at) => {
    onCall = (_call, number) => {
      if (number === at) session.kill();
      return 'run';
    };
    await session.apply(request).catch(() => undefined);
    await recovered();
  });

  it.each(['lie', 'fail'] as const)(
    'a command that does %s at any one point ends in the old policy or in the new one',
    async (fault) => {
      for (let at = fault === 'lie' ? 3 : 4; at <= 16; at += 2) {
        calls = [];
        onCall = (call, number) => (number === at && call.tool === 'ipsecconf' ? fault : 'run');
        const { last } = await session.apply({ ...request, id: `T${at}`, window: 30 });
        if (last.includes('state=verified')) {
          expect(await host.loaded()).toEqual(TWO.spd);
          expect((await session.ask(`abort id=T${at}`)).last).toContain('state=reverted');
        } else expect(last, session.heard).toContain('state=reverted');
        onCall = () => 'run';
        await recovered();
      }
    },
  );

  it('a command that hangs is ended by the dead-man', async () => {
    for (const at of [3, 5]) {
      calls = [];
      const hangs = new Promise<void>((resolve) => {
        onCall = (_call, number) => {
          if (number !== at) return 'run';
          resolve();
          return 'hang';
        };
      });
      const applied = session.apply({ ...request, id: `T${at}`, window: 600 }).catch(() => undefined);
      await hangs;
      await letWindowPass(host.state);
      // The dead-man ends the agent too.
      await applied;
      onCall = () => 'run';
      await recovered();
      session = await host.open();
    }
  });
});
