/** Processes that are held up, ended by hand or meet at the wrong moment, and a state folder that cannot be written to. */

import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KEYS_B, POLICY_B } from './support/contents.js';
import { childrenOf, deadmanOf, letWindowPass } from './support/deadman.js';
import { one, two } from './support/generations.js';
import { AgentHost, FILES, NONCE, transactionText } from './support/agent-host.js';
import type { Change, Session } from './support/agent-host.js';

let host: AgentHost;

const second: Change = { generation: 2, expect: 1, files: two, ike: 'restart' };

async function onGenerationOne(): Promise<Session> {
  const session = await host.open();
  expect((await session.apply({ files: one, ike: 'start' })).last).toContain('state=verified');
  expect((await session.ask(`confirm id=T1 nonce=${NONCE}`)).last).toContain('state=confirmed');
  return session;
}

const tx = (name: string): string => join(host.state, 'tx', name);
const isGone = (path: string) => (): boolean => !fs.existsSync(path);

const deadman = (): number => deadmanOf(host.state);

/** A stand-in for one of the host's commands, before the system's own. */
function command(name: string, script: string): void {
  host.write(`usr/bin/${name}`, `#!/bin/sh\n${script}\n`, 0o755);
}

/** Puts a script, to which $root is the host's root, in the place of a simulated tool; returns what undoes that. */
function replaceTool(name: string, script: string): () => void {
  const path = `usr/sbin/${name}`;
  const former = host.read(path) ?? '';
  host.write(path, `#!/bin/sh\nroot=${host.root}\n${script}\n`, 0o755);
  return () => host.write(path, former, 0o755);
}

/** Ends the dead-man, and the sleep it leaves behind. */
function killDeadman(): void {
  const sleeps = childrenOf(deadman());
  process.kill(deadman(), 'SIGKILL');
  sleeps.forEach((pid) => process.kill(pid, 'SIGKILL'));
}

async function statusOf(id: string): Promise<string> {
  const session = await host.open();
  const reply = await session.ask(`status id=${id}`);
  session.send('bye\n');
  return reply.records.filter((record) => record.startsWith('outcome')).join('\n');
}

beforeEach(() => {
  host = new AgentHost();
});
afterEach(async () => {
  expect(await host.dispose()).toEqual([]);
});

describe('who is in charge', () => {
  it('is known where ps cuts command lines off after 80 characters', async () => {
    // As on Solaris; with the paths a host without the lab's prefix has.
    const real = `/usr/bin/ps -e -o pid= -o ppid= -o args=`;
    command(
      'ps',
      `${real} | sed -e 's|${host.root}||g' -e 's|${host.base}|/bin|g' | sed 's/^\\( *[0-9]* *[0-9]* .\\{80\\}\\).*/\\1/'`,
    );
    const session = await onGenerationOne();
    await session.apply(second);
    session.send('bye\n');
    await host.until('the session ends', () => session.over);
    const other = await host.open();
    expect((await other.apply({ ...second, id: 'T3', generation: 3 })).last).toMatch(/state=refused .*T2 is open/);
    expect((await other.ask(`confirm id=T2 nonce=${NONCE}`)).last).toBe('outcome id=T2 state=confirmed generation=2');
  });

  it('a boot guard that is started by hand leaves a live transaction alone, and takes all of a lost one back', async () => {
    const session = await onGenerationOne();
    const before = host.picture();
    await session.apply(second);
    session.send('bye\n');
    await host.until('the session ends', () => session.over);
    command('ps', 'exit 1');
    host.bootGuard();
    expect(await statusOf('T2')).toContain('state=verified');
    fs.rmSync(host.path('usr/bin/ps'));
    host.bootGuard();
    expect(await statusOf('T2')).toContain('state=verified');
    killDeadman();
    await host.untilQuiet();
    host.bootGuard();
    expect(host.picture()).toEqual(before);
    expect(host.leftovers()).toEqual([]);
    expect(await statusOf('T2')).toContain('state=reverted generation=1');
  });

  it('a dead-man that was killed: the next look takes back, though the agent listens on', async () => {
    const session = await onGenerationOne();
    const before = host.picture();
    await session.apply(second);
    killDeadman();
    const other = await host.open();
    const seen = await other.ask('observe');
    expect(seen.records[0]).toBe('begin observe');
    expect(seen.records.join('\n')).not.toContain('transaction id=');
    expect(seen.records.join('\n')).toContain('generation current=1');
    expect(host.picture()).toEqual(before);
    expect((await session.ask(`confirm id=T2 nonce=${NONCE}`)).last).toContain('state=reverted generation=1');
    expect(host.leftovers()).toEqual([]);
  });

  it('an agent held up before it arms is not left without its dead-man', async () => {
    const session = await onGenerationOne();
    const before = host.picture();
    fs.rmSync(host.path('kernel/smf/ipsec-deploy-guard:default'));
    const svccfg = replaceTool(
      'svccfg',
      'while [ ! -f $root/go ]; do sleep 0.1; done; echo online >"$root/kernel/smf/ipsec-deploy-guard:default"',
    );
    session.send(transactionText(host, { ...second, window: 600 }));
    await host.until('the dead-man is proved', () => /^\d+ /.test(host.read('var/ipsec-deploy/tx/deadman') ?? ''));
    const pid = deadman();
    const ended = await letWindowPass(host.state);
    const looksAgain = (): boolean => childrenOf(pid).some((child) => !ended.includes(child));
    await host.until('it has found nothing armed', () => looksAgain() || isGone(`/proc/${pid}`)());
    host.write('go', '');
    await host.until('taken back', isGone(host.path('var/ipsec-deploy/tx')));
    svccfg();
    expect(host.picture()).toEqual(before);
    expect(await statusOf('T2')).toContain('state=reverted generation=1');
    session.end();
    await host.untilQuiet();
  });

  it('a dead-man that can make no process when its time has come takes back as soon as it can', async () => {
    // Root has no such limit.
    if (process.getuid?.() === 0) host.user = { uid: 65_511, gid: 65_511 };
    for (const name of ['', ...fs.readdirSync(host.base, { recursive: true, encoding: 'utf8' })])
      fs.lchownSync(join(host.base, name), host.user.uid ?? -1, host.user.gid ?? -1);
    const session = await onGenerationOne();
    const before = host.picture();
    await session.apply({ ...second, window: 600 });
    session.send('bye\n');
    await host.until('the session ends', () => session.over);
    const pid = deadman();
    const limit = (processes: string): number | null =>
      spawnSync('prlimit', ['--pid', String(pid), `--nproc=${processes}:`], host.user).status;
    expect(limit('1')).toBe(0);
    await letWindowPass(host.state);
    await host.until('its sleep is over', () => childrenOf(pid).length === 0);
    expect(limit('10000')).toBe(0);
    const isTakenBack = isGone(host.path('var/ipsec-deploy/tx'));
    await host.until('taken back, or to be tried again', () => isTakenBack() || fs.existsSync(tx('failed')));
    // Where the shell goes on without its processes that has failed, and is tried again after a pause.
    if (!isTakenBack()) await letWindowPass(host.state);
    await host.until('taken back', isTakenBack);
    expect(host.picture()).toEqual(before);
    await host.untilQuiet();
  });

  it.each(['dead-man', 'next confirm'])(
    'a confirm that somebody stopped at its work is woken by the %s',
    async (who) => {
      const session = await onGenerationOne();
      expect((await session.apply({ ...second, files: { ...two, [FILES.keys]: KEYS_B }, window: 600 })).last).toContain(
        'verified',
      );
      fs.mkdirSync(host.path('usr/real'));
      fs.copyFileSync(host.path('usr/sbin/ipseckey'), host.path('usr/real/ipseckey'));
      fs.symlinkSync('../kernel', host.path('usr/kernel'));
      replaceTool(
        'ipseckey',
        'case $* in *keys.retire*) : >$root/asking; while [ ! -f $root/go ]; do sleep 0.1; done ;; esac\n' +
          'exec $root/usr/real/ipseckey "$@"',
      );
      session.send(`confirm id=T2 nonce=${NONCE}\n`);
      await host.until('it is at work', () => host.read('asking') !== undefined);
      process.kill(session.pid, 'SIGSTOP');
      host.write('go', '');
      if (who === 'dead-man') await letWindowPass(host.state);
      else expect((await (await host.open()).ask(`confirm id=T2 nonce=${NONCE}`)).last).toContain('state=confirmed');
      await host.until('cleared away', isGone(join(host.state, 'lock')));
      expect(await statusOf('T2')).toContain('state=confirmed generation=2');
      for (const one of host.sessions) one.end();
      await host.untilQuiet();
      expect(host.leftovers()).toEqual([]);
    },
  );

  it('a confirm that is held up while the dead-man reverts and another transaction begins touches nothing of that', async () => {
    const session = await onGenerationOne();
    await session.apply({ ...second, window: 600 });
    const late = await host.open();
    // The daemon's answer is the last thing before the claim.
    const ikeadm = replaceTool('ikeadm', 'echo >>$root/asking; while [ ! -f $root/go ]; do sleep 0.1; done');
    late.send(`confirm id=T2 nonce=${NONCE}\n`);
    await host.until('it asks', () => host.read('asking') !== undefined);
    ikeadm();
    await letWindowPass(host.state);
    await host.until('the dead-man has reverted', isGone(tx('about')));
    await host.until('all is cleared away', isGone(join(host.state, 'lock')));
    const next = await host.open();
    expect((await next.apply({ ...second, id: 'T3' })).last).toContain('state=verified');
    host.write('go', '');
    for (let line = ''; !line.includes('outcome');) line = await late.line();
    expect(late.heard).toContain('outcome id=T2 state=reverted generation=1');
    expect((await next.ask('status id=T3')).records.join('\n')).toContain('transaction id=T3 state=verified');
    expect((await next.ask(`confirm id=T3 nonce=${NONCE}`)).last).toContain('state=confirmed generation=2');
    [session, late, next].forEach((one) => one.end());
    await host.untilQuiet();
  });

  it('a confirm whose tool hangs goes on and ends when the dead-man has taken back', async () => {
    const session = await onGenerationOne();
    const before = host.picture();
    await session.apply({ ...second, window: 600 });
    const ipsecconf = replaceTool('ipsecconf', 'echo >>$root/asking; while :; do sleep 0.1; done');
    session.send(`confirm id=T2 nonce=${NONCE}\n`);
    await host.until('the tool hangs', () => host.read('asking') !== undefined);
    ipsecconf();
    await letWindowPass(host.state);
    for (let line = ''; !line.includes('outcome id=T2 state=reverted');) line = await session.line();
    session.end();
    await host.untilQuiet();
    expect(host.picture()).toEqual(before);
  });
});

describe('who clears up', () => {
  it('a dead-man that is held up while it clears up takes nothing of a transaction that begins meanwhile', async () => {
    const session = await onGenerationOne();
    await session.apply({ ...second, window: 600 });
    session.send('bye\n');
    await host.until('the session ends', () => session.over);
    // Held up once what says that a transaction is open is gone, and nothing else.
    command(
      'rm',
      `/bin/rm "$@"\nroot=${host.root}\ncase $* in *tx/armed*) ;; *) exit 0 ;; esac\n` +
        'while [ ! -f "$root/go" ]; do : >"$root/held"; sleep 0.1; done',
    );
    await letWindowPass(host.state);
    await host.until('it is held up', () => host.read('held') !== undefined);
    fs.rmSync(host.path('usr/bin/rm'));
    const next = await host.open();
    expect((await next.apply({ ...second, id: 'T3' })).last).toMatch(/state=refused .*text=run R1 holds the lock/);
    host.write('go', '');
    await host.until('all is cleared away', isGone(join(host.state, 'lock')));
    expect((await next.apply({ ...second, id: 'T4', window: 600 })).last).toContain('state=verified');
    await host.until(
      'the first dead-man is gone',
      () => host.processes().filter(({ command: line }) => / deadman T2 /.test(line)).length === 0,
    );
    expect((await next.ask('status id=T4')).records.join('\n')).toContain('transaction id=T4 state=verified');
    expect((await next.ask('abort id=T4')).last).toContain('state=reverted generation=1');
    next.end();
    await host.untilQuiet();
    expect(host.leftovers()).toEqual([]);
  });
});

describe('what is written to the disk', () => {
  it('a confirmation that cannot be written down is a revert', async () => {
    const session = await onGenerationOne();
    const before = host.picture();
    await session.apply(second);
    fs.symlinkSync('/nowhere/at/all', join(host.state, 'generations', '2', 'confirmed'));
    const reply = await session.ask(`confirm id=T2 nonce=${NONCE}`);
    expect(reply.last).toMatch(/^outcome id=T2 state=reverted generation=1 step=confirm text=could not write/);
    expect(host.picture()).toEqual(before);
    expect(host.leftovers()).toEqual([]);
    expect((await session.apply({ ...second, id: 'T3' })).last).toContain('state=verified');
    expect((await session.ask(`confirm id=T3 nonce=${NONCE}`)).last).toContain('state=confirmed');
  });

  it('an agent and a dead-man that cannot write down what they wait for go on', async () => {
    const session = await onGenerationOne();
    const before = host.picture();
    fs.mkdirSync(host.path('usr/real'));
    fs.copyFileSync(host.path('usr/sbin/ipsecconf'), host.path('usr/real/ipsecconf'));
    // The tool itself strikes, once the agent has written its number down and waits for it.
    const ipsecconf = replaceTool(
      'ipsecconf',
      'case $* in *-F*) ;; *) exec $root/usr/real/ipsecconf "$@" ;; esac\n' +
        'tool=$root/var/ipsec-deploy/tx/tool\n' +
        'until read -r pid name <$tool && [ "$pid" = $$ ]; do sleep 0.01; done\n' +
        'rm -f $tool; mkdir $tool\n' +
        'cp $root/usr/real/ipsecconf $root/usr/sbin/ipsecconf; exec $root/usr/sbin/ipsecconf "$@"',
    );
    expect((await session.apply({ ...second, window: 600 })).last).toContain('state=verified');
    ipsecconf();
    expect(fs.statSync(tx('tool')).isDirectory()).toBe(true);
    await letWindowPass(host.state);
    await host.until('the dead-man has reverted', isGone(tx('about')));
    expect(host.picture()).toEqual(before);
    expect(await statusOf('T2')).toContain('state=reverted generation=1');
    session.end();
    await host.untilQuiet();
  });

  it.each(['the dead-man', 'the next look', 'abort', 'the boot guard'])(
    'a confirm that was stopped while it cleared up is finished, not taken back, by %s',
    async (who) => {
      const session = await onGenerationOne();
      await session.apply({ ...second, window: 600 });
      session.send('bye\n');
      await host.until('the session ends', () => session.over);
      if (who !== 'the dead-man' && who !== 'abort') host.killAll();
      const after = host.picture();
      host.write('var/ipsec-deploy/generations/2/confirmed', 'R1 2026-11-22T10:00:00Z\n');
      if (who === 'the dead-man') await letWindowPass(host.state);
      if (who === 'the boot guard') host.bootGuard();
      if (who === 'the next look') await (await host.open()).ask('observe');
      if (who === 'abort') await (await host.open()).ask('abort id=T2');
      await host.until('it is over', isGone(tx('about')));
      expect(host.picture()).toEqual(after);
      expect(await statusOf('T2')).toBe('outcome id=T2 state=confirmed generation=2');
    },
  );

  it('a claim whose maker is between making and writing it is respected', async () => {
    const session = await onGenerationOne();
    const before = host.picture();
    await session.apply(second);
    const other = await host.open();
    fs.writeFileSync(tx('ending'), '');
    other.send('abort id=T2\n');
    // In some shells to sleep is no process that could be looked for.
    const patience = performance.now() + 400;
    const looksAgain = (): boolean => host.processes().some(({ command: line }) => line.startsWith('sleep 1 '));
    await host.until('abort looks again', () => looksAgain() || performance.now() > patience);
    expect(host.read(FILES.policy)).toBe(POLICY_B);
    fs.writeFileSync(
      tx('ending'),
      `reverting ${session.pid} ${fs.readFileSync(tx('about'), 'utf8').trim().split(' ').at(-1)}\n`,
    );
    session.kill();
    for (let line = ''; !line.includes('outcome');) line = await other.line();
    expect(host.picture()).toEqual(before);
  });
});

describe('the way back', () => {
  it('that failed is tried again by one of two who see that at the same time', async () => {
    const session = await onGenerationOne();
    const before = host.picture();
    await session.apply(second);
    session.send('bye\n');
    const failing = replaceTool('ipsecconf', 'exit 1');
    await letWindowPass(host.state);
    await host.until('the revert has failed', () => fs.existsSync(tx('failed')));
    failing();
    // The first of them is held up with what it takes the mark away with, the second in the middle of its way back.
    const hold = `root=${host.root}\ncase $* in *tx/failed*) if mkdir "$root/first" 2>/dev/null; then while [ ! -f "$root/go" ]; do sleep 0.1; done; fi ;; esac\n`;
    for (const name of ['mv', 'rm']) command(name, `${hold}exec /bin/${name} "$@"`);
    const [one, two] = [await host.open(), await host.open()];
    one.send('abort id=T2\n');
    await host.until('the first is held up', () => fs.existsSync(host.path('first')));
    fs.mkdirSync(host.path('usr/real'));
    fs.copyFileSync(host.path('usr/sbin/ipsecconf'), host.path('usr/real/ipsecconf'));
    replaceTool(
      'ipsecconf',
      ': >$root/second; while [ ! -f $root/finish ]; do sleep 0.1; done; exec $root/usr/real/ipsecconf "$@"',
    );
    two.send('abort id=T2\n');
    await host.until('the second is on its way', () => fs.existsSync(host.path('second')));
    host.write('go', '');
    await host.until('the first is past its mark', () =>
      host.processes().every(({ command: line }) => !/\/(mv|rm) .*tx\/failed/.test(line)),
    );
    host.write('finish', '');
    for (const waiting of [one, two]) {
      let line = '';
      while (!line.includes('outcome id=T2')) line = await waiting.line();
      expect(line).toContain('state=reverted generation=1');
    }
    const endings = (host.read('var/ipsec-deploy/history') ?? '').split('\n').filter((line) => line.includes(' T2 '));
    expect(endings.map((line) => line.split(' ')[2])).toEqual(['failed', 'reverted']);
    expect(host.picture()).toEqual(before);
    expect(host.leftovers()).toEqual([]);
    one.end();
    two.end();
    await host.untilQuiet();
  });

  it('is gone on with when it was cut short, and nothing of the first attempt stays', async () => {
    const session = await onGenerationOne();
    const before = host.picture();
    await session.apply(second);
    const svcadm = replaceTool('svcadm', 'echo >>$root/asking; while :; do sleep 0.1; done');
    const first = await host.open();
    first.send('abort id=T2\n');
    await host.until('it hangs', () => host.read('asking') !== undefined);
    svcadm();
    first.kill();
    await host.until('it is killed', isGone(`/proc/${first.pid}`));
    expect((await session.ask('abort id=T2')).last).toContain('state=reverted generation=1');
    expect(host.picture()).toEqual(before);
    session.end();
    await host.untilQuiet();
  });

  it('leaves the SAs of the former file though their listing was empty at the snapshot', async () => {
    const session = await onGenerationOne();
    const before = host.picture();
    fs.copyFileSync(host.path('usr/sbin/ipseckey'), host.path('usr/sbin/ipseckey-real'));
    const ipseckey = replaceTool(
      'ipseckey',
      'case $* in *"-s -") [ -f $root/lied ] || { : >$root/lied; exit 0; } ;; esac\n' +
        'cp $root/usr/sbin/ipseckey-real $root/usr/sbin/ipseckey; exec $root/usr/sbin/ipseckey "$@"',
    );
    expect((await session.apply(second)).last).toMatch(/state=reverted generation=1 step=keys/);
    ipseckey();
    expect(host.picture()).toEqual(before);
  });
});

describe('the proof', () => {
  it('is none when the comparison is ended half-way', async () => {
    await onGenerationOne();
    const before = host.picture();
    command('awk', `case $* in *job=verify*) kill -9 $$ ;; esac\nexec /usr/bin/awk "$@"`);
    const session = await host.open();
    expect((await session.apply(second)).last).toMatch(
      /state=reverted .*step=verify text=the comparison did not come to its end/,
    );
    expect(host.picture()).toEqual(before);
  });

  it('of the boot guard is looked for each time: one that was disabled is enabled', async () => {
    const session = await onGenerationOne();
    host.service('../smf/ipsec-deploy-guard', 'disabled');
    await session.apply(second);
    expect(host.serviceState('ipsec-deploy-guard')).toBe('online');
    expect((await session.ask('abort id=T2')).last).toContain('state=reverted');
  });
});
