import { statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { predictLoad } from '../../controller/policy/predict-load.js';
import { jsonLines, TestFleet, OPENING } from '../support/cli.js';
import {
  IKE_FILE,
  KEYS_FILE,
  MANAGED,
  POLICY_FILE,
  PSK_FILE,
  rulesOf,
  type HostState,
} from '../support/watched-host.js';
import { type Ran } from '../support/runs.js';

const FILES = {
  'ike-psk': [POLICY_FILE, IKE_FILE, PSK_FILE],
  manual: [POLICY_FILE, KEYS_FILE],
} as const;

/** What the agent ran on a host, told apart by what it does: the two that load, and the daemon's service. */
function loads(changes: readonly string[]): string[] {
  return changes.filter((typed) => /^ipseckey -f|^ipsecconf .*-a|svcadm .*network\/ipsec/.test(typed));
}

describe.each(['ike-psk', 'manual'] as const)('a web server and its peer, keyed by %s,', (keying) => {
  /** A test of one keying is no test of the other, skipped or not. */
  const only = (wanted: typeof keying): ((name: string, work: () => void | Promise<void>) => void) =>
    keying === wanted ? (name, work) => test(name, work) : () => undefined;
  let fleet: TestFleet;
  let first: Ran;
  const files = FILES[keying];
  const seenAtLoad: Record<string, string[]> = {};
  const connections: Record<string, number> = {};
  const uses: Record<string, readonly string[]> = {};
  const changes: Record<string, readonly string[]> = {};
  let states: Record<string, HostState>;

  beforeAll(async () => {
    fleet = await TestFleet.start({ keying });
    for (const [name, host] of fleet.hosts) {
      // Modes of the files in place at the moment the first of them is loaded.
      host.before = ({ tool, args }) => {
        if (seenAtLoad[name] !== undefined || !(tool === 'ipseckey' ? args.includes('-f') : args.includes('-F')))
          return;
        seenAtLoad[name] = files.map((path) => (statSync(host.path(path)).mode & 0o7777).toString(8));
      };
    }
    first = await fleet.expect(0, 'apply', '--output', 'json');
    for (const [name, host] of fleet.hosts) {
      connections[name] = host.connections;
      uses[name] = host.typed;
      changes[name] = host.changes;
      host.before = undefined;
    }
    states = await fleet.states();
  });
  afterAll(() => fleet.close());

  test('apply confirms both from scratch', () => {
    const outcomes = jsonLines(first).filter(({ event }) => event === 'outcome');
    expect(outcomes.map(({ host, status, generation }) => ({ host, status, generation }))).toEqual(
      expect.arrayContaining([
        { host: 'web1', status: 'confirmed', generation: 1 },
        { host: 'db1', status: 'confirmed', generation: 1 },
      ]),
    );
    expect(outcomes).toHaveLength(2);
    for (const host of fleet.hosts.values()) expect(host.generation).toBe('1');
  });

  test('the files are in place, owned by root, and nobody else can read them', () => {
    for (const host of fleet.hosts.values()) {
      const there = MANAGED.filter((path) => states[host.lab.name]?.files[path] !== 'absent');
      expect(there).toEqual(files);
      for (const path of files) {
        const { mode, uid } = statSync(host.path(path));
        expect(`${path} ${(mode & 0o7777).toString(8)}`).toBe(`${path} ${path === PSK_FILE ? '600' : '400'}`);
        // The lab's user stands for root.
        expect(uid).toBe(process.getuid?.());
        expect(host.read(path)).toMatch(/^# Managed by ipsec-deploy: fleet lab, host \w+, generation 1\.\n/);
      }
    }
  });

  test('what ipsecconf -Ln lists is the policy in the file', async () => {
    for (const host of fleet.hosts.values()) {
      const listed = rulesOf(await host.tool('ipsecconf', '-Ln'));
      expect(listed).toEqual(predictLoad(host.read(POLICY_FILE)).rules.map((rule) => rule.text.trimEnd()));
      expect(listed.length).toBeGreaterThan(5);
    }
    expect(states['web1']?.rules).toContain(
      '{ dir out } ipsec { encr_algs aes-cbc(256) encr_auth_algs hmac-sha256(256) sa shared }',
    );
    expect(states['web1']?.rules).toContain('{ ulp 6 lport 443 dir in } pass { }');
    expect(
      states['db1']?.rules.filter((rule) => rule.includes('raddr 10.0.1.11/32') && rule.includes('ipsec')),
    ).toEqual([expect.stringContaining('dir out'), expect.stringContaining('dir in')]);
  });

  test('the services run that this keying needs, and only those', () => {
    for (const state of Object.values(states)) {
      const wanted = keying === 'manual' ? ['online', 'disabled'] : ['disabled', 'online'];
      expect(state.services).toContain('online svc:/network/ipsec/policy:default');
      expect(state.services).toContain(`${wanted[0]} svc:/network/ipsec/manual-key:default`);
      expect(state.services).toContain(`${wanted[1]} svc:/network/ipsec/ike:default`);
    }
  });

  only('manual')('one SA a direction is loaded on both, with the same keys', () => {
    const [web1, db1] = [states['web1']?.sas ?? [], states['db1']?.sas ?? []];
    expect(web1).toHaveLength(2);
    expect(web1).toEqual(db1);
    expect(web1.filter((sa) => / src 10\.0\.1\.11 +dst 10\.0\.2\.21 /.test(sa))).toHaveLength(1);
  });

  only('ike-psk')('in.iked runs on both with the key of their link', () => {
    for (const host of fleet.hosts.values()) expect(host.lab.machine.iked).toBeDefined();
    const key = (text: string): string | undefined => /^\s*key\s+(\S+)/m.exec(text)?.[1];
    expect(key(fleet.web1.read(PSK_FILE))).toMatch(/^[0-9a-f]{64}$/);
    expect(key(fleet.web1.read(PSK_FILE))).toBe(key(fleet.db1.read(PSK_FILE)));
  });

  test('each host read the files into place and protected them before it loaded any', () => {
    const steps = jsonLines(first).filter(({ event, state }) => event === 'step' && state === 'done');
    const loading = keying === 'manual' ? ['keys', 'policy'] : ['policy', 'ike'];
    for (const name of fleet.hosts.keys()) {
      expect(steps.filter(({ host }) => host === name).map((step) => step['name'])).toEqual([
        'preflight',
        'snapshot',
        'arm',
        'read',
        'chmod',
        ...loading,
        'verify',
        'confirm',
      ]);
      expect(seenAtLoad[name]).toEqual(files.map((path) => (path === PSK_FILE ? '600' : '400')));
    }
  });

  test('each host loaded in the order of the procedure by hand', () => {
    for (const name of fleet.hosts.keys()) {
      const order = loads(changes[name] ?? []);
      if (keying === 'manual') {
        expect(order[0]).toMatch(/^ipseckey -f \S+$/);
        expect(order.findIndex((typed) => typed === `ipsecconf -q -F -a ${POLICY_FILE}`)).toBeGreaterThan(0);
        expect(order.at(-1)).toBe(`ipsecconf -q -F -a ${POLICY_FILE}`);
      } else {
        expect(order).toEqual([`ipsecconf -q -F -a ${POLICY_FILE}`, 'svcadm enable -s svc:/network/ipsec/ike:default']);
      }
    }
  });

  test('a first apply costs two connections a host', () => {
    expect(connections).toEqual({ web1: 2, db1: 2 });
  });

  test('a second apply does nothing at all, over one connection a host', async () => {
    fleet.forget();
    const second = await fleet.expect(0, 'apply');
    expect(second.stdout).toMatch(/^web1: unchanged, generation 1$/m);
    expect(second.stdout).toMatch(/^db1: unchanged, generation 1$/m);
    expect(second.stdout).toMatch(/^2 unchanged: every host is as asked \(exit 0\)$/m);
    for (const host of fleet.hosts.values()) {
      expect(host.connections).toBe(1);
      expect(host.changes).toEqual([]);
      expect(host.uses.length).toBeGreaterThan(0);
    }
    expect(await fleet.states()).toEqual(states);
  });

  only('ike-psk')('in.iked is stopped and started when its files change, and only then', async () => {
    fleet.forget();
    fleet.openPort(8443);
    await fleet.expect(0, 'apply', ...OPENING);
    for (const host of fleet.hosts.values()) expect(loads(host.changes)).toEqual([`ipsecconf -q -F -a ${POLICY_FILE}`]);
    await fleet.forgetKeys();
    fleet.forget();
    await fleet.expect(0, 'apply');
    for (const host of fleet.hosts.values()) {
      expect(loads(host.changes)).toEqual([
        'svcadm disable -s -t svc:/network/ipsec/ike:default',
        'svcadm enable -s svc:/network/ipsec/ike:default',
      ]);
      expect(host.generation).toBe('3');
    }
  });
});
