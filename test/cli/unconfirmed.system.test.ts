import { describe, expect, test, type TestContext } from 'vitest';
import { TestFleet, OPENING } from '../support/cli.js';
import { POLICY_FILE, type HostState } from '../support/watched-host.js';
import { expectExit, type Running } from '../support/runs.js';

/** The shortest that an inventory may ask for: the host's own timer is really waited for here. */
const WINDOW = 10;
const PATIENCE = 3 * WINDOW;

interface Held {
  readonly fleet: TestFleet;
  readonly before: Record<string, HostState>;
  readonly run: Running;
  /** Lets the command on db1 go on. */
  release(): void;
}

/** Both hosts on generation 1, and an apply of generation 2 that waits: web1 has verified, db1's ipsecconf hangs. */
async function heldApply(context: TestContext, confirmWindowSeconds = WINDOW): Promise<Held> {
  const fleet = await appliedFleet(context, confirmWindowSeconds);
  const before = await fleet.states();
  fleet.openPort(8443);
  const hanging = fleet.db1.fault(
    'ipsecconf',
    { kind: 'hang' },
    (args) => args.includes('-F') && args.at(-1)?.endsWith(POLICY_FILE) === true,
    1,
  );
  const run = fleet.start('apply', ...OPENING);
  await Promise.all([run.said(/^web1: verified; reverts at /m), run.said(/^db1: chmod done$/m)]);
  return { fleet, before, run, release: () => hanging.release() };
}

async function appliedFleet(context: TestContext, confirmWindowSeconds: number): Promise<TestFleet> {
  const fleet = await TestFleet.start({ confirmWindowSeconds });
  context.onTestFinished(() => fleet.close());
  await fleet.expect(0, 'apply');
  return fleet;
}

async function powerCutAndBoot(fleet: TestFleet): Promise<void> {
  for (const host of fleet.hosts.values()) {
    await host.lab.powerCut();
    await host.lab.boot();
    await host.lab.machine.idle();
  }
}

/** Nothing of the new generation is left, and the next apply can go. */
async function expectBack(fleet: TestFleet, before: Record<string, HostState>): Promise<void> {
  const now = await fleet.states();
  for (const [name, state] of Object.entries(before)) {
    expect({ name, ...now[name] }).toEqual({ name, ...state });
    expect(fleet.host(name).transactionIsOpen).toBe(false);
  }
}

const NAMED = (host: string): RegExp =>
  new RegExp(
    `^${host}: unknown: transaction \\S+\\.${host} is open and reverts at \\d{4}-\\S+Z unless it is confirmed: `,
    'm',
  );

describe.concurrent('what nobody confirmed does not last', () => {
  test('contact is lost after activation: the host goes back by itself, its peer at once, and the run hears of it', async (context) => {
    const fleet = await appliedFleet(context, WINDOW);
    const before = await fleet.states();
    fleet.openPort(8443);
    const { faults } = fleet.web1.lab;
    faults.dropWhen = (written) => {
      if (!written.includes('step name=verify state=begin')) return false;
      faults.refuseConnections = true;
      return true;
    };
    const run = fleet.start('apply', ...OPENING);
    await run.said(
      /^db1: reverted at step confirm, generation 1 is in force: taken back with its group: contact with web1 was lost$/m,
    );
    expect(fleet.web1.transactionIsOpen).toBe(true);
    await fleet.web1.settled(PATIENCE);
    faults.refuseConnections = false;
    delete faults.dropWhen;
    const ran = await run.ended;
    expectExit(ran, 3);
    expect(ran.stdout).toMatch(/^web1: reverted at step \w+, generation 1 is in force: not confirmed in time$/m);
    await expectBack(fleet, before);
    const status = await fleet.expect(0, 'status', '--limit', 'web1');
    expect(status.stdout).toMatch(/web1 reverted generation=1 .*not confirmed in time/);
    await fleet.expect(0, 'apply', ...OPENING);
  });

  test('a host that lets no new connection in goes back by itself, and its peer at once', async (context) => {
    const { fleet, before, run, release } = await heldApply(context);
    fleet.web1.lab.faults.refuseConnections = true;
    release();
    await run.said(
      /^db1: reverted at step confirm, generation 1 is in force: taken back with its group: web1 does not let a new connection in/m,
    );
    expect(fleet.web1.transactionIsOpen).toBe(true);
    await fleet.web1.settled(PATIENCE);
    fleet.web1.lab.faults.refuseConnections = false;
    const ran = await run.ended;
    expectExit(ran, 3);
    expect(ran.stdout).toMatch(
      /^web1: reverted at step confirm, generation 1 is in force: taken back with its group: web1 does not let a new connection in/m,
    );
    await expectBack(fleet, before);
  });

  test('Ctrl-C twice leaves at once, and the hosts go back by themselves', async (context) => {
    const { fleet, before, run } = await heldApply(context);
    run.kill('SIGINT');
    await run.said(/press Ctrl-C again to leave at once/);
    run.kill('SIGINT');
    const ran = await run.ended;
    expectExit(ran, 130);
    for (const host of ['web1', 'db1']) {
      expect(ran.stderr).toMatch(
        new RegExp(`^${host}: transaction \\S+\\.${host} may be open; it reverts by 20\\d\\d-\\S+Z`, 'm'),
      );
    }
    expect(fleet.db1.transactionIsOpen).toBe(true);
    await Promise.all([fleet.web1.settled(PATIENCE), fleet.db1.settled(PATIENCE)]);
    await expectBack(fleet, before);
    await fleet.expect(0, 'apply', ...OPENING);
  });

  test('Ctrl-C once names every open transaction with the time it reverts; another run meanwhile is told of it', async (context) => {
    const { fleet, before, run, release } = await heldApply(context, 60);
    fleet.forget();
    const second = await fleet.expect(4, 'apply', ...OPENING);
    expect(second.stdout).toMatch(
      /^web1: failed, nothing was changed: transaction \S+\.web1 is open at step verify; the host takes it back in \d+ s/m,
    );
    expect(second.stdout).toMatch(
      /^db1: failed, nothing was changed: transaction \S+\.db1 is open at step policy; the host takes it back in \d+ s/m,
    );
    for (const host of fleet.hosts.values()) expect(host.changes).toEqual([]);

    run.kill('SIGINT');
    await run.said(/stopping: nothing new is begun/);
    release();
    const ran = await run.ended;
    expectExit(ran, 130);
    expect(ran.stdout).toMatch(NAMED('web1'));
    expect(ran.stdout).toMatch(NAMED('db1'));
    expect(ran.stdout).toMatch(/^2 unknown: interrupted \(exit 130\)$/m);
    const status = await fleet.expect(0, 'status');
    expect(status.stdout.match(/open: transaction \S+ is verified at step verify, reverts at /g)).toHaveLength(2);
    await powerCutAndBoot(fleet);
    await expectBack(fleet, before);
  });

  test('the controller is killed after activation, and the power goes: both hosts boot into what they had', async (context) => {
    const { fleet, before, run } = await heldApply(context, 60);
    run.kill('SIGKILL');
    expect((await run.ended).signal).toBe('SIGKILL');
    for (const host of fleet.hosts.values()) expect(host.transactionIsOpen).toBe(true);
    await powerCutAndBoot(fleet);
    await expectBack(fleet, before);
    await fleet.expect(0, 'apply', ...OPENING);
  });
});
