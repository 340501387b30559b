import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestFleet, OPENING } from '../support/cli.js';
import { POLICY_FILE, type HostState, type WatchedHost } from '../support/watched-host.js';

interface Case {
  readonly name: string;
  /** Puts the fault on the host and says how to take it away. */
  readonly fault: (host: WatchedHost) => { release(): void };
  readonly step: string;
  /** What the run must say of it. */
  readonly said: RegExp;
}

/** The command that loads the new policy; the way back uses the snapshot's listing. */
const loadsNewPolicy = (args: readonly string[]): boolean =>
  args.includes('-F') && args.at(-1)?.endsWith(POLICY_FILE) === true;

function runApply(keying: 'ike-psk' | 'manual', cases: readonly Case[]): void {
  let fleet: TestFleet;
  let port = 8000;
  beforeAll(async () => {
    fleet = await TestFleet.start({ keying });
    await fleet.expect(0, 'apply');
  });
  afterAll(() => fleet.close());

  test.each(cases)('$name: the host and its peer are back on what they had', async ({ fault, step, said }) => {
    const before = await fleet.states();
    // Something that concerns both ends, their keys included.
    fleet.openPort(++port);
    await fleet.forgetKeys();
    const placed = fault(fleet.web1);
    const failed = await fleet.expect(3, 'apply', ...OPENING);
    placed.release();
    expect(failed.stdout).toMatch(new RegExp(`^web1: reverted at step ${step}, generation 1 is in force: `, 'm'));
    expect(failed.stdout).toMatch(said);
    expect(failed.stdout).toMatch(
      /^db1: reverted at step confirm, generation 1 is in force: taken back with its group: web1 reverted$/m,
    );
    expect(failed.stdout).toMatch(/\(exit 3\)$/m);
    expectSame(await fleet.states(), before);
    for (const host of fleet.hosts.values()) expect(host.transactionIsOpen).toBe(false);
  });

  test('an apply without a fault succeeds afterwards', async () => {
    const done = await fleet.expect(0, 'apply', ...OPENING);
    expect(done.stdout).toContain('2 confirmed');
    for (const host of fleet.hosts.values()) expect(host.generation).toBe('2');
    expect((await fleet.web1.state()).rules.join('\n')).toContain(`lport ${port}`);
  });
}

function expectSame(now: Record<string, HostState>, before: Record<string, HostState>): void {
  for (const [name, state] of Object.entries(before)) {
    expect(now[name]?.files).toEqual(state.files);
    expect(now[name]?.rules).toEqual(state.rules);
    expect(now[name]?.sas).toEqual(state.sas);
    expect(now[name]?.services).toEqual(state.services);
    expect(now[name]?.generation).toBe(state.generation);
  }
}

describe('with keys from in.iked', () =>
  runApply('ike-psk', [
    {
      name: 'ipsecconf says yes and loads nothing',
      fault: (host) => host.fault('ipsecconf', { kind: 'lie' }, loadsNewPolicy),
      step: 'verify',
      said: /^web1: verify failed rule not loaded: \{ ulp 6 lport \d+ dir out \} pass \{ \}$/m,
    },
    {
      name: 'one rule of the new policy did not load',
      fault: (host) => {
        host.intercept = async (call, run) => {
          const reply = await run();
          if (!call.tool.endsWith('ipsecconf') || !loadsNewPolicy(call.args)) return reply;
          const listing = await host.tool('ipsecconf', '-Ln');
          const index = /#INDEX (\d+)\n.*lport 443 /.exec(listing)?.[1] ?? '';
          await host.tool('ipsecconf', '-d', index);
          return reply;
        };
        return { release: () => (host.intercept = undefined) };
      },
      step: 'verify',
      said: /lport 443/,
    },
    {
      name: 'the key daemon dies right after its start',
      fault: (host) => {
        // Its service starts it again and again until the service gives up.
        let starts = 0;
        host.intercept = async (call, run) => {
          const reply = await run();
          if (call.tool.endsWith('svcadm') && call.args.includes('enable') && starts++ === 0) await stopDaemon(host);
          return reply;
        };
        return { release: () => (host.intercept = undefined) };
      },
      step: '(ike|verify)',
      said: /daemon|in\.iked|network\/ipsec\/ike/,
    },
    {
      name: 'the key daemon’s service ends in maintenance',
      fault: (host) =>
        host.fault(
          'in.iked',
          { kind: 'fail', exit: 1, stderr: 'in.iked: no usable rule in config\n' },
          (args) => !args.includes('-c'),
          3,
        ),
      step: '(ike|verify)',
      said: /no usable rule in config/,
    },
  ]));

/** As a crash that its service does not see: only asking the daemon tells. */
async function stopDaemon(host: WatchedHost): Promise<void> {
  const placed = host.fault(
    'in.iked',
    { kind: 'fail', exit: 1, stderr: 'in.iked: out of luck\n' },
    (args) => !args.includes('-c'),
  );
  await host.lab.machine.killDaemon();
  await host.lab.machine.idle();
  placed.release();
}

describe('with keys set by hand', () =>
  runApply('manual', [
    {
      name: 'ipseckey says yes and loads nothing',
      fault: (host) => host.fault('ipseckey', { kind: 'lie' }, (args) => args.includes('-f')),
      step: '(keys|verify)',
      said: /SA|esp/,
    },
    {
      name: 'one SA did not load',
      fault: (host) => {
        host.intercept = async (call, run) => {
          const reply = await run();
          if (!call.tool.endsWith('ipseckey') || !call.args.includes('-f')) return reply;
          const added = /spi (0x[0-9a-f]+)[^]*?dst (\S+)/.exec(host.read('/etc/inet/secret/ipseckeys'));
          await host.tool('ipseckey', 'delete', 'esp', 'spi', added?.[1] ?? '', 'dst', added?.[2] ?? '');
          host.intercept = undefined;
          return reply;
        };
        return { release: () => (host.intercept = undefined) };
      },
      step: '(keys|verify)',
      said: /SA|esp/,
    },
    {
      name: 'ipsecconf fails in the middle of the change',
      fault: (host) =>
        host.fault('ipsecconf', { kind: 'fail', exit: 1, stderr: 'ipsecconf: out of memory\n' }, loadsNewPolicy),
      step: 'policy',
      said: /ipsecconf: out of memory/,
    },
  ]));
