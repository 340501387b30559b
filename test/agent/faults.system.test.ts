/** What the agent does when something lies, hangs, dies or is cut. The host must end as it was, and say so. */

import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KEYS_A, KEYS_AB, KEYS_B, POLICY_A, POLICY_B, RULE, ikeConfig, psk, sa } from './support/contents.js';
import { childrenOf, deadmanOf, letWindowPass } from './support/deadman.js';
import { AgentHost, FILES, NONCE, sha256, transactionText } from './support/agent-host.js';
import type { Change, Session } from './support/agent-host.js';
import { SHELLS, wantedShell } from './support/shells.js';

let host: AgentHost;

const everything = {
  [FILES.policy]: POLICY_A,
  [FILES.keys]: KEYS_A,
  [FILES.config]: ikeConfig('one'),
  [FILES.psk]: psk('c3'),
};
const changed = {
  [FILES.policy]: POLICY_B,
  [FILES.keys]: KEYS_AB,
  [FILES.config]: ikeConfig('two'),
  [FILES.psk]: psk('d4'),
};
const second: Change = { generation: 2, expect: 1, files: changed, ike: 'restart' };

/** A host on generation 1 with manual keys and IKE, and its session. */
async function onGenerationOne(): Promise<Session> {
  const session = await host.open();
  expect((await session.apply({ files: everything, ike: 'start' })).last).toContain('state=verified');
  expect((await session.ask(`confirm id=T1 nonce=${NONCE}`)).last).toContain('state=confirmed');
  return session;
}

async function statusOf(id: string): Promise<string> {
  const session = await host.open();
  const reply = await session.ask(`status id=${id}`);
  session.send('bye\n');
  return reply.records.filter((record) => record.startsWith('outcome')).join('\n');
}

const txIsGone = (): boolean => !fs.existsSync(join(host.state, 'tx'));

beforeEach(() => {
  host = new AgentHost();
});
afterEach(async () => {
  const heard = host.sessions.map((session) => session.heard).join('');
  expect(await host.dispose()).toEqual([]);
  expect(heard).not.toMatch(/(a1|b2|c3|d4){8}/);
});

describe('a tool that lies or fails', () => {
  const cases: readonly (readonly [string, string, string, string, RegExp])[] = [
    [
      'ipsecconf loads nothing and says success',
      'ipsecconf',
      'lie',
      '*-F?-a*ipsecinit.conf',
      /step=verify text=rule not loaded: /,
    ],
    [
      'ipsecconf fails',
      'ipsecconf',
      'fail',
      '*-F?-a*ipsecinit.conf',
      /step=policy text=the host did not take the policy/,
    ],
    [
      'ipseckey adds nothing and says success',
      'ipseckey',
      'lie',
      '-f*keys.add',
      /step=verify text=SA not loaded: esp 0x1002 10.0.0.2/,
    ],
    ['ipseckey fails', 'ipseckey', 'fail', '-f*keys.add', /step=keys text=the host did not take the SAs/],
    ['svcadm fails', 'svcadm', 'fail', 'disable*-t*ike*', /step=ike text=restart of/],
    ['svcadm does nothing and says success', 'svcadm', 'lie', '*ike*', /step=verify text=daemon /],
    ['the daemon does not answer', 'ikeadm', 'fail', '*', /step=verify text=the IKE daemon does not answer/],
  ];
  it.each(cases)('%s: all is taken back', async (_, tool, word, pattern, outcome) => {
    const session = await onGenerationOne();
    const before = host.picture();
    host.fault(tool, word, pattern);
    const reply = await session.apply(second);
    expect(reply.last).toMatch(/^outcome id=T2 state=reverted generation=1 /);
    expect(reply.last).toMatch(outcome);
    host.noFaults();
    expect(host.picture()).toEqual(before);
    expect(host.leftovers()).toEqual([]);
    expect(await statusOf('T2')).toBe(reply.last);
    const next = await host.open();
    expect((await next.apply({ ...second, id: 'T2b' })).last).toContain('state=verified');
    expect((await next.ask('abort id=T2b')).last).toContain('state=reverted');
  });

  it.each(['abort', 'the dead-man'])('says failed when the revert does not verify, and %s tries again', async (who) => {
    const session = await onGenerationOne();
    const before = host.picture();
    host.fault('svcadm', 'fail', 'enable*ike*');
    const reply = await session.apply({ ...second, window: 600 });
    expect(reply.last).toBe(
      'outcome id=T2 state=failed generation=? step=ike text=network/ipsec/ike:default is disabled, was online ' +
        '(restart of svc:/network/ipsec/ike:default failed)',
    );
    expect((await session.apply({ ...second, id: 'T3' })).last).toMatch(/state=refused .* transaction T2 is open/);
    expect((await session.ask('status')).records.join('\n')).toContain('transaction id=T2 state=failed');
    host.noFaults();
    if (who === 'abort') expect((await session.ask('abort id=T2')).last).toContain('state=reverted generation=1');
    else {
      await letWindowPass(host.state);
      await host.until('it is tried again', txIsGone);
    }
    await host.until('only sessions are left', () =>
      host.processes().every(({ command }) => !command.includes('deadman')),
    );
    expect(host.picture()).toEqual(before);
    expect(host.leftovers()).toEqual([]);
    expect(await statusOf('T2')).toMatch(/state=reverted/);
  });

  it('ends a tool that hangs before taking back', async () => {
    const session = await onGenerationOne();
    const before = host.picture();
    host.fault('ipsecconf', 'hang', '*-F?-a*ipsecinit.conf');
    session.send(transactionText(host, { ...second, window: 500 }));
    await host.until('the tool hangs', () => host.processes().some(({ command }) => command.startsWith('sleep 600')));
    host.noFaults();
    await letWindowPass(host.state);
    await host.until('the dead-man has reverted', txIsGone);
    await host.until('nothing runs', () => host.processes().length === 0);
    expect(host.picture()).toEqual(before);
    expect(await statusOf('T2')).toBe(
      'outcome id=T2 state=reverted generation=1 step=policy text=not confirmed in time',
    );
    expect(host.leftovers()).toEqual([]);
  });
});

describe('killed in mid-step', () => {
  const STEPS = ['preflight', 'snapshot', 'arm', 'read', 'chmod', 'keys', 'policy', 'ike', 'verify'];
  const all = STEPS.flatMap((step) => [`name=${step} state=begin`, `name=${step} state=done`]);
  // Each shell takes half of them, so that all together take each moment three times.
  const half = SHELLS.indexOf(wantedShell()) % 2;
  const moments = half < 0 ? all : all.filter((_, at) => (at + (at >> 1)) % 2 === half);

  /** Starts the second transaction and kills the agent as soon as it reports the moment. */
  async function killedAt(moment: string, window: number): Promise<unknown> {
    const session = await onGenerationOne();
    const before = host.picture();
    session.onLine = (line) => {
      if (line.includes(moment)) session.kill();
    };
    session.send(transactionText(host, { ...second, window }));
    await host.until('the agent is killed', () => session.over);
    return before;
  }

  it.each(moments)('at "%s": the boot guard brings the old state back', async (moment) => {
    const before = (await killedAt(moment, 600)) as { files: unknown };
    host.killAll();
    await host.untilQuiet();
    host.write('kernel/spd', '');
    host.write('kernel/sad', '');
    host.bootGuard();
    expect((host.picture() as { files: unknown }).files).toEqual(before.files);
    expect(host.leftovers().filter((name) => name !== 'lock')).toEqual([]);
    host.bootGuard();
    const session = await host.open();
    expect((await session.ask('observe')).records.join('\n')).toContain('generation current=1');
  });

  // The end of one step is the beginning of the next: half of the moments will do.
  it.each(moments.filter((moment) => moment.endsWith('done')))(
    'at "%s": the dead-man brings the old state back',
    async (moment) => {
      const before = await killedAt(moment, 1);
      const unarmed = /preflight|snapshot|arm state=begin/.test(moment);
      if (!unarmed) await host.until('the dead-man has reverted', txIsGone);
      await host.untilQuiet();
      expect(host.picture()).toEqual(before);
      const session = await host.open();
      expect((await session.apply({ ...second, id: 'T3', window: 30 })).last).toContain('state=verified');
      expect((await session.ask('abort id=T3')).last).toContain('state=reverted');
      expect(host.leftovers()).toEqual([]);
    },
  );

  it('after the dead-man too: the next transaction takes the open one back first', async () => {
    const before = await killedAt('name=policy state=done', 600);
    host.killAll();
    await host.untilQuiet();
    const session = await host.open();
    const reply = await session.apply({
      ...second,
      id: 'T3',
      expectSpd: sha256(POLICY_A.split('\n').slice(1).join('\n')),
      expectFiles: Object.fromEntries(Object.entries(everything).map(([path, text]) => [path, sha256(text)])),
    });
    expect(reply.last).toContain('state=verified');
    expect(await statusOf('T2')).toContain('state=reverted');
    expect((await session.ask('abort id=T3')).last).toContain('state=reverted');
    expect(host.picture()).toEqual(before);
  });

  it('in confirm, past the point of no return: the boot guard finishes it', async () => {
    const session = await onGenerationOne();
    await session.apply(second);
    session.kill();
    host.killAll();
    await host.untilQuiet();
    fs.writeFileSync(join(host.state, 'tx', 'ending'), 'confirming 999999 gone\n');
    // As after a boot: the number of the dead-man is nobody's.
    fs.writeFileSync(join(host.state, 'tx', 'deadman'), '999999 gone\n');
    host.bootGuard();
    expect(await statusOf('T2')).toBe('outcome id=T2 state=confirmed generation=2');
    expect(host.read(FILES.policy)).toBe(POLICY_B);
    expect(host.leftovers()).toEqual([]);
  });
});

describe('connection and confirmation', () => {
  it('goes on to "verified" when the session is cut, and can be confirmed from another', async () => {
    const session = await onGenerationOne();
    session.onLine = (line) => {
      if (line.includes('name=read state=begin')) session.cut();
    };
    session.send(transactionText(host, second));
    await host.until('verified', () => fs.existsSync(join(host.state, 'tx', 'verified')));
    expect(await statusOf('T2')).toMatch(/^outcome id=T2 state=verified generation=2 reverts_in=\d+$/);
    expect((await (await host.open()).ask(`confirm id=T2 nonce=${NONCE}`)).last).toContain('state=confirmed');
    expect(await statusOf('T2')).toBe('outcome id=T2 state=confirmed generation=2');
    expect((await (await host.open()).ask(`confirm id=T2 nonce=${NONCE}`)).last).toBe(
      'outcome id=T2 state=confirmed generation=2',
    );
  });

  it('confirms only with the nonce, and takes back when the policy has gone since', async () => {
    const session = await onGenerationOne();
    const before = host.picture();
    await session.apply(second);
    expect((await session.ask('confirm id=T2 nonce=wrong')).last).toContain('error text=');
    host.write('kernel/spd', `${RULE.sshIn}\n`);
    expect((await session.ask(`confirm id=T2 nonce=${NONCE}`)).last).toMatch(
      /state=reverted generation=1 step=confirm text=rule not loaded/,
    );
    expect(host.picture()).toEqual(before);
  });

  it('extends the window', async () => {
    const session = await onGenerationOne();
    await session.apply({ ...second, window: 600 });
    expect((await session.ask('extend id=T2 seconds=300')).last).toMatch(
      /state=verified generation=2 reverts_in=(900|8\d\d)/,
    );
    const status = await session.ask('status');
    expect(status.records.join('\n')).toMatch(
      /transaction id=T2 state=verified step=verify generation=2 reverts_in=(900|8\d\d)/,
    );
    // The first window: the dead-man looks up, and sleeps on.
    const ended = await letWindowPass(host.state);
    await host.until('it sleeps on', () => childrenOf(deadmanOf(host.state)).some((pid) => !ended.includes(pid)));
    expect((await session.ask(`confirm id=T2 nonce=${NONCE}`)).last).toContain('state=confirmed');
    session.send('bye\n');
    await host.untilQuiet();
  });

  it('answers unknown for what it never saw', async () => {
    const session = await host.open();
    expect((await session.ask('abort id=T9')).last).toBe(
      'outcome id=T9 state=unknown text=no such transaction on this host',
    );
  });
});

describe('refused before anything is touched', () => {
  async function refused(change: Change, text: RegExp): Promise<void> {
    const session = host.sessions[0] ?? (await onGenerationOne());
    const before = host.picture();
    const reply = await session.apply({ ...second, ...change });
    expect(reply.last).toMatch(/^outcome id=T2 state=refused generation=1 text=/);
    expect(reply.last).toMatch(text);
    expect(host.picture()).toEqual(before);
    expect(host.leftovers()).toEqual([]);
  }

  it('a plan that saw other files, another policy or another generation', async () => {
    await onGenerationOne();
    await refused({ expectFiles: { [FILES.config]: sha256('other') } }, /ike\/config is not as the plan saw it/);
    await refused({ expectFiles: { [FILES.policy]: 'absent' } }, /ipsecinit.conf is not as the plan saw it/);
    await refused({ expectSpd: sha256('') }, /loaded policy is not as the plan saw it/);
    await refused({ expect: 0 }, /on generation 1, the plan expects 0/);
    await refused({ generation: 1, id: 'T2' }, /generation 1 is not after 1/);
  });

  it("a key that is loaded differently, a policy without rules, a file the host's check refuses", async () => {
    await onGenerationOne();
    await refused({ files: { ...changed, [FILES.keys]: sa('0x1001', '10.0.0.2', 'b2') } }, /loaded with another key/);
    await refused({ files: { ...changed, [FILES.policy]: '# nothing\n' } }, /no rule/);
    await refused({ files: { ...changed, [FILES.policy]: `${RULE.web}\nBROKEN\n` } }, /refuses the new ipsecinit.conf/);
    await refused({ files: { ...changed, [FILES.keys]: `${KEYS_B}# BROKEN\n` } }, /refuses the new ipseckeys/);
  });

  it('a service that reads another file, a link in the place of a file', async () => {
    await onGenerationOne();
    host.write('other-file', '');
    await refused({}, /config_file of .*ike.* is \/etc\/elsewhere/);
    fs.rmSync(host.path('other-file'));
    fs.renameSync(host.path(FILES.psk), host.path('/etc/psk'));
    fs.symlinkSync(host.path('/etc/psk'), host.path(FILES.psk));
    await refused({}, /ike.preshared is not a plain file/);
  });

  it('a second transaction while one is open, with the name of its owner', async () => {
    const session = await onGenerationOne();
    await session.apply(second);
    const reply = await (await host.open()).apply({ ...second, id: 'T3', generation: 3 });
    expect(reply.last).toMatch(
      /^outcome id=T3 state=refused .*text=run R1 holds the lock since \d+ s: transaction T2 is open$/,
    );
    expect((await session.ask('abort id=T2')).last).toContain('state=reverted');
  });

  it('requests that are not in the protocol', async () => {
    const session = await onGenerationOne();
    for (const line of ['transaction id=../x nonce=n window=5', 'transaction id=T2 nonce=n window=-5']) {
      expect(
        (await session.ask(`${line} generation=2 expect=1 run=R keep=1 steps=read ike=none\n#@end\n\n\n`)).last,
      ).toContain('state=refused');
    }
    const text = transactionText(host, second).replaceAll('/etc/inet/ike/config', '/etc/inet/../passwd');
    expect((await session.ask(text)).last).toMatch(/state=refused .*not in the protocol/);
    expect((await session.ask('status id=$(id)')).records.join('\n')).not.toContain('uid');
    expect((await session.ask('nonsense * ~')).last).toContain('error');
  });
});

describe('the lock', () => {
  it('of a process that is gone is taken over, of one that lives is not', async () => {
    const session = await onGenerationOne();
    const other = await host.open();
    const word = fs
      .readdirSync(join(host.state, 'agent'))
      .find((name) => name.length === 64)
      ?.slice(0, 12);
    host.write('var/ipsec-deploy/lock', `R0 ${other.pid} ${word} 1700000000\n`);
    const { last } = await session.apply(second);
    expect(last).toMatch(
      /state=refused .*run R0 holds the lock since \d+ s: process \d+ of this host is at work; should/,
    );
    expect(last).toContain(`process ${other.pid} `);
    other.kill();
    await host.until('the holder is gone', () => other.over);
    expect((await session.apply(second)).last).toContain('state=verified');
    expect((await session.ask('abort id=T2')).last).toContain('state=reverted');
  });
});

describe('generations', () => {
  it('beyond keep are pruned, the baseline is not', async () => {
    const session = await host.open();
    for (let generation = 1; generation <= 5; generation++) {
      const expected = generation === 1 ? ('none' as const) : generation - 1;
      const policy = `# ${generation}\n${POLICY_A}`;
      await session.apply({ generation, expect: expected, keep: 2, files: { [FILES.policy]: policy } });
      expect((await session.ask(`confirm id=T${generation} nonce=${NONCE}`)).last).toContain('state=confirmed');
    }
    expect(fs.readdirSync(join(host.state, 'generations')).sort()).toEqual(['0', '4', '5']);
  });
});

describe('a hostile state folder', () => {
  const greeting = async (): Promise<string> => (
    await host.open().catch(() => undefined),
    host.sessions.at(-1)?.greeting ?? ''
  );

  it('that is a symbolic link is refused, and not written through', async () => {
    fs.mkdirSync(join(host.base, 'trap'));
    fs.symlinkSync(join(host.base, 'trap'), host.state);
    expect(await greeting()).toMatch(/refused text=.* is a symbolic link/);
    expect(fs.readdirSync(join(host.base, 'trap'))).toEqual([]);
  });

  const isRoot = process.getuid?.() === 0;
  if (!isRoot) console.log('a folder of another user skipped: only root can make one');
  it.skipIf(!isRoot)('that belongs to another user is refused', async () => {
    fs.mkdirSync(host.state, { mode: 0o700 });
    fs.chownSync(host.state, 65534, 65534);
    expect(await greeting()).toMatch(/refused text=.* belongs to another user/);
    expect(fs.readdirSync(host.state)).toEqual([]);
  });

  it('that is open to others is refused before the agent is stored', async () => {
    fs.mkdirSync(host.state);
    fs.chmodSync(host.state, 0o777);
    expect(await greeting()).toMatch(/refused text=.* open to other users/);
  });

  it('with a changed agent gets the agent anew', async () => {
    const session = await host.open();
    const stored = join(host.state, 'agent', fs.readdirSync(join(host.state, 'agent'))[0] ?? '');
    fs.appendFileSync(stored, 'echo stolen\n');
    expect((await host.open()).heard).toContain('need');
    expect(fs.readFileSync(stored, 'utf8')).not.toContain('stolen');
    session.send('bye\n');
  });
});

describe('secrets', () => {
  it('are found by the search for them, and stand nowhere but in their files', async () => {
    const session = await onGenerationOne();
    host.fault('ipseckey', 'die', '-f*keys.add');
    const files = { ...changed, [FILES.keys]: `${KEYS_AB}${sa('0x1003', '10.0.0.2', 'e5')}` };
    const arguments_: string[] = [];
    session.onLine = () => arguments_.push(...host.processes().map(({ command }) => command));
    await session.apply({ ...second, files });
    host.noFaults();
    await session.apply({ ...second, files, id: 'T3' });
    arguments_.push(...host.processes().map(({ command }) => command));
    expect((await session.ask(`confirm id=T3 nonce=${NONCE}`)).last).toContain('state=confirmed');
    const secret = 'e5'.repeat(32);
    const found = spawnSync('grep', ['-rl', secret, host.root], { encoding: 'utf8' }).stdout.trim().split('\n').sort();
    expect(found.map((path) => path.replace(host.root, ''))).toEqual([
      FILES.keys,
      '/kernel/sad',
      '/var/ipsec-deploy/generations/2/files/ipseckeys',
    ]);
    expect(session.heard).not.toContain(secret);
    expect(arguments_.length).toBeGreaterThan(20);
    expect(arguments_.join('\n')).not.toContain(secret);
  });
});
