import { createHash } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import type { StepReport, TransactionRequest } from '../../controller/model/observation.js';
import { Secret } from '../../controller/model/secret.js';
import { underPosixShell } from '../../controller/remote/posix-shell.js';
import { createHostLink } from '../../controller/remote/agent-link.js';
import { fakeAgent } from './fake-agent.js';
import { DRIFTED, OBSERVED } from './observed-host.js';
import { AGENT, MARK, hostAt, linkOptions, startServer } from './ssh-server.js';
import type { ServerScript, TestServer } from './ssh-server.js';

const servers: TestServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function serve(script: ServerScript): Promise<TestServer> {
  const server = await startServer(script);
  servers.push(server);
  return server;
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const POLICY = '{ ulp tcp lport 80 } bypass { }\n#@end\n';
const REQUEST: TransactionRequest = {
  id: 'T1',
  nonce: 'n0nce',
  windowSeconds: 60,
  generation: 7,
  expectGeneration: 6,
  run: 'r7',
  keepGenerations: 10,
  steps: ['read', 'chmod', 'policy'],
  ike: 'none',
  expectFiles: [
    { path: '/etc/inet/ipsecinit.conf', sha256: 'aa'.repeat(32) },
    { path: '/etc/inet/ike/config', sha256: undefined },
  ],
  expectSpd: sha256(''),
  files: [
    {
      kind: 'send',
      path: '/etc/inet/ipsecinit.conf',
      mode: '0400',
      sha256: sha256(POLICY),
      text: Secret.fromText(POLICY),
    },
    { kind: 'keep', path: '/etc/inet/secret/ipseckeys', mode: '0400', sha256: 'bb'.repeat(32) },
    { kind: 'stored', path: '/etc/inet/ike/config', mode: '0400', sha256: 'cc'.repeat(32), from: 5 },
    { kind: 'remove', path: '/etc/inet/secret/ike.preshared' },
  ],
  spd: ['{ ulp 6 lport 80 dir out } pass { }'],
  manifest: { generation: 7, run: 'r7', made: '2026-11-22T10:15:00Z', files: [], keys: [] },
};

describe('a session with the agent', () => {
  test('starts the agent by its digest, sends it when it is asked for, and observes the host', async () => {
    const agent = fakeAgent({
      greeting: ['Welcome to db1\nipsec-deploy-agent need\n', 'ipsec-deploy-agent ready protocol=1\n'],
      answers: { observe: OBSERVED },
    });
    const link = createHostLink(linkOptions());
    const session = await link.open(hostAt(await serve(agent), { privilege: 'pfexec' }));
    const observation = await session.observe();
    await session.close();
    expect(agent.commands).toEqual([underPosixShell(`pfexec "$sh" -s -- ${AGENT.digest}`)]);
    expect(agent.heard()).toContain(`${AGENT.loader}${AGENT.text}\n\n\nsession mark=${MARK} protocol=1\nobserve\n`);
    expect(observation).toMatchObject({
      generation: 6,
      run: 'r6',
      manifest: { generation: 6, keys: [{ id: 'psk:db1--web1', bits: 256 }] },
      spd: [
        '{ ulp 6 lport 22 dir in } pass { }',
        '{ ulp 6 lport 80 dir out } pass { }',
        '{ tunnel ip.tun0 negotiate tunnel dir out } ipsec { }',
      ],
      sad: [
        { type: 'esp', spi: '0x1001', dst: '10.0.0.2', key: 'same', src: '10.0.0.1' },
        { type: 'esp', spi: '0x1002', dst: '10.0.0.1', key: 'missing' },
      ],
      daemonRunning: false,
      openTransaction: undefined,
    });
    expect(observation.services.get('network/ipsec/ike')).toBe('maintenance');
    expect(observation.logs).toHaveLength(1);
    expect(observation.files).toContainEqual({
      path: '/etc/inet/ipsecinit.conf',
      state: 'present',
      type: 'file',
      mode: '0400',
      uid: 0,
      gid: 3,
      sha256: 'aa'.repeat(32),
    });
    expect(observation.files).toContainEqual({ path: '/etc/inet/ike/config', state: 'absent' });
  });

  test('that may only look says so to the loader, and looks for drift', async () => {
    const agent = fakeAgent({ answers: { drift: DRIFTED } });
    const link = createHostLink(linkOptions());
    const session = await link.open(hostAt(await serve(agent), { privilege: 'sudo' }), { readOnly: true });
    expect((await session.drift()).agents).toEqual(['cc'.repeat(32)]);
    await session.close();
    expect(agent.commands).toEqual([underPosixShell(`sudo -n "$sh" -s -- ${AGENT.digest} readonly`)]);
  });

  test('sends a transaction whose content cannot end the block, and reports each step', async () => {
    const agent = fakeAgent({
      answers: {
        '#@end': `@ step name=preflight state=begin
@ step name=preflight state=done
@ step name=policy state=begin
@ begin output
ipsecconf: key 0123456789abcdef0123456789abcdef is bad

@ end output
@ step name=policy state=failed text=ipsecconf -c said no
@ step name=revert state=done text=previous policy is in force
@ outcome id=T1 state=reverted generation=6 step=policy text=ipsecconf -c said no
`,
      },
    });
    const session = await createHostLink(linkOptions()).open(hostAt(await serve(agent)));
    const steps: StepReport[] = [];
    const outcome = await session.transact(REQUEST, (step) => steps.push(step));
    await session.close();
    expect(outcome).toEqual({
      state: 'reverted',
      id: 'T1',
      generation: 6,
      step: 'policy',
      text: 'ipsecconf -c said no',
    });
    expect(steps.map((step) => `${step.name} ${step.state}`)).toEqual([
      'preflight begin',
      'preflight done',
      'policy begin',
      'policy failed',
      'revert done',
    ]);
    expect(steps[3]?.output).toEqual(['ipsecconf: key [masked] is bad']);
    expect(agent.heard()).toContain(
      `transaction id=T1 nonce=n0nce window=60 generation=7 expect=6 run=r7 keep=10 steps=read,chmod,policy ike=none
@expect path=/etc/inet/ipsecinit.conf sha256=${'aa'.repeat(32)}
@expect path=/etc/inet/ike/config sha256=absent
@expect-spd sha256=${sha256('')}
@file path=/etc/inet/ipsecinit.conf mode=0400 sha256=${sha256(POLICY)}
|{ ulp tcp lport 80 } bypass { }
|#@end
@keep path=/etc/inet/secret/ipseckeys mode=0400 sha256=${'bb'.repeat(32)}
@stored path=/etc/inet/ike/config mode=0400 sha256=${'cc'.repeat(32)} from=5
@remove path=/etc/inet/secret/ike.preshared
@spd
|{ ulp 6 lport 80 dir out } pass { }
@manifest
|format 1
|generation 7
|run r7
|made 2026-11-22T10:15:00Z
#@end



`,
    );
  });
});
