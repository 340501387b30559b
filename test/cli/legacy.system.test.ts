/** A web server and its peer without IPsec services, through the whole program: everything that is done on other hosts is done there. */

import { rmSync } from 'node:fs';
import { mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { jsonLines, TestFleet } from '../support/cli.js';
import type { HostState } from '../support/watched-host.js';

describe.each(['ike-psk', 'manual'] as const)('two hosts without IPsec services, keyed by %s,', (keying) => {
  let fleet: TestFleet;
  const states: Record<string, HostState>[] = [];
  beforeAll(async () => {
    fleet = await TestFleet.start({ keying, platform: 'solaris-legacy', confirmWindowSeconds: 30 });
    await fleet.expect(0, 'apply');
    states.push(await fleet.states());
  });
  afterAll(() => fleet.close());

  test('are brought to generation 1, without a word to services', () => {
    for (const host of fleet.hosts.values()) {
      expect(host.generation).toBe('1');
      expect(host.typed.filter((typed) => /^(svc|ipsecconf.* -[LF])/.test(typed))).toEqual([]);
      expect(host.lab.machine.iked === undefined).toBe(keying === 'manual');
    }
    expect(states[0]?.['web1']?.rules).toContain(
      '{ dir in } ipsec { encr_algs aes-cbc(256) encr_auth_algs hmac-sha256(256) sa shared }',
    );
  });

  test('stay as they are when nothing changed, and show no drift', async () => {
    fleet.forget();
    await fleet.expect(0, 'apply');
    await fleet.expect(0, 'drift');
    for (const host of fleet.hosts.values()) expect(host.changes).toEqual([]);
  });

  test('take other algorithms for the same flows, in an order that never leaves these without a rule', async () => {
    const bare: string[] = [];
    for (const [name, host] of fleet.hosts) {
      host.intercept = async (call, run) => {
        const reply = await run();
        if (call.tool !== 'ipsecconf') return reply;
        const { stdout } = await host.lab.machine.run('ipsecconf', ['-ln'], { env: {}, stdin: '', cwd: '/' });
        for (const way of ['in', 'out'])
          if (!new RegExp(`dir ${way} \\} (ipsec|drop) `).test(stdout)) bare.push(`${name}: ${call.args.join(' ')}`);
        return reply;
      };
    }
    fleet.edit('{ encr: aes(256), encrAuth: sha256 }', '{ encr: aes(256), encrAuth: sha512 }');
    if (keying === 'manual') await fleet.forgetKeys();
    await fleet.expect(0, 'apply', '--accept-risk', 'in-the-clear');
    for (const host of fleet.hosts.values()) host.intercept = undefined;
    expect(bare).toEqual([]);
    expect((await fleet.web1.state()).rules.join()).toContain('sha512');
    expect((await fleet.web1.state()).rules.join()).not.toMatch(/sha256|drop/);
  });

  test('go back to a generation that is named', async () => {
    await fleet.expect(0, 'rollback', '--to', '1');
    const now = await fleet.states();
    for (const name of ['web1', 'db1']) expect(now[name]?.rules).toEqual(states[0]?.[name]?.rules);
    expect(fleet.web1.generation).toBe('3');
  });

  test('show what was changed by hand, and what a reboot mends', async () => {
    await fleet.db1.tool('ipsecconf', '-f');
    const found = await fleet.expect(2, 'drift', '--output', 'json');
    expect(JSON.stringify(jsonLines(found))).toContain('db1');
    // What is to be typed there is known there.
    rmSync(fleet.db1.path('/etc/rcS.d/S88ipsec-deploy-guard'));
    if (keying === 'ike-psk') await fleet.db1.tool('pkill', 'in.iked');
    const again = await fleet.expect(2, 'drift');
    expect(again.stdout).toContain('the boot guard is not run by the boot scripts as it was written');
    if (keying === 'ike-psk') expect(again.stdout).toContain('in.iked was killed, or has crashed');
    expect(again.stdout).not.toMatch(/svcadm|svccfg/);
    await fleet.db1.lab.powerCut();
    await fleet.db1.lab.boot();
    expect((await fleet.db1.state()).rules).toEqual(states[0]?.['db1']?.rules);
  });

  test('are refused rules of tunnels, which they could not list, before anything is touched', async () => {
    mkdirSync(fleet.file('own'));
    const tunnel =
      '{ tunnel ip.tun0 negotiate tunnel raddr 10.7.0.0/16 dir both } ipsec { encr_algs aes encr_auth_algs sha1 }';
    writeFileSync(fleet.file('own/tunnelled.hbs'), `${tunnel}\n{ lport 22 ulp tcp dir both } bypass {}\n`);
    fleet.edit('settings:\n', 'settings:\n  templates: own\n');
    fleet.edit('  db1: { ', '  db1: { template: tunnelled, ');
    fleet.forget();
    const risks = ['pairs', 'failed-tests', 'lint', 'in-the-clear'].flatMap((risk) => ['--accept-risk', risk]);
    const { stdout } = await fleet.expect(4, 'apply', '--limit', 'db1', ...risks);
    expect(stdout).toContain('db1: failed, nothing was changed: its policy has rules of tunnels');
    expect(fleet.db1.changes).toEqual([]);
  });
});
