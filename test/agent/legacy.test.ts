/** The agent on hosts without IPsec services (Solaris 9 of the plain lab): rule by rule, init scripts, a daemon of its own. */

import * as fs from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NONCE, type Session } from './support/agent-host.js';
import { letWindowPass } from './support/deadman.js';
import { ikeConfig, KEYS_A, KEYS_AB, psk, RULE } from './support/contents.js';
import { FILES } from './support/agent-host.js';
import { bothFamilies, LabAgent } from './support/lab-agent.js';
import { wantedShells } from './support/shells.js';

const shells = wantedShells();

const STRONGER = '{ dir out } ipsec { encr_algs aes-cbc(256) encr_auth_algs hmac-sha512(512) sa shared }';
const POLICY_ONE = `# one\n${RULE.sshIn}\n${RULE.sshOut}\n${RULE.esp}\n`;
const POLICY_TWO = `# two\n${RULE.sshIn}\n${RULE.sshOut}\n${RULE.web}\n${STRONGER}\n`;
const one = {
  [FILES.policy]: POLICY_ONE,
  [FILES.keys]: KEYS_A,
  [FILES.config]: ikeConfig('one'),
  [FILES.psk]: psk('c3'),
};
const two = {
  [FILES.policy]: POLICY_TWO,
  [FILES.keys]: KEYS_AB,
  [FILES.config]: ikeConfig('two'),
  [FILES.psk]: psk('d4'),
};

describe.each(shells)('on a host without IPsec services, under $name', ({ program }) => {
  let host: LabAgent;
  beforeEach(async () => {
    host = await LabAgent.start({ platform: 'solaris-legacy', shell: program });
  });
  afterEach(async () => host.close());

  const confirm = async (id: string): Promise<void> => {
    const session = await host.open();
    expect((await session.ask(`confirm id=${id} nonce=${NONCE}`)).last).toContain('state=confirmed');
    session.send('bye\n');
  };

  const onGenerationOne = async (): Promise<Session> => {
    const session = await host.open();
    const reply = await session.apply({ files: one, spd: bothFamilies(POLICY_ONE), ike: 'start' });
    expect(reply.last, session.heard).toContain('state=verified');
    await confirm('T1');
    host.rules = bothFamilies(POLICY_ONE);
    return session;
  };

  const second = { generation: 2, expect: 1, files: two, spd: bothFamilies(POLICY_TWO), ike: 'restart' };

  it('applies policy, keys and IKE, then a policy whose algorithms are others', async () => {
    const session = await onGenerationOne();
    const pid = host.host.machine.iked?.pid;
    expect((await session.apply(second)).last, session.heard).toContain('state=verified');
    await confirm('T2');
    expect(await host.loaded()).toEqual(bothFamilies(POLICY_TWO));
    expect(host.host.machine.iked?.pid).not.toBe(pid);
    const seen = await host.observed();
    expect(seen).toContain('M fact name=platform text=solaris-legacy');
    expect(seen).toContain('M fact name=os text=SunOS 5.9');
    expect(seen).toContain('M fact name=daemon text=running');
    for (const service of [
      'network/ipsec/policy',
      'network/ipsec/manual-key',
      'network/ipsec/ike',
      'site/ipsec-deploy-guard',
    ])
      expect(seen).toContain(`online svc:/${service}:default`);
    expect(session.heard).not.toMatch(/(a1|b2|c3|d4){8}|stderr/);
  });

  it('takes back by the dead-man what nobody confirms', async () => {
    const session = await onGenerationOne();
    const before = await host.observed();
    expect((await session.apply({ ...second, window: 600 })).last, session.heard).toContain('state=verified');
    await letWindowPass(host.state);
    while (fs.existsSync(`${host.state}/tx`)) await delay(20);
    expect(await host.observed()).toBe(before);
    expect(await host.loaded()).toEqual(bothFamilies(POLICY_ONE));
  });

  /** After each command: whether anything that {@link POLICY_ONE} protects would leave unprotected. */
  const watchTheWire = (): string[] => {
    const leaks: string[] = [];
    host.host.intercept = async (call, run) => {
      const reply = await run();
      if (call.tool === 'ipsecconf') {
        const rules = await host.loaded();
        const guards = rules.filter((rule) => / dir out \} (ipsec|drop) |^\{ dir out \} ipsec /.test(rule));
        if (guards.length < 2) leaks.push(`${call.args.join(' ')}: ${rules.join(' ')}`);
      }
      return reply;
    };
    return leaks;
  };

  it('rebuilds the policy under a cover: what is protected before and after is never without a rule', async () => {
    const session = await onGenerationOne();
    const leaks = watchTheWire();
    expect((await session.apply(second)).last, session.heard).toContain('state=verified');
    expect((await session.ask('abort id=T2')).last, session.heard).toContain('state=reverted');
    expect(leaks).toEqual([]);
    expect(await host.loaded()).toEqual(bothFamilies(POLICY_ONE));
  });

  it('carries out the order of the controller, and nothing after a rule that was not taken', async () => {
    const session = await onGenerationOne();
    const calls: string[] = [];
    host.host.intercept = (call, run) => {
      if (call.tool === 'ipsecconf' && call.args[0] === '-q') calls.push(call.args.slice(0, 2).join(' '));
      return run();
    };
    const cover = '{ laddr 10.0.0.1/0 dir out } drop { }';
    const gone = [RULE.sshIn, RULE.sshOut, RULE.esp].map((rule) => `delete ${rule}`);
    const came = bothFamilies(POLICY_TWO).map((rule) => `add ${rule}`);
    const change = [`add ${cover}`, ...gone, ...came, `delete ${cover}`];
    expect((await session.apply({ ...second, change })).last, session.heard).toContain('state=verified');
    expect(calls).toEqual(['-q -a', ...Array<string>(6).fill('-q -d'), '-q -a', '-q -d']);
    await confirm('T2');
    host.rules = bothFamilies(POLICY_TWO);
    const refused = { ...second, generation: 3, expect: 2, files: one, spd: bothFamilies(POLICY_ONE) };
    const wrong = { ...refused, change: [`add ${RULE.esp}`, `delete ${RULE.web}`] };
    const reply = await session.apply(wrong);
    expect(reply.last).toContain('state=reverted generation=2 step=policy');
    expect(session.heard).toContain(`rule was not taken: ${RULE.esp}`);
    expect(await host.loaded()).toEqual(bothFamilies(POLICY_TWO));
  });

  it.each(shells.length > 1 ? ['chmod', 'keys', 'policy', 'ike', 'verify'] : ['policy'])(
    'a power cut after %s: the boot guard puts the old generation back before the boot scripts load it',
    async (step) => {
      const session = await onGenerationOne();
      const before = await host.observed();
      let cut: Promise<void> | undefined;
      session.onLine = (line) => {
        if (line.includes(`name=${step} state=done`)) cut ??= host.host.powerCut();
      };
      await session.apply(second).catch(() => undefined);
      await cut;
      const booted: string[] = [];
      host.host.intercept = (call, run) => {
        if (call.tool === 'ipsecconf' && call.args.includes('-qa')) booted.push(host.read(FILES.policy) ?? 'none');
        return run();
      };
      await host.host.boot();
      expect(fs.existsSync(`${host.state}/tx`)).toBe(false);
      expect(booted).toEqual([POLICY_ONE]);
      expect(await host.observed()).toBe(before);
      expect(await host.loaded()).toEqual(bothFamilies(POLICY_ONE));
    },
  );

  it('takes back on first contact, to no policy, no keys and no daemon', async () => {
    const before = (await host.observed()).replace(/\n.*ipsec-deploy-guard.*/, '');
    const session = await host.open();
    expect((await session.apply({ files: one, spd: bothFamilies(POLICY_ONE), ike: 'start' })).last).toContain(
      'verified',
    );
    expect((await session.ask('abort id=T1')).last, session.heard).toContain('state=reverted generation=none');
    expect((await host.observed()).replace(/\n.*ipsec-deploy-guard.*/, '')).toBe(before);
    expect(host.host.machine.iked).toBeUndefined();
  });
});
