/**
 * I3 with packets: policies that cut the controller off, each of another kind, pushed to eight hosts at once with the check overridden. The
 * controller's new connections go into the void, and within the window each host lets a new session of the machine's own SSH client in again.
 */

import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { CONTROLLER, EnforcedFleet, SSH } from '../../support/enforce/fleet.js';
import { show } from '../../support/enforce/seen.js';
import { knock, type Knock } from '../../support/enforce/traffic.js';

/** The shortest that an inventory may ask for. */
const WINDOW = 10;
/** A revert, on a machine that does eight of them at once. */
const REVERT_SECONDS = 5;

const ESP = 'encr_algs aes(256..256) encr_auth_algs sha256 sa shared';

interface LockOut {
  readonly host: string;
  readonly kind: string;
  readonly rules: readonly string[];
}

const LOCK_OUTS: readonly LockOut[] = [
  { host: 'a1', kind: 'everything is dropped', rules: ['{ dir both } drop {}'] },
  { host: 'a2', kind: 'everything is protected, and nobody has keys', rules: [`{ dir both } ipsec { ${ESP} }`] },
  {
    host: 'a3',
    kind: 'a slip in the management address',
    rules: ['{ raddr 10.0.0.50 lport 22 ulp tcp dir both } bypass {}', '{ dir both } drop {}'],
  },
  {
    host: 'a4',
    kind: 'a bypass for the answers alone',
    rules: ['{ lport 22 ulp tcp dir out } bypass {}', `{ dir both } ipsec { ${ESP} }`],
  },
  {
    host: 'a5',
    kind: 'a bypass for the requests alone',
    rules: ['{ lport 22 ulp tcp dir in } bypass {}', '{ dir out } drop {}'],
  },
  {
    host: 'a6',
    kind: 'a bypass for another port of sshd',
    rules: ['{ lport 2222 ulp tcp dir both } bypass {}', `{ dir both } ipsec { ${ESP} }`],
  },
  {
    host: 'a7',
    kind: "a bypass for another port of the client's",
    rules: ['{ lport 22 rport 22 ulp tcp dir both } bypass {}', '{ dir both } drop {}'],
  },
  {
    host: 'a8',
    kind: 'the controller itself is a peer without keys',
    rules: [`{ raddr ${CONTROLLER} dir both } ipsec { ${ESP} }`],
  },
];

const RISKS = ['lock-out', 'in-the-clear', 'lint', 'pairs', 'failed-tests', 'unprotected', 'gap'];
const PUSH = ['apply', ...RISKS.flatMap((risk) => ['--accept-risk', risk])];

/** A machine that does much besides is slow, and no less right. */
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

let fleet: EnforcedFleet;

beforeAll(async () => {
  const hosts = LOCK_OUTS.map(({ host }, at) => ({ name: host, addresses: [`10.0.3.${at + 1}`] }));
  fleet = await EnforcedFleet.start(hosts);
  fleet.writeTemplate('good', '{{> banner}}\n{{> management}}\n{ dir both } drop {}\n');
  for (const { host, rules } of LOCK_OUTS) fleet.writeTemplate(`bad-${host}`, `{{> banner}}\n${rules.join('\n')}\n`);
});

afterAll(() => fleet.close());

function writeInventory(templateOf: (host: string) => string): void {
  const lines = LOCK_OUTS.map(({ host }) => [host, `template: ${templateOf(host)}`]);
  const ssh = SSH.replace('ssh: {', 'ssh: { connectTimeoutSeconds: 4, replyTimeoutSeconds: 15,');
  fleet.writeInventory(`defaults: { ${ssh} }\nhosts:\n${fleet.hostLines(Object.fromEntries(lines))}`, {
    confirmWindowSeconds: WINDOW,
  });
}

function knocks(): readonly Knock[] {
  return LOCK_OUTS.map(({ host }) => ({ id: host, to: fleet.addressOf(host), protocol: 'tcp', port: 22 }));
}

/** Seconds until a new session gets in. */
async function untilLetIn(host: string, since: number, seconds: number): Promise<number> {
  for (;;) {
    const said = await fleet.ssh(host, 'echo in', 1);
    const passed = (performance.now() - since) / 1000;
    if (said === 'in\n') return passed;
    if (passed > seconds) return Infinity;
  }
}

test('eight kinds of lock-out, and the controller is let in again within the window', async () => {
  writeInventory(() => 'good');
  await fleet.expect(0, 'apply');
  expect(await knock(fleet.controller, knocks())).toEqual(new Map(LOCK_OUTS.map(({ host }) => [host, 'open'])));

  writeInventory((host) => `bad-${host}`);
  const refused = await fleet.expect(
    1,
    ...PUSH.filter((word, at) => word !== 'lock-out' && PUSH[at + 1] !== 'lock-out'),
  );
  expect(refused.stderr).toContain('LOCK_OUT');

  const run = fleet.startRun(...PUSH, '--output', 'json');
  // A host's timer runs from here on, and its policy is replaced a moment later.
  const armed = await Promise.all(
    LOCK_OUTS.map(async ({ host }) => {
      await run.said(new RegExp(`"event":"armed","host":"${host}"`));
      return performance.now();
    }),
  );
  await Promise.all(
    LOCK_OUTS.map(({ host }) => run.said(new RegExp(`"host":"${host}","name":"verify","state":"done"`))),
  );
  const answers = await knock(fleet.controller, knocks());
  const letIn = await Promise.all(
    LOCK_OUTS.map(({ host }, at) => untilLetIn(host, armed[at] ?? 0, WINDOW + REVERT_SECONDS)),
  );
  const ran = await run.ended;
  const outcomes = LOCK_OUTS.map(({ host }) => {
    const line = ran.stdout.split('\n').find((text) => text.includes(`"event":"outcome","host":"${host}"`)) ?? '';
    return /"status":"([a-z]+)"/.exec(line)?.[1] ?? 'nothing';
  });
  show(
    `I3: pushed with the prediction overridden, window ${WINDOW} s; ssh is let in again so many seconds after the timer began`,
    LOCK_OUTS.map(({ host, kind }, at) => ({
      host,
      kind,
      'tcp/22 in between': answers.get(host) ?? '',
      'ssh after': (letIn[at] ?? Infinity).toFixed(1),
      outcome: outcomes[at] ?? '',
    })),
  );
  expect(ran.exit).toBe(3);
  expect(outcomes).toEqual(LOCK_OUTS.map(() => 'reverted'));
  // Every one of them really was locked out: a SYN got no answer.
  expect(answers).toEqual(new Map(LOCK_OUTS.map(({ host }) => [host, 'silent'])));
  for (const seconds of letIn) expect(seconds).toBeLessThan(WINDOW + REVERT_SECONDS);
  writeInventory(() => 'good');
  await fleet.expect(0, 'verify');
});
