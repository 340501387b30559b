/** The shipped agent behind a real OpenSSH server: observed, changed, confirmed over a new connection, and cut off. */

import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Observation, StepReport, TransactionRequest } from '../../../controller/model/observation.js';
import { Secret } from '../../../controller/model/secret.js';
import { HostLinkError } from '../../../controller/ports.js';
import type { HostLink } from '../../../controller/ports.js';
import { createHostLink } from '../../../controller/remote/agent-link.js';
import { POLICY_A, POLICY_B, RULE, psk } from '../../agent/support/contents.js';
import { AgentHost, FILES, NONCE, agent, sha256 } from '../../agent/support/agent-host.js';
import { scratch, startSshd } from './openssh.js';
import type { OpenSsh, SshdScript } from './openssh.js';

const link: HostLink = createHostLink({ agent, env: {}, randomBytes, log: { event: () => undefined } });

async function hostBehindSshd(script: SshdScript = {}): Promise<{ scratchHost: AgentHost; sshd: OpenSsh }> {
  const scratchHost = new AgentHost();
  onTestFinished(async () => {
    expect(await scratchHost.dispose()).toEqual([]);
  });
  const sshd = await startSshd({ ...script, env: { ...scratchHost.env(), ...script.env } });
  return { scratchHost, sshd };
}

/** From what was observed to policy B with one PSK. */
function change(seen: Observation, id: string): TransactionRequest {
  const texts = { [FILES.policy]: POLICY_B, [FILES.psk]: psk('c3') };
  return {
    id,
    nonce: NONCE,
    windowSeconds: 60,
    generation: (seen.generation ?? 0) + 1,
    expectGeneration: seen.generation,
    run: 'R1',
    keepGenerations: 10,
    steps: ['read', 'chmod', 'policy'],
    ike: 'none',
    expectFiles: seen.files.map(({ path, sha256 }) => ({ path, sha256 })),
    expectSpd: sha256(seen.spd.map((rule) => `${rule}\n`).join('')),
    files: Object.entries(texts).map(([path, text]) => ({
      kind: 'send',
      path,
      mode: '0400',
      sha256: sha256(text),
      text: Secret.fromText(text),
    })),
    spd: [RULE.sshIn, RULE.sshOut, RULE.web, RULE.esp],
    manifest: {
      generation: (seen.generation ?? 0) + 1,
      run: 'R1',
      made: '2026-11-22T10:15:00Z',
      files: Object.entries(texts).map(([path, text]) => ({ path, mode: '0400', sha256: sha256(text) })),
      keys: [{ id: 'psk:db1--web1', part: 'psk', bits: 256, fingerprint: '0123456789abcdef' }],
    },
  };
}

test('a host is changed, confirmed over a new connection, and observed as it was left', async () => {
  const { scratchHost, sshd } = await hostBehindSshd({ config: ['MaxSessions 1'] });
  scratchHost.write(FILES.policy, POLICY_A);
  const first = await link.open(sshd.hostAt());
  const before = await first.observe();
  expect(before).toMatchObject({ generation: undefined, manifest: undefined, daemonRunning: false });
  expect(before.facts.get('platform')).toBe('solaris-smf');
  expect(before.services.get('network/ipsec/policy')).toBe('online');
  expect(before.files).toContainEqual(
    expect.objectContaining({ path: FILES.policy, sha256: sha256(POLICY_A), mode: '0600' }),
  );

  const steps: StepReport[] = [];
  const request = change(before, 'T1');
  const applied = await first.transact(request, (step) => steps.push(step));
  expect(applied, JSON.stringify(steps)).toMatchObject({ state: 'verified', id: 'T1', generation: 1 });
  const failed = steps.filter(({ state }) => state === 'failed');
  expect(failed).toEqual([]);
  await first.close();

  const second = await link.open(sshd.hostAt());
  expect(await second.confirm('T1', NONCE, () => undefined)).toEqual({ state: 'confirmed', id: 'T1', generation: 1 });
  const after = await second.observe();
  expect(after).toMatchObject({ generation: 1, run: 'R1', manifest: request.manifest, spd: request.spd });
  expect(after.openTransaction).toBeUndefined();
  expect(after.files).toContainEqual(
    expect.objectContaining({ path: FILES.psk, mode: '0400', sha256: sha256(psk('c3')) }),
  );

  expect(await second.read(FILES.policy)).toBe(POLICY_B);
  expect(await second.read(FILES.psk)).toContain('[key]');
  await expect(second.read('/etc/passwd')).rejects.toThrow(HostLinkError);
  const salt = 'salt';
  const [key] = await second.fingerprints(FILES.psk, salt);
  expect(key).toMatchObject({ kind: 'psk', bits: 256, fingerprint: Secret.fromHex('c3'.repeat(32)).fingerprint(salt) });
  expect((await second.generation(1)).manifest).toEqual(request.manifest);
  expect(await second.status('T1')).toMatchObject({
    generation: 1,
    openTransaction: undefined,
    outcome: { state: 'confirmed', id: 'T1', generation: 1 },
  });
  expect(await second.status('T9')).toMatchObject({ outcome: { state: 'unknown' } });
  await second.close();
  await scratchHost.untilQuiet();
});

test('a transaction whose connection broke is found by its id, extended and aborted', async () => {
  const { scratchHost, sshd } = await hostBehindSshd();
  scratchHost.write(FILES.policy, POLICY_A);
  const first = await link.open(sshd.hostAt());
  expect(await first.transact(change(await first.observe(), 'T1'), () => undefined)).toMatchObject({
    state: 'verified',
  });
  await first.close();
  const second = await link.open(sshd.hostAt());
  expect(await second.status('T1')).toMatchObject({ openTransaction: { id: 'T1', generation: 1 } });
  expect(await second.extend('T1', 100)).toMatchObject({ state: 'verified', id: 'T1' });
  await expect(second.confirm('T1', 'wrong', () => undefined)).rejects.toThrow(
    'the nonce is not that of transaction T1',
  );
  expect(await second.abort('T1', () => undefined)).toMatchObject({ state: 'reverted', id: 'T1' });
  expect(await second.read(FILES.policy)).toBe(POLICY_A);
  await second.close();
  await scratchHost.untilQuiet();
});

test('what a login shell prints before the agent is no harm', async () => {
  const folder = await scratch();
  const noise = join(folder, 'noise');
  await writeFile(
    noise,
    'echo "Last login: yesterday"; echo "0123456789abcdef0123456789abcdef stale"; printf "no newline"\n',
  );
  const { sshd } = await hostBehindSshd({ env: { BASH_ENV: noise, ENV: noise } });
  const session = await link.open(sshd.hostAt());
  expect((await session.observe()).facts.get('platform')).toBe('solaris-smf');
  await session.close();
});

test('a forced command is refused with a hint', async () => {
  const { sshd } = await hostBehindSshd({ config: ['ForceCommand echo no shell for you'] });
  await expect(link.open(sshd.hostAt())).rejects.toMatchObject({
    failure: { kind: 'agent', todo: expect.stringContaining('no forced command') },
  });
});

test('a host without pfexec is told as a lack of privilege', async () => {
  const { sshd } = await hostBehindSshd();
  await expect(link.open(sshd.hostAt({ privilege: 'pfexec' }))).rejects.toMatchObject({
    failure: { kind: 'privilege', reason: expect.stringContaining('pfexec') },
  });
});

test('an sshd that dies in the middle of the conversation is a lost connection', async () => {
  const { sshd, scratchHost } = await hostBehindSshd();
  const session = await link.open(sshd.hostAt());
  await session.observe();
  // The agent's own shell is all of the session that can be named by the test: with it the channel ends.
  scratchHost.killAll();
  await expect(session.observe()).rejects.toMatchObject({ failure: { kind: 'lost' } });
});
