/** The agent on hosts without IPsec services (Solaris 9 of the plain lab): rule by rule, init scripts, a daemon of its own. */

import * as fs from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NONCE, SHELLS, shellIsThere, type Session } from './support/agent-host.js';
import { ikeConfig, KEYS_A, KEYS_AB, psk, RULE } from './support/contents.js';
import { FILES } from './support/agent-host.js';
import { bothFamilies, LabAgent } from './support/lab-agent.js';

const wanted = process.env['AGENT_SHELLS'] === 'all' ? SHELLS : [{ name: 'sh', program: ['/bin/sh'] }];
const here = wanted.filter(({ program }) => shellIsThere(program));

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

describe.each(here)('on a host without IPsec services, under $name', ({ program }) => {
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
    expect((await session.apply({ ...second, window: 1 })).last, session.heard).toContain('state=verified');
    while (fs.existsSync(`${host.state}/tx`)) await delay(20);
    expect(await host.observed()).toBe(before);
    expect(await host.loaded()).toEqual(bothFamilies(POLICY_ONE));
  });
});
