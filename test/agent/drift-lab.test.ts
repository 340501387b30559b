/** What `drift` tells of lab hosts that somebody has laid hands on. */

import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startLab } from '../../controller/lab/lab.js';
import type { Lab } from '../../controller/lab/lab.js';
import type { Fault } from '../../controller/lab/tools/faults.js';
import { parseAddress } from '../../controller/model/address.js';
import type { DriftReport } from '../../controller/model/observation.js';
import { FILES, NONCE, Session, agent } from './support/agent-host.js';
import { POLICY_A, ikeConfig, sa } from './support/contents.js';
import { driftOf, fullPicture } from './support/drift-report.js';
import { one } from './support/generations.js';

let folder: string;
let lab: Lab;
const host = () => lab.host('web1');
const path = (file: string): string => join(host().root, file);
const state = (file: string): string => path(`/var/ipsec-deploy/${file}`);
const policyRules = POLICY_A.split('\n').filter((line) => line.startsWith('{'));

async function open(mode: readonly string[]): Promise<Session> {
  const view = {
    state: state(''),
    read: (file: string) => (fs.existsSync(path(file)) ? fs.readFileSync(path(file), 'utf8') : undefined),
    spd: () => [],
  };
  const session = new Session(view, host().start(['/bin/sh', '-s', '--', agent.digest, ...mode]));
  await session.start();
  return session;
}

/** One look, in which nothing under the host's root changes: that is asked for each time. */
async function look(): Promise<DriftReport> {
  const before = fullPicture(host().root);
  const session = await open(['readonly']);
  const report = await driftOf(session);
  expect(session.heard).not.toMatch(/(a1|b2|c3|d4){8}|stderr/);
  session.send('bye\n');
  expect(fullPicture(host().root)).toEqual(before);
  return report;
}

/** The same while a command of the host does wrong. */
async function lookWith(tool: string, fault: Fault): Promise<DriftReport> {
  const placed = host().machine.faults.place({ tool, fault });
  try {
    return await look();
  } finally {
    placed.release();
  }
}

async function run(...argv: string[]): Promise<void> {
  const child = host().start(argv);
  child.stdin.end();
  child.stdout.resume();
  child.stderr.resume();
  await new Promise((resolve) => child.once('close', resolve));
  await host().machine.idle();
}

/** Runs the test with a file that is different for its time. */
async function withFile(file: string, text: string, check: () => Promise<void>, mode = 0o400): Promise<void> {
  const there = fs.existsSync(file) ? { text: fs.readFileSync(file), mode: fs.statSync(file).mode } : undefined;
  fs.mkdirSync(dirname(file), { recursive: true });
  fs.rmSync(file, { force: true });
  fs.writeFileSync(file, text, { mode });
  try {
    await check();
  } finally {
    fs.rmSync(file, { force: true });
    if (there !== undefined) fs.writeFileSync(file, there.text, { mode: there.mode });
  }
}

beforeAll(async () => {
  folder = fs.mkdtempSync(join(tmpdir(), 'agent-drift-'));
  const address = parseAddress('10.0.0.1');
  if (address === undefined) throw new Error('address');
  lab = await startLab({ folder, hosts: [{ name: 'web1', addresses: [address] }] });
  const session = await open([]);
  const spd = policyRules.flatMap((line) => [line, line]);
  expect((await session.apply({ files: one, spd, ike: 'start' })).last, session.heard).toContain('state=verified');
  expect((await session.ask(`confirm id=T1 nonce=${NONCE}`)).last).toContain('state=confirmed');
  session.send('bye\n');
});
afterAll(async () => {
  await lab.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

describe('a look for drift on a lab host', () => {
  it('finds nothing amiss where nothing is', async () => {
    const report = await look();
    expect(report).toMatchObject({
      generation: 1,
      settled: true,
      leftovers: [],
      keepers: [],
      guard: { scriptIsShipped: true, manifest: 'same' },
      daemon: {
        state: 'running',
        phase1: { current: 0, total: 0, attempted: 0, failed: 0 },
        rules: [{ label: 'one', state: 'same' }],
        peers: [],
      },
    });
    expect(report.sad.map(({ key, hard }) => [key, hard])).toEqual([['same', undefined]]);
    const policy = report.serviceDetails.get('network/ipsec/policy');
    expect(policy).toMatchObject({ enabled: true, configFile: FILES.policy });
    expect(Math.abs(Date.parse(policy?.since ?? '') - Date.parse(report.time))).toBeLessThan(60_000);
  });

  it('tells what a file is instead of a plain one, its links, mode and time', async () => {
    fs.renameSync(path(FILES.config), path('/etc/inet/ike/real'));
    fs.symlinkSync('real', path(FILES.config));
    fs.chmodSync(path(FILES.policy), 0o644);
    fs.linkSync(path(FILES.policy), path('/etc/inet/another-name'));
    fs.utimesSync(path(FILES.policy), 1_700_000_000, 1_700_000_000);
    try {
      const files = new Map((await look()).files.map((file) => [file.path, file]));
      expect(files.get(FILES.config)).toMatchObject({ type: 'link', linkTo: 'real' });
      expect(files.get(FILES.policy)).toMatchObject({ mode: '0644', links: 2, modified: '2023-11-14T22:13:20Z' });
    } finally {
      fs.renameSync(path('/etc/inet/ike/real'), path(FILES.config));
      fs.rmSync(path('/etc/inet/another-name'));
      fs.chmodSync(path(FILES.policy), 0o400);
    }
  });

  it('names what does not belong where it lies, however it is named', async () => {
    const odd = [
      '/etc/inet/secret/ipseckeys.bak',
      '/etc/inet/.ipsec-deploy/ipsecinit.conf',
      '/var/ipsec-deploy/notes',
      '/var/ipsec-deploy/agent/new.77',
      '/var/ipsec-deploy/generations/9/manifest',
      '/var/ipsec-deploy/two\nlines of $(it)',
    ];
    for (const file of [...odd, '/etc/inet/ike/config.sample']) {
      fs.mkdirSync(dirname(path(file)), { recursive: true });
      fs.writeFileSync(path(file), 'add esp spi 1 dst 10.0.0.2 encrkey a1a1a1a1a1a1a1a1\n', { mode: 0o600 });
    }
    try {
      const { leftovers } = await look();
      expect(leftovers.map(({ kind, path: name, file }) => `${kind} ${name} ${file?.type ?? '-'}`).sort()).toEqual([
        'copy /etc/inet/secret/ipseckeys.bak file',
        'staged /etc/inet/.ipsec-deploy folder',
        'staged /etc/inet/.ipsec-deploy/ipsecinit.conf file',
        'state /var/ipsec-deploy/? -',
        'state /var/ipsec-deploy/agent/new.77 file',
        'state /var/ipsec-deploy/generations/9 folder',
        'state /var/ipsec-deploy/notes file',
      ]);
    } finally {
      for (const file of odd) fs.rmSync(path(file), { force: true });
      for (const name of ['/etc/inet/.ipsec-deploy', '/var/ipsec-deploy/generations/9']) fs.rmdirSync(path(name));
      fs.rmSync(path('/etc/inet/ike/config.sample'));
    }
  });

  it('sees that the boot guard was edited, and that the state folder is open', async () => {
    fs.chmodSync(state(''), 0o755);
    await withFile(state('agent/boot'), 'exit 0\n', async () =>
      withFile(state('agent/boot-guard.xml'), '<service_bundle/>\n', async () => {
        const report = await look();
        expect(report.guard).toMatchObject({ scriptIsShipped: false, manifest: 'differs' });
        expect(report.guard.script).toMatch(/^[0-9a-f]{64}$/);
        expect(report.stateFolder.mode).toBe('0755');
      }),
    );
    fs.chmodSync(state(''), 0o700);
  });

  it('runs nothing from a state folder that somebody has put a link in place of', async () => {
    fs.renameSync(state(''), path('/var/elsewhere'));
    fs.symlinkSync('elsewhere', path('/var/ipsec-deploy'));
    try {
      expect((await look()).stateFolder).toMatchObject({ type: 'link', linkTo: 'elsewhere' });
    } finally {
      fs.rmSync(path('/var/ipsec-deploy'));
      fs.renameSync(path('/var/elsewhere'), state(''));
    }
  });

  it('tells services, the files they read, and the log of one in maintenance without keys', async () => {
    await run('svcadm', 'mark', 'maintenance', 'network/ipsec/manual-key');
    await run('svccfg', '-s', 'network/ipsec/policy', 'setprop', 'config/config_file', '=', '/etc/elsewhere');
    await run('svcadm', 'disable', '-t', 'network/ipsec/ike');
    await run('svcadm', 'refresh', 'network/ipsec/policy');
    fs.appendFileSync(path('/var/svc/log/network-ipsec-manual-key:default.log'), `bad ${'a1'.repeat(32)}\n`);
    const report = await look();
    expect(report.services.get('network/ipsec/manual-key')).toBe('maintenance');
    expect(report.logs.map(({ service }) => service)).toEqual(['network/ipsec/manual-key:default']);
    expect(report.logs[0]?.lines.at(-1)).toBe('bad [masked]');
    expect(report.serviceDetails.get('network/ipsec/policy')?.configFile).toBe('/etc/elsewhere');
    expect(report.services.get('network/ipsec/ike')).toBe('disabled');
    expect(report.daemon).toMatchObject({ state: 'absent', rules: [] });
    await run('svccfg', '-s', 'network/ipsec/policy', 'setprop', 'config/config_file', '=', FILES.policy);
    await run('svcadm', 'clear', 'network/ipsec/manual-key');
    await run('svcadm', 'clear', 'network/ipsec/policy');
    await run('svcadm', 'refresh', 'network/ipsec/policy');
    await run('svcadm', 'enable', 'network/ipsec/ike');
  });

  it('says when an SA of the key file will be gone, and which have limits', async () => {
    const limited = sa('0x2001', '10.0.0.9', 'd4').replace('\n', ' hard_addtime 3600 soft_addtime 3000\n');
    const negotiated = sa('0x2002', '10.0.0.2', 'b2').replace('\n', ' hard_addtime 28800 hard_bytes 1000000\n');
    await withFile(path(FILES.keys), one[FILES.keys] + limited, async () =>
      withFile(path('/tmp/more'), limited + negotiated, async () => {
        await run('ipseckey', '-f', path('/tmp/more'));
        const sad = new Map((await look()).sad.map((entry) => [entry.spi, entry]));
        expect(sad.get('0x1001')).not.toHaveProperty('hard');
        expect(sad.get('0x2001')).toMatchObject({ key: 'same', hard: { addSeconds: 3600 } });
        expect(sad.get('0x2001')?.expiresInSeconds).toBeGreaterThan(3500);
        expect(sad.get('0x2002')).toMatchObject({ key: 'unlisted', hard: { addSeconds: 28_800, bytes: 1_000_000 } });
      }),
    );
    await run('ipseckey', 'delete', 'esp', 'spi', '0x2001', 'dst', '10.0.0.9');
    await run('ipseckey', 'delete', 'esp', 'spi', '0x2002', 'dst', '10.0.0.2');
  });

  it('sees a daemon whose rules are not those of its file', async () => {
    const other = ikeConfig('one').replace('10.0.0.2', '10.0.0.3') + ikeConfig('new');
    await withFile(path(FILES.config), other, async () => {
      expect((await look()).daemon?.rules).toEqual([
        { label: 'one', state: 'differs' },
        { label: 'new', state: 'missing' },
      ]);
    });
    await withFile(path(FILES.config), ikeConfig('renamed'), async () => {
      expect((await look()).daemon?.rules).toEqual([
        { label: 'one', state: 'extra' },
        { label: 'renamed', state: 'missing' },
      ]);
    });
  });

  it('sees phase 1 up with a peer of which the kernel has no SA, and that it has when it has', async () => {
    const peer = { local: '10.0.0.1', remote: '10.0.0.2', phase1: 1 };
    expect((await lookWith('ikeadm', { kind: 'out-of-step' })).daemon).toMatchObject({
      phase1: { current: 1 },
      peers: [{ ...peer, sasOut: 0, sasIn: 0 }],
    });
    const lines = [
      sa('0x3001', '10.0.0.2', 'b2'),
      sa('0x3002', '10.0.0.1', 'b2').replace('src 10.0.0.1', 'src 10.0.0.2'),
    ].map((line) => line.replace('\n', ' hard_addtime 28800\n'));
    await withFile(path('/tmp/more'), lines.join(''), () => run('ipseckey', '-f', path('/tmp/more')));
    expect((await lookWith('ikeadm', { kind: 'out-of-step' })).daemon?.peers).toEqual([
      { ...peer, sasOut: 1, sasIn: 1 },
    ]);
  });

  it('tells a daemon that does not answer from one that is not there', async () => {
    expect((await lookWith('ikeadm', { kind: 'fail' })).daemon?.state).toBe('absent');
    // The word of timeout(1) for a command it had to end, without the wait.
    await withFile(
      path('/usr/sbin/timeout'),
      '#!/bin/sh\nexit 124\n',
      async () => {
        expect((await look()).daemon?.state).toBe('hangs');
      },
      0o755,
    );
  });
});
