/** What the agent does when all goes well, under every shell a host may have. */

import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { KEYS_A, KEYS_AB, KEYS_B, POLICY_A, POLICY_B, ikeConfig, psk } from './support/contents.js';
import { AgentHost, FILES, NONCE, agent, sha256 } from './support/agent-host.js';
import { letWindowPass } from './support/deadman.js';
import { wantedShells } from './support/shells.js';

const shells = wantedShells();
if (process.env['AGENT_SHELLS'] === undefined)
  console.log('under this machine’s sh alone; `npm run test:system` takes all shells');

/** Path, kind, mode, times and content of everything under a folder. */
function tree(folder: string): readonly string[] {
  return fs
    .readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name !== 'calls')
    .sort()
    .map((name) => {
      const stat = fs.lstatSync(join(folder, name));
      const text = stat.isFile() ? sha256(fs.readFileSync(join(folder, name), 'latin1')) : '';
      return `${name} ${stat.mode.toString(8)} ${stat.mtimeMs} ${stat.ctimeMs} ${text}`;
    });
}

const hasDigestTool = process.env['AGENT_TOOLS'] === 'digest';
if (hasDigestTool) console.log('digests of another form skipped: all tests of this project see them');
it.skipIf(hasDigestTool)('understands the digests of Solaris as those of GNU', async () => {
  const host = new AgentHost();
  onTestFinished(async () => expect(await host.dispose()).toEqual([]));
  const real = spawnSync('sh', ['-c', 'command -v sha256sum'], { encoding: 'utf8' }).stdout.trim();
  const script = `#!/bin/sh\nfor file in "$@"; do [ ! -f "$file" ] || { ${real} "$file" | { read -r sum _; echo "sha256 ($file) = $sum"; }; }; done\n`;
  host.write('usr/sbin/sha256sum', script, 0o755);
  const session = await host.open();
  expect((await session.apply({ files: { [FILES.policy]: POLICY_A } })).last).toContain('state=verified');
  expect((await session.ask('abort id=T1')).last).toContain('state=reverted');
  host.write(FILES.policy, POLICY_A);
  expect((await session.ask('observe')).lines).toContain(`sha256 (${FILES.policy}) = ${sha256(POLICY_A)}`);
});

describe.each(shells)('under $name', ({ program }) => {
  let host: AgentHost;
  beforeEach(() => {
    host = new AgentHost(program);
  });
  afterEach(async () => {
    const errors = host.sessions.flatMap(({ heard }) => heard.match(/^stderr.*/gm) ?? []);
    expect(await host.dispose()).toEqual([]);
    expect(errors).toEqual([]);
  });

  const confirm = async (id: string): Promise<void> => {
    const session = await host.open();
    expect((await session.ask(`confirm id=${id} nonce=${NONCE}`)).last).toMatch(/^outcome id=\S+ state=confirmed/);
    session.send('bye\n');
  };

  it('stores itself on first contact, and is found by digest on the next', async () => {
    const first = await host.open();
    expect(first.heard).toContain('ipsec-deploy-agent need\nipsec-deploy-agent ready protocol=1');
    const second = await host.open();
    expect(second.heard).toBe('ipsec-deploy-agent ready protocol=1\n');
    expect(fs.statSync(join(host.state, 'agent', agent.digest)).mode & 0o7777).toBe(0o700);
    expect(fs.statSync(host.state).mode & 0o7777).toBe(0o700);
  });

  it('applies manual keys and policy, confirms over a new connection, and stays the same when asked again', async () => {
    host.write(FILES.policy, '# before\n', 0o644);
    const session = await host.open();
    const before = await session.ask('observe');
    expect(before.records).toContain('generation current=none');
    expect(before.records).toContain('fact name=platform text=solaris-smf');
    const reply = await session.apply({ files: { [FILES.policy]: POLICY_B, [FILES.keys]: KEYS_AB } });
    expect(reply.last).toMatch(/^outcome id=T1 state=verified generation=1 reverts_in=(29|30)$/);
    expect(reply.records.filter((record) => record.includes('state=failed'))).toEqual([]);
    await confirm('T1');

    expect(host.read(FILES.policy)).toBe(POLICY_B);
    expect(fs.statSync(host.path(FILES.keys)).mode & 0o7777).toBe(0o400);
    expect(host.spd()).toEqual(POLICY_B.split('\n').filter((line) => line.startsWith('{')));
    expect(host.sad()).toEqual(KEYS_AB.trim().split('\n'));
    expect(host.serviceState('manual-key')).toBe('online');
    expect(host.leftovers()).toEqual([]);
    await host.until('only the first session is there', () => host.processes().length <= 1);

    const picture = tree(host.root);
    host.forgetCalls();
    const after = await (await host.open()).ask('observe');
    expect(after.records).toContain(
      'generation current=1 run=R1 confirmed=' + (/confirmed=(\S+)/.exec(after.records.join('\n'))?.[1] ?? ''),
    );
    expect(after.lines).toContain('esp 0x1001 10.0.0.2 encr=aes auth=sha256 key=same src=10.0.0.1');
    expect(after.lines).toContainEqual(
      expect.toBeOneOf([`${sha256(POLICY_B)}  ${FILES.policy}`, `sha256 (${FILES.policy}) = ${sha256(POLICY_B)}`]),
    );
    expect(tree(host.root)).toEqual(picture);
    expect(host.calls().filter((call) => / (-a|-f|-F|enable|disable|clear|import)\b/.test(call))).toEqual([]);
  });

  it('knows its own whatever the login has set: short lines of ps, other forms of ls, options of the shell', async () => {
    host.login = { COLUMNS: '10', QUOTING_STYLE: 'c', TIME_STYLE: '+%s', SHELLOPTS: 'noclobber:nounset', ENV: '/none' };
    const session = await host.open();
    expect((await session.apply({ files: { [FILES.policy]: POLICY_A } })).last).toContain('state=verified');
    session.send('bye\n');
    await host.until('the session ends', () => session.over);
    const other = await host.open();
    expect((await other.ask('observe')).records.join('\n')).toContain('transaction id=T1 state=verified');
    expect((await other.ask(`confirm id=T1 nonce=${NONCE}`)).last).toContain('state=confirmed');
    other.send('bye\n');
    await host.untilQuiet();
  });

  it('applies IKE, restarts the daemon, and takes the transaction back on abort', async () => {
    const files = { [FILES.policy]: POLICY_A, [FILES.config]: ikeConfig('one'), [FILES.psk]: psk('c3') };
    const session = await host.open();
    expect((await session.apply({ files, ike: 'start' })).last).toContain('state=verified');
    await confirm('T1');
    const confirmed = host.picture();
    const changed = { ...files, [FILES.config]: ikeConfig('two'), [FILES.policy]: POLICY_B };
    expect((await session.apply({ generation: 2, expect: 1, files: changed, ike: 'restart' })).last).toContain(
      'state=verified',
    );
    expect(host.read('kernel/daemon')).toContain('two');
    const reply = await (await host.open()).ask('abort id=T2');
    expect(reply.last).toMatch(/^outcome id=T2 state=reverted generation=1 step=\S+ text=aborted$/);
    expect(host.picture()).toEqual(confirmed);
    expect(host.leftovers()).toEqual([]);
  });

  it('tells an abort that comes while a revert still clears up that it was reverted', async () => {
    const session = await host.open();
    expect((await session.apply({ files: { [FILES.policy]: POLICY_A } })).last).toContain('state=verified');
    const about = host.read('var/ipsec-deploy/tx/about') ?? '';
    expect((await session.ask('abort id=T1')).last).toContain('state=reverted');
    session.send('bye\n');
    await host.untilQuiet();
    // As it stands for a moment: the first mark is gone, the rest not yet.
    fs.mkdirSync(host.path('var/ipsec-deploy/tx'));
    host.write('var/ipsec-deploy/tx/about', about);
    const late = await (await host.open()).ask('abort id=T1');
    expect(late.last).toMatch(/^outcome id=T1 state=reverted /);
    fs.rmSync(host.path('var/ipsec-deploy/tx'), { recursive: true });
  });

  it('takes back what nobody confirms, first contact included', async () => {
    host.write(FILES.policy, POLICY_A, 0o644);
    host.write('kernel/spd', POLICY_A.split('\n').slice(1).join('\n'));
    const before = host.picture();
    const session = await host.open();
    const reply = await session.apply({ window: 600, files: { [FILES.policy]: POLICY_B, [FILES.keys]: KEYS_A } });
    expect(reply.last).toContain('state=verified');
    await letWindowPass(host.state);
    await host.until('the dead-man has reverted', () => !fs.existsSync(join(host.state, 'tx')));
    expect(host.picture()).toEqual(before);
    const status = await (await host.open()).ask('status id=T1');
    expect(status.records.join('\n')).toMatch(
      /^outcome id=T1 state=reverted generation=none step=confirm text=not confirmed in time$/m,
    );
    expect(host.leftovers()).toEqual([]);
  });

  it('rolls back to a stored generation, baseline included, and retires SAs at confirm', async () => {
    const session = await host.open();
    await session.apply({ files: { [FILES.policy]: POLICY_A, [FILES.keys]: KEYS_A } });
    await confirm('T1');
    await session.apply({ generation: 2, expect: 1, files: { [FILES.policy]: POLICY_B, [FILES.keys]: KEYS_B } });
    expect(host.sad()).toHaveLength(2);
    await confirm('T2');
    expect(host.sad()).toEqual([KEYS_B.trim()]);
    const back = { [FILES.policy]: 1, [FILES.keys]: 1 };
    const spd = POLICY_A.split('\n').filter((line) => line.startsWith('{'));
    expect((await session.apply({ generation: 3, expect: 2, stored: back, spd })).last).toContain('state=verified');
    await confirm('T3');
    expect(host.read(FILES.keys)).toBe(KEYS_A);
    expect(host.spd()).toEqual(spd);
    const gone = await session.apply({ generation: 4, expect: 3, remove: [FILES.policy, FILES.keys], spd: [] });
    expect(gone.last).toContain('state=verified');
    await confirm('T4');
    expect(host.read(FILES.policy)).toBeUndefined();
    expect(host.spd()).toEqual([]);
  });

  it('tells keys only as fingerprints', async () => {
    const session = await host.open();
    await session.apply({
      files: {
        [FILES.policy]: POLICY_A,
        [FILES.keys]: KEYS_A,
        [FILES.config]: ikeConfig('one'),
        [FILES.psk]: psk('c3'),
      },
      ike: 'start',
    });
    await confirm('T1');
    const keys = await session.ask(`fingerprints path=${FILES.keys} salt=fleet`);
    const print = (key: string): string => sha256(`fleet\n${key}\n`).slice(0, 16);
    expect(keys.records.slice(1, -1)).toEqual([
      `key kind=sa type=esp spi=0x1001 dst=10.0.0.2 part=encr bits=256 fingerprint=${print('a1'.repeat(32))}`,
      `key kind=sa type=esp spi=0x1001 dst=10.0.0.2 part=auth bits=256 fingerprint=${print('a1'.repeat(32))}`,
    ]);
    const psks = await session.ask(`fingerprints path=${FILES.psk} salt=fleet`);
    expect(psks.records.slice(1, -1)).toEqual([
      `key kind=psk local=10.0.0.1 remote=10.0.0.2 bits=256 fingerprint=${print('c3'.repeat(32))}`,
    ]);
    expect((await session.ask(`read path=${FILES.keys}`)).lines).toContain(
      KEYS_A.trim().replaceAll('a1'.repeat(32), '[key]'),
    );
    expect((await session.ask(`read path=${FILES.psk}`)).lines).toContain(
      psk('[key]').trim().replace('[key]'.repeat(32), '[key]'),
    );
    expect((await session.ask(`read path=${FILES.policy}`)).lines.slice(1, -2).join('\n')).toBe(POLICY_A.trim());
    expect((await session.ask('read path=/etc/passwd')).last).toContain('error');
    expect((await session.ask('generation number=1')).lines.join('\n')).toContain(POLICY_A);
    expect(session.heard).not.toMatch(/(a1){8}|(c3){8}/);
    expect(host.leftovers()).toEqual([]);
  });

  it('gives a whole key file to an import alone, byte for byte, and leaves nothing behind', async () => {
    const text = `# r\u00e9sum\u00e9 \\n %s\n\n${KEYS_A}no last newline`;
    host.write(FILES.keys, text, 0o400);
    host.write('etc/inet/hosts', '10.0.0.1 web1\n', 0o644);
    const session = await host.open();
    const { lines, last } = await session.ask(`collect path=${FILES.keys}`);
    expect(lines.slice(1, -1).join('\n')).toBe(text);
    expect(last).toBe('end collected status=0');
    expect((await session.ask(`collect path=${FILES.psk}`)).last).toBe('end collected status=1');
    expect((await session.ask('collect path=/etc/shadow')).last).toContain('error');
    expect((await session.ask('surroundings')).lines).toContain('10.0.0.1 web1');
    expect(host.leftovers()).toEqual([]);
  });
});
