/** What `privileges` prints, set up for a real login without privileges behind a real sshd and a real sudo: enough for the agent, and no more. */

import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { agentFolder } from '../../../controller/cli/package-files.js';
import type { SshSettings } from '../../../controller/model/host.js';
import type { Observation, TransactionRequest } from '../../../controller/model/observation.js';
import type { HostLink } from '../../../controller/ports.js';
import { createHostLink } from '../../../controller/remote/agent-link.js';
import type { AgentScript } from '../../../controller/remote/agent-link.js';
import { entryScript } from '../../../controller/remote/agent-entry.js';
import { privilegeParts, type HostPart } from '../../../controller/report/privileges-text.js';
import { POLICY_A } from '../../agent/support/contents.js';
import { AgentHost, FILES, agent, sha256 } from '../../agent/support/agent-host.js';
import { startSshd, type OpenSsh } from './openssh.js';

const run = promisify(execFile);
const USER = `ipsecdep${process.pid}`;
const SUDOERS = `/etc/sudoers.d/${USER}`;

function linkWith(script: AgentScript): HostLink {
  return createHostLink({ agent: script, env: {}, randomBytes, log: { event: () => undefined } });
}

interface Prepared {
  readonly scratchHost: AgentHost;
  readonly sshd: OpenSsh;
  readonly path: string;
  readonly settings: Partial<SshSettings>;
  readonly parts: readonly HostPart[];
}

const textOf = (parts: readonly HostPart[], part: HostPart['part']): string =>
  parts.find((one) => one.part === part)?.text ?? '';

/** The entry is where everybody may enter, and only root may write. */
async function prepare(allowImport = false): Promise<Prepared> {
  const scratchHost = new AgentHost();
  const folder = fs.mkdtempSync(join(tmpdir(), 'entry-'));
  onTestFinished(async () => {
    fs.rmSync(folder, { recursive: true, force: true });
    // A session that was broken off needs its moment to end.
    await vi.waitFor(() => expect(processesWith(folder)).toEqual([]), { timeout: 15_000 });
    expect(await scratchHost.dispose()).toEqual([]);
  });
  fs.chmodSync(folder, 0o755);
  const path = join(folder, 'agent-entry');
  const entry = entryScript({
    parts: { entry: fs.readFileSync(join(agentFolder, 'entry.sh'), 'utf8'), loader: agent.loader },
    digest: agent.digest,
    path,
    become: 'sudo',
    shell: '/bin/sh',
    allowImport,
    root: scratchHost.root,
  });
  fs.writeFileSync(path, entry, { mode: 0o755 });
  const sshd = await startSshd();
  const publicKey = fs.readFileSync(`${sshd.clientKeyFile}.pub`, 'utf8').trim();
  const parts = privilegeParts({
    host: 'db1',
    address: '127.0.0.1',
    port: sshd.port,
    jumps: [],
    user: USER,
    become: 'sudo',
    platform: 'solaris-smf',
    path,
    digest: agent.digest,
    entry,
    sources: ['127.0.0.0/8'],
    publicKey,
    inventoryKnows: true,
  });
  fs.writeFileSync(SUDOERS, textOf(parts, 'sudoers'), { mode: 0o440 });
  // sshd reads the keys as the user.
  fs.chmodSync(sshd.folder, 0o755);
  fs.chmodSync(join(sshd.folder, 'authorized_keys'), 0o644);
  return { scratchHost, sshd, path, settings: { user: USER, privilege: 'sudo', entry: path }, parts };
}

function processesWith(word: string): readonly string[] {
  return fs.readdirSync('/proc').flatMap((name) => {
    try {
      const command = fs.readFileSync(`/proc/${name}/cmdline`, 'latin1').replaceAll('\0', ' ');
      return /^\d+$/.test(name) && command.includes(word) ? [command] : [];
    } catch {
      return [];
    }
  });
}

/** A command of the user's own, over the same sshd with the same key. */
async function ssh(sshd: OpenSsh, ...words: readonly string[]): Promise<string> {
  const options = ['-F', 'none', '-i', sshd.clientKeyFile, '-p', String(sshd.port), '-o', 'BatchMode=yes'];
  const known = ['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR'];
  const ended = await run('ssh', [...options, ...known, `${USER}@127.0.0.1`, ...words], { timeout: 20_000 }).catch(
    (error: unknown) => error as { stdout: string; stderr: string },
  );
  return `${ended.stdout}${ended.stderr}`;
}

beforeAll(() => {
  if (process.getuid?.() !== 0) throw new Error('this test makes a user: run it as root');
  if (spawnSync('sudo', ['--version']).status !== 0) throw new Error('sudo is missing: apt-get install sudo');
  execFileSync('useradd', ['--no-create-home', '--home-dir', '/', '--shell', '/bin/sh', '--password', '*', USER]);
});
afterAll(() => {
  fs.rmSync(SUDOERS, { force: true });
  execFileSync('userdel', ['--force', USER], { stdio: 'ignore' });
});

/** A transaction that keeps all as it is. */
function unchanged(seen: Observation, id: string, windowSeconds: number): TransactionRequest {
  const generation = (seen.generation ?? 0) + 1;
  return {
    id,
    nonce: 'a1b2c3d4e5f60718',
    windowSeconds,
    generation,
    expectGeneration: seen.generation,
    run: 'R1',
    keepGenerations: 10,
    steps: ['read', 'chmod'],
    ike: 'none',
    expectFiles: seen.files.map((file) => ({ path: file.path, sha256: file.sha256 })),
    expectSpd: sha256(seen.spd.map((rule) => `${rule}\n`).join('')),
    files: [{ kind: 'keep', path: FILES.policy, mode: '0400', sha256: sha256(POLICY_A) }],
    spd: seen.spd,
    manifest: { generation, run: 'R1', made: '2026-11-22T10:15:00Z', files: [], keys: [] },
  };
}

test('what such a login began and did not confirm is taken back by the host itself', async () => {
  const { scratchHost, sshd, settings } = await prepare();
  scratchHost.write(FILES.policy, POLICY_A, 0o400);
  scratchHost.write('kernel/spd', POLICY_A.replace(/^#.*\n/m, ''));
  const session = await linkWith(agent).open(sshd.hostAt(settings));
  const begun = await session.transact(unchanged(await session.observe(), 'T1', 1), () => undefined);
  expect(['verified', 'reverted']).toContain(begun.state);
  await session.close();
  const history = join(scratchHost.state, 'history');
  await vi.waitFor(() => expect(fs.readFileSync(history, 'utf8')).toContain('text=not confirmed in time'), 20_000);
  await scratchHost.untilQuiet();
});

test('a login without privileges applies, is confirmed over a new connection, and looks for drift', async () => {
  const { scratchHost, sshd, settings, parts } = await prepare();
  expect(() => execFileSync('visudo', ['-cqf', SUDOERS])).not.toThrow();
  expect(textOf(parts, 'sudoers')).toContain('!log_input, !log_output');
  scratchHost.write(FILES.policy, POLICY_A, 0o400);
  scratchHost.write('kernel/spd', POLICY_A.replace(/^#.*\n/m, ''));
  const link = linkWith(agent);
  const first = await link.open(sshd.hostAt(settings));
  const seen = await first.observe();
  const nonce = 'a1b2c3d4e5f60718';
  const applied = await first.transact(unchanged(seen, 'T1', 60), () => undefined);
  expect(applied, JSON.stringify(applied)).toMatchObject({ state: 'verified' });
  await first.close();
  const second = await link.open(sshd.hostAt(settings));
  expect(await second.confirm('T1', nonce, () => undefined)).toMatchObject({ state: 'confirmed' });
  await expect(second.collect(FILES.policy)).rejects.toThrow('this login may not read whole key files');
  await second.close();
  const look = await link.open(sshd.hostAt(settings), { readOnly: true });
  expect((await look.drift()).generation).toBe(1);
  await look.close();
});

test('sudo allows that command and no other, whatever comes after it', async () => {
  const { sshd, path } = await prepare();
  const refused = /a password is required|not allowed/;
  expect(await ssh(sshd, 'sudo', '-n', '/bin/sh', '-c', 'id')).toMatch(refused);
  expect(await ssh(sshd, 'sudo', '-n', path)).toMatch(refused);
  expect(await ssh(sshd, 'sudo', '-n', path, 'forced')).toMatch(refused);
  expect(await ssh(sshd, 'sudo', '-n', path, sha256('another'))).toMatch(refused);
  expect(await ssh(sshd, 'sudo', '-n', path, agent.digest, 'readonly', 'more')).toMatch(refused);
  expect(await ssh(sshd, 'sudo', '-n', 'IPSEC_AGENT_ROOT=/tmp', path, agent.digest)).toMatch(refused);
  expect(fs.statSync(path)).toMatchObject({ uid: 0, mode: 0o100755 });
});

test('another text than the agent is not run, even if the login sends it', async () => {
  const { scratchHost, sshd, settings } = await prepare();
  const planted = join(scratchHost.base, 'planted');
  const forged = linkWith({ ...agent, text: `touch ${planted}\n${agent.text}` });
  await expect(forged.open(sshd.hostAt(settings))).rejects.toMatchObject({
    failure: { reason: expect.stringContaining('did not arrive as it was sent') },
  });
  await expect(forged.open(sshd.hostAt(settings), { readOnly: true })).rejects.toMatchObject({
    failure: { reason: expect.stringContaining('did not arrive as it was sent') },
  });
  expect(fs.existsSync(planted)).toBe(false);
});

test('the key with the forced command talks to the agent, and to nothing else', async () => {
  const { sshd, settings, parts, path } = await prepare();
  fs.writeFileSync(join(sshd.folder, 'authorized_keys'), textOf(parts, 'key'));
  const session = await linkWith(agent).open(sshd.hostAt(settings));
  expect((await session.observe()).facts.get('user')).toBe('0');
  await session.close();
  const only = 'ipsec-deploy-agent refused code=entry text=this key may only talk to the agent';
  expect(await ssh(sshd, 'id')).toContain(only);
  expect(await ssh(sshd, 'sudo', '-n', path, agent.digest, ';', 'id')).not.toContain('uid=');
  expect(await ssh(sshd, 'sudo', '-n', path, `${agent.digest}\nid`)).not.toContain('uid=');
  expect(await ssh(sshd, '-tt', 'true')).toContain('PTY allocation request failed');
  expect(await ssh(sshd, '-W', '127.0.0.1:22')).toMatch(/administratively prohibited|forwarding failed|refused/);
  const direct = await linkWith(agent)
    .open(sshd.hostAt({ user: USER, privilege: 'sudo' }))
    .catch((error: unknown) => String(error));
  expect(direct).toContain('this key may only talk to the agent');
});

test('an entry of another version says what to do', async () => {
  const { sshd, settings, parts } = await prepare();
  fs.writeFileSync(join(sshd.folder, 'authorized_keys'), textOf(parts, 'key'));
  const text = agent.text.replace('\n#@end\n', '\n# newer\n#@end\n');
  const newer = linkWith({ ...agent, text, digest: sha256(text) });
  await expect(newer.open(sshd.hostAt(settings))).rejects.toMatchObject({
    failure: { reason: expect.stringContaining('install what ipsec-deploy privileges prints now') },
  });
});

test('nothing of the caller’s environment reaches the agent, as pfexec would hand it over', async () => {
  const { scratchHost, path } = await prepare();
  const noise = join(scratchHost.base, 'noise');
  fs.writeFileSync(noise, `touch ${scratchHost.base}/sourced\n`);
  // Stored before, so that all can be said at once.
  fs.mkdirSync(join(scratchHost.state, 'agent'), { recursive: true, mode: 0o700 });
  fs.writeFileSync(join(scratchHost.state, 'agent', agent.digest), agent.text, { mode: 0o700 });
  const env = {
    ENV: noise,
    BASH_ENV: noise,
    IPSEC_AGENT_ROOT: '/nonexistent',
    IPSEC_AGENT_SHELL: noise,
    KSH_VERSION: '93',
    PATH: scratchHost.base,
    IFS: '/',
    NO_COLLECT: '',
    READONLY: '',
    ENTRY_ROOT: '/nonexistent',
  };
  const ended = spawnSync(path, [agent.digest, 'readonly'], {
    env,
    encoding: 'utf8',
    input: `session mark=0123456789abcdef protocol=1\nobserve\ncollect path=${FILES.policy}\nbye\n`,
  });
  expect(ended.stdout).toContain('0123456789abcdef end observe');
  expect(ended.stdout).toContain('this login may not read whole key files');
  expect(fs.existsSync(join(scratchHost.base, 'sourced'))).toBe(false);
  for (const words of [[], ['0'.repeat(64)], [agent.digest, 'more'], ['ipsec-deploy-entry', path, agent.digest]])
    expect(spawnSync(path, words, { env, encoding: 'utf8', input: '' }).stdout).toMatch(/^ipsec-deploy-agent refused /);
});

test('an entry that allows it lets import read whole files', async () => {
  const { scratchHost, sshd, settings } = await prepare(true);
  scratchHost.write(FILES.policy, POLICY_A, 0o400);
  const session = await linkWith(agent).open(sshd.hostAt(settings));
  expect(Buffer.from((await session.collect(FILES.policy))?.reveal() ?? '').toString()).toBe(POLICY_A);
  await session.close();
});
