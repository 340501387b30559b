/** `drift` under every shell a host may have: it tells all, and leaves no trace. */

import { spawnSync } from 'node:child_process';
import { appendFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AgentHost, FILES, NONCE, agent, sha256 } from './support/agent-host.js';
import type { Session } from './support/agent-host.js';
import { POLICY_A, RULE } from './support/contents.js';
import { driftOf, fullPicture } from './support/drift-report.js';
import { one, two } from './support/generations.js';
import { countProcesses } from './support/process-count.js';
import { wantedShells } from './support/shells.js';
import { writesIn } from './support/writes.js';

const strace = process.env['AGENT_SHELLS'] === 'all' && spawnSync('strace', ['-V']).status === 0;
if (!strace) console.log('system calls not looked at: that is for `npm run test:system`, with strace');

function tracing(file: string, shell: readonly string[]): readonly string[] {
  return ['strace', '-f', '-y', '-qq', '-s', '4096', '-e', 'trace=process,file,desc', '-o', file, ...shell];
}

/** The stand-in commands note their calls in the tree; nothing else may change there. */
const picture = (host: AgentHost): readonly string[] => fullPicture(host.root, ['calls', '.']);

describe.each(wantedShells())('a look for drift under $name', ({ program }) => {
  let host: AgentHost;
  beforeEach(() => {
    host = new AgentHost(program);
  });
  afterEach(async () => {
    const errors = host.sessions.flatMap(({ heard }) => heard.match(/^stderr.*/gm) ?? []);
    expect(await host.dispose()).toEqual([]);
    expect(errors).toEqual([]);
  });

  const bye = async (session: Session): Promise<void> => {
    session.send('bye\n');
    await host.until('the session ends', () => session.over);
  };
  const applied = async (): Promise<void> => {
    const session = await host.open();
    expect((await session.apply({ files: one, ike: 'start' })).last).toContain('state=verified');
    expect((await session.ask(`confirm id=T1 nonce=${NONCE}`)).last).toContain('state=confirmed');
    await bye(session);
    await host.untilQuiet();
  };

  it('tells all of a host that is as it was left, and changes nothing on it', async () => {
    await applied();
    const before = picture(host);
    host.forgetCalls();
    const session = await host.open('readonly');
    expect(session.heard).toBe('ipsec-deploy-agent ready protocol=1\n');
    const report = await driftOf(session);
    await bye(session);
    expect(picture(host)).toEqual(before);
    const looking =
      /^(ipsecconf -Ln|ipseckey -n -s -|svcprop -p .*|svcs -H .*|ikeadm (-n )*(-p )?(get|dump) \w+|uname -snrvm)$/;
    expect(host.calls().filter((call) => !looking.test(call))).toEqual([]);

    expect(report).toMatchObject({
      generation: 1,
      run: 'R1',
      openTransaction: undefined,
      unarmed: false,
      settled: true,
    });
    expect(report.spd).toEqual([RULE.sshIn, RULE.sshOut]);
    expect(report.sad).toEqual([
      { type: 'esp', spi: '0x1001', dst: '10.0.0.2', src: '10.0.0.1', encr: 'aes', auth: 'sha256', key: 'same' },
    ]);
    const { mtime } = statSync(host.path(FILES.policy));
    expect(report.files.find(({ path }) => path === FILES.policy)).toEqual({
      path: FILES.policy,
      state: 'present',
      type: 'file',
      mode: '0400',
      uid: process.getuid?.(),
      gid: process.getgid?.(),
      links: 1,
      modified: `${mtime.toISOString().slice(0, 19)}Z`,
      sha256: sha256(POLICY_A),
    });
    expect(report.stateFolder).toMatchObject({ state: 'present', type: 'folder', mode: '0700' });
    expect(report.agents).toEqual([agent.digest]);
    expect(report.guard).toEqual({ script: agent.digest, scriptIsShipped: true, manifest: 'same' });
    expect(report.leftovers).toEqual([]);
    expect(report.keepers).toEqual([]);
    expect(report.services.get('network/ipsec/policy')).toBe('online');
    expect(report.serviceDetails.get('network/ipsec/policy')?.configFile).toBe(FILES.policy);
    expect(report.daemon).toMatchObject({ state: 'running', rules: [{ label: 'one', state: 'same' }], peers: [] });
    expect(report.history.at(-1)).toMatch(/ T1 confirmed generation=1 /);
    expect(session.heard).not.toMatch(/(a1|b2|c3|d4){8}/);
  });

  it('stores nothing on a host that never saw the agent', async () => {
    const before = picture(host);
    const session = await host.open('readonly');
    expect(session.heard).toBe('ipsec-deploy-agent need\nipsec-deploy-agent ready protocol=1\n');
    const report = await driftOf(session);
    expect(report).toMatchObject({ generation: undefined, agents: [], daemon: { state: 'absent' }, settled: true });
    expect(report.stateFolder).toEqual({ path: '/var/ipsec-deploy', state: 'absent' });
    expect(report.guard).toEqual({ script: undefined, scriptIsShipped: false, manifest: 'absent' });
    expect(report.files.map(({ state }) => state)).toEqual(['absent', 'absent', 'absent', 'absent']);
    await bye(session);
    expect(picture(host)).toEqual(before);
  });

  it('leaves an abandoned transaction as it is and says that nobody keeps it', async () => {
    await applied();
    const session = await host.open();
    expect((await session.apply({ generation: 2, expect: 1, files: two, ike: 'restart' })).last).toContain('verified');
    const kept = await host.open('readonly');
    const whileKept = await driftOf(kept);
    expect(whileKept.openTransaction).toMatchObject({ id: 'T2', state: 'verified', generation: 2 });
    expect(whileKept.keepers).toContainEqual({ name: 'deadman', state: 'alive' });
    expect(whileKept.settled).toBe(false);
    host.killAll();
    const before = picture(host);
    const looker = await host.open('readonly');
    const report = await driftOf(looker);
    expect(report.openTransaction).toMatchObject({ id: 'T2', state: 'verified', generation: 2 });
    expect(report.keepers).toEqual([
      { name: 'agent', state: 'gone' },
      { name: 'deadman', state: 'gone' },
      { name: 'holder', state: 'gone' },
    ]);
    // What else such a session is asked changes nothing either.
    expect((await looker.ask('observe')).records.join('\n')).toContain('transaction id=T2 state=verified');
    expect((await looker.ask('status')).records.join('\n')).toContain('transaction id=T2 state=verified');
    const refusal = 'error text=this session only looks at the host';
    for (const request of [`confirm id=T2 nonce=${NONCE}`, 'abort id=T2', 'extend id=T2 seconds=9'])
      expect((await looker.ask(request)).last).toBe(refusal);
    expect((await looker.apply({ generation: 3, expect: 2, files: one })).last).toBe(refusal);
    await bye(looker);
    expect(picture(host)).toEqual(before);
  });

  it('tells what was confirmed also after a hundred drills that held, and of one that did not', async () => {
    await applied();
    const held = (n: number): string =>
      `2026-11-22T10:15:00Z drill-${n}.web1 reverted generation=1 step=confirm run=drill-${n} text=not confirmed in time\n`;
    const late = '2026-11-22T11:00:00Z drill-x.web1 reverted generation=1 step=confirm run=drill-x text=aborted';
    appendFileSync(join(host.state, 'history'), `${Array.from({ length: 100 }, (_, n) => held(n)).join('')}${late}\n`);
    const session = await host.open('readonly');
    const { history } = await driftOf(session);
    await bye(session);
    expect(history).toHaveLength(2);
    expect(history[0]).toContain(' T1 confirmed generation=1 ');
    expect(history[1]).toBe(late);
  });

  it('does not wait at a pipe that stands where a file should be', async () => {
    await applied();
    for (const path of [FILES.keys, FILES.config]) {
      rmSync(host.path(path));
      expect(spawnSync('mkfifo', [host.path(path)]).status).toBe(0);
    }
    const planning = await host.open();
    expect((await planning.ask('observe')).lines.join('\n')).toMatch(/^prw.* \S*\/ipseckeys$/m);
    await bye(planning);
    rmSync(join(host.state, 'agent', agent.digest));
    const session = await host.open('readonly');
    const { files } = await driftOf(session);
    expect(files.filter(({ type }) => type === 'pipe').map(({ path }) => path)).toEqual([FILES.keys, FILES.config]);
    await bye(session);
  });

  it.skipIf(!strace)(
    'opens nothing for writing, renames, makes and removes nothing, with at most 12 processes',
    async () => {
      const own = host.shell;
      const traced = async (name: string, talk: (session: Session) => Promise<unknown>, mode?: 'readonly') => {
        const trace = join(host.base, `trace-${name}`);
        host.shell = tracing(trace, own);
        const session = await host.open(mode);
        await talk(session);
        await bye(session);
        host.shell = own;
        return { writes: writesIn(trace, host.path('usr/sbin')), ...countProcesses(trace, host.path('usr/sbin')) };
      };
      expect((await traced('first', driftOf, 'readonly')).writes).toEqual([]);
      // The search finds what it looks for: an ordinary first contact stores the agent.
      const storing = await traced('storing', (session) => session.ask('observe'));
      expect(storing.writes.join('\n')).toMatch(/agent\/new\.\d+.*O_CREAT[^]*rename/);
      await applied();
      const confirmed = await traced('confirmed', driftOf, 'readonly');
      // All that a look may go on to ask, when files were changed.
      const asked = await traced(
        'asked',
        async (session) => {
          await driftOf(session);
          for (const path of Object.values(FILES)) await session.ask(`read path=${path}`);
          for (const path of [FILES.keys, FILES.psk]) await session.ask(`fingerprints path=${path} salt=fleet`);
          await session.ask('generation number=1');
        },
        'readonly',
      );
      expect(asked.writes).toEqual([]);
      const session = await host.open();
      expect((await session.apply({ generation: 2, expect: 1, files: two, ike: 'restart' })).last).toContain(
        'verified',
      );
      const open = await traced('open', driftOf, 'readonly');
      expect((await session.ask('abort id=T2')).last).toContain('state=reverted');
      for (const { writes, count, programs } of [confirmed, open]) {
        expect(writes).toEqual([]);
        expect(count, programs.join(' ')).toBeLessThanOrEqual(12);
      }
    },
  );
});
