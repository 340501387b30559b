/** One small change of a host behind a real sshd, from the first look to the confirmation over a new connection. */

import { expect } from 'vitest';
import type { Host } from '../../../controller/model/host.js';
import type { Observation, TransactionRequest } from '../../../controller/model/observation.js';
import { Secret } from '../../../controller/model/secret.js';
import type { HostLink } from '../../../controller/ports.js';
import { POLICY_A, POLICY_B, RULE } from '../../agent/support/contents.js';
import { FILES, NONCE, sha256 } from '../../agent/support/agent-host.js';
import type { AgentHost } from '../../agent/support/agent-host.js';

export function toPolicyB(seen: Observation, id: string): TransactionRequest {
  const file = { path: FILES.policy, mode: '0400', sha256: sha256(POLICY_B) };
  return {
    id,
    nonce: NONCE,
    windowSeconds: 120,
    generation: (seen.generation ?? 0) + 1,
    expectGeneration: seen.generation,
    run: 'R1',
    keepGenerations: 10,
    steps: ['read', 'chmod', 'policy'],
    ike: 'none',
    expectFiles: seen.files.map(({ path, sha256: digest }) => ({ path, sha256: digest })),
    expectSpd: sha256(seen.spd.map((rule) => `${rule}\n`).join('')),
    files: [{ kind: 'send', ...file, text: Secret.fromText(POLICY_B) }],
    spd: [RULE.sshIn, RULE.sshOut, RULE.web, RULE.esp],
    manifest: {
      generation: (seen.generation ?? 0) + 1,
      run: 'R1',
      made: '2026-11-22T10:15:00Z',
      files: [file],
      keys: [],
    },
  };
}

/** Looked at, changed, confirmed over a new connection. */
export async function changeHost(link: HostLink, scratchHost: AgentHost, host: Host): Promise<void> {
  scratchHost.write(FILES.policy, POLICY_A);
  const first = await link.open(host);
  expect(await first.transact(toPolicyB(await first.observe(), 'T1'), () => undefined)).toMatchObject({
    state: 'verified',
  });
  await first.close();
  const second = await link.open(host);
  expect(await second.confirm('T1', NONCE, () => undefined)).toMatchObject({ state: 'confirmed' });
  expect(await second.read(FILES.policy)).toBe(POLICY_B);
  await second.close();
  await scratchHost.untilQuiet();
}
