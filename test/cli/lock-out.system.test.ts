/** Policies that cut the controller off, pushed all the same: the host lets it in again within the window, by itself. */

import * as fs from 'node:fs';
import { join } from 'node:path';
import ssh2, { type Client } from 'ssh2';
import { describe, expect, test, type TestContext } from 'vitest';
import { TestFleet } from '../support/cli.js';
import { until, type HostState } from '../support/watched-host.js';
import { expectExit } from '../support/runs.js';

/** The shortest that an inventory may ask for. */
const WINDOW = 10;

const RISKS = ['lock-out', 'in-the-clear', 'lint', 'pairs', 'failed-tests', 'unprotected', 'gap'];
const PUSH = ['apply', '--limit', 'web1', ...RISKS.flatMap((risk) => ['--accept-risk', risk])];

const ESP = 'encr_algs aes(256..256) encr_auth_algs sha256 sa shared';

interface Case {
  readonly name: string;
  /** Rules of web1 in the place of its template; `PORT` is where its sshd listens. */
  readonly rules?: readonly string[];
  readonly edit?: (fleet: TestFleet) => void;
  /** What the proof makes of it before it is overridden. */
  readonly predicted: boolean;
}

const CASES: readonly Case[] = [
  { name: 'a policy that drops everything', rules: ['{ dir both } drop {}'], predicted: true },
  {
    name: 'a policy that protects everything, with peers that have no keys',
    rules: [`{ dir both } ipsec { ${ESP} }`],
    predicted: true,
  },
  {
    name: 'a management address with a slip in it',
    edit: (fleet) => fleet.edit('management: [127.0.0.1]', 'management: [127.0.0.10]'),
    predicted: false,
  },
  {
    name: 'a bypass that lets only the answers out',
    rules: ['{ lport PORT ulp tcp dir out } bypass {}', `{ dir both } ipsec { ${ESP} }`],
    predicted: true,
  },
  {
    name: 'a bypass that lets only the requests in',
    rules: ['{ lport PORT ulp tcp dir in } bypass {}', '{ dir out } drop {}'],
    predicted: true,
  },
  {
    name: 'a policy for an sshd that was moved to another port',
    rules: ['{ lport 2222 ulp tcp dir both } bypass {}', `{ dir both } ipsec { ${ESP} }`],
    predicted: true,
  },
  {
    name: 'a bypass for other ports of the client than those it gets',
    rules: ['{ lport PORT rport 22 ulp tcp dir both } bypass {}', '{ dir both } drop {}'],
    predicted: true,
  },
];

async function appliedFleet(context: TestContext): Promise<TestFleet> {
  const fleet = await TestFleet.start({ confirmWindowSeconds: WINDOW });
  context.onTestFinished(() => fleet.close());
  fleet.edit('privilege: pfexec,', 'privilege: pfexec, connectTimeoutSeconds: 5, replyTimeoutSeconds: 15,');
  await fleet.expect(0, 'apply');
  return fleet;
}

/** Opens a connection of the kind that everybody has left open somewhere. */
async function connectTo(fleet: TestFleet, context: TestContext, readyTimeout: number): Promise<Client> {
  const client = new ssh2.Client();
  context.onTestFinished(() => void client.destroy());
  const ready = new Promise<void>((resolve, reject) => client.once('ready', resolve).on('error', reject));
  const { port } = fleet.web1.lab;
  const { privateKey } = fleet.lab.clientKey;
  client.connect({ host: '127.0.0.1', port, username: 'deploy', privateKey, readyTimeout });
  await ready;
  return client;
}

function commandOver(client: Client, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    client.exec(command, (error, channel) => {
      if (error !== undefined) return reject(error);
      let said = '';
      channel.on('data', (chunk: Buffer) => (said += chunk.toString()));
      channel.on('close', () => resolve(said));
    });
  });
}

function putTemplate(fleet: TestFleet, rules: readonly string[]): void {
  const lines = rules.map((rule) => rule.replace('PORT', String(fleet.web1.lab.port)));
  fs.mkdirSync(fleet.file('templates/solaris'), { recursive: true });
  fs.writeFileSync(join(fleet.file('templates/solaris'), 'web-server.hbs'), `{{> banner}}\n${lines.join('\n')}\n`);
  fleet.edit('settings:\n', 'settings:\n  templates: templates\n');
}

/** web1 is what it was, says so over a new connection, and has nothing left of the change. */
async function expectBack(fleet: TestFleet, before: HostState): Promise<void> {
  const { web1 } = fleet;
  expect(web1.transactionIsOpen).toBe(false);
  expect(await web1.state()).toEqual(before);
  expect(fs.readdirSync(web1.path('/var/ipsec-deploy')).sort()).toEqual(['agent', 'generations', 'history']);
  expect(fs.readdirSync(web1.path('/etc/inet')).filter((name) => name.startsWith('.'))).toEqual([]);
  const connections = web1.connections;
  const status = await fleet.expect(0, 'status', '--limit', 'web1');
  expect(status.stdout).toMatch(/web1 reverted generation=1 /);
  expect(web1.connections).toBe(connections + 1);
}

describe.concurrent('the controller is cut off, and the host is back within the window:', () => {
  test.for(CASES)('$name', async ({ rules, edit, predicted }, context) => {
    const fleet = await appliedFleet(context);
    const before = await fleet.web1.state();
    const old = await connectTo(fleet, context, 10_000);
    if (rules !== undefined) putTemplate(fleet, rules);
    edit?.(fleet);
    const others = PUSH.filter((word, at) => word !== 'lock-out' && PUSH[at + 1] !== 'lock-out');
    if (predicted) expect((await fleet.expect(1, ...others)).stderr).toContain('LOCK_OUT');

    const run = fleet.start(...PUSH);
    await run.said(/^web1: verified; reverts at /m);
    // A connection from before is as good as ever: had it been asked, it would have confirmed.
    const [refused, heard] = await Promise.all([
      connectTo(fleet, context, 1500).catch((error: unknown) => error),
      commandOver(old, 'ls "$IPSEC_AGENT_ROOT/var/ipsec-deploy/tx/verified"'),
    ]);
    expect(refused).toMatchObject({ message: 'Timed out while waiting for handshake' });
    expect(heard).toContain('tx/verified');

    const ran = await run.ended;
    expectExit(ran, 3);
    expect(ran.stdout).toMatch(
      /^web1: reverted at step confirm, generation 1 is in force: .*web1 does not let a new connection in/m,
    );
    await expectBack(fleet, before);
  });

  /** The network is cut when the agent says this, after that line has gone out. */
  function cutAt(fleet: TestFleet, word: string, network: 'down' | 'replies-lost'): void {
    fleet.web1.lab.faults.dropWhen = (written) => {
      if (written.includes(word)) setImmediate(() => fleet.web1.lab.setNetwork(network));
      return false;
    };
  }

  async function restore(fleet: TestFleet): Promise<void> {
    await fleet.web1.settled(3 * WINDOW);
    delete fleet.web1.lab.faults.dropWhen;
    fleet.web1.lab.setNetwork('up');
  }

  test.for([
    ['down', 'name=policy state=begin'],
    ['replies-lost', 'name=policy state=begin'],
    ['down', 'state=verified'],
    ['replies-lost', 'state=verified'],
  ] as const)('the network is %s from "%s" until after the window', async ([network, word], context) => {
    const fleet = await appliedFleet(context);
    const before = await fleet.web1.state();
    fleet.openPort(8443);
    cutAt(fleet, word, network);
    const run = fleet.start(...PUSH);
    await until(() => fleet.web1.transactionIsOpen, 3 * WINDOW, 'no transaction was opened');
    await restore(fleet);
    const ran = await run.ended;
    expectExit(ran, 3);
    expect(ran.stdout).toMatch(/^web1: reverted at step \w+, generation 1 is in force: /m);
    await expectBack(fleet, before);
  });

  test('a host that stays out of reach is called unknown, with the time it reverts, and did', async (context) => {
    const fleet = await appliedFleet(context);
    const before = await fleet.web1.state();
    fleet.openPort(8443);
    cutAt(fleet, 'state=verified', 'down');
    const ran = await fleet.expect(5, ...PUSH);
    expect(ran.stdout).toMatch(
      /^web1: unknown: transaction \S+ is open and reverts at 20\S+Z unless it is confirmed: /m,
    );
    await restore(fleet);
    await expectBack(fleet, before);
  });
});
