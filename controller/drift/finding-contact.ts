/** Why a host could not be looked at, as the one finding of that look. */

import type { DriftFinding, DriftKind } from '../model/drift.js';
import type { Host } from '../model/host.js';
import type { LinkFailure } from '../ports.js';
import type { CompareSettings } from './compare-view.js';
import { finding, shellWord, toolCommand } from './finding-words.js';

const KINDS: Readonly<Record<LinkFailure['kind'], DriftKind>> = {
  unreachable: 'host-unreachable',
  timeout: 'host-unreachable',
  lost: 'host-unreachable',
  'host-key': 'host-key-changed',
  auth: 'access-refused',
  privilege: 'access-refused',
  agent: 'agent-fails',
};

export function contactFinding(
  host: Host,
  failure: LinkFailure,
  settings: Pick<CompareSettings, 'inventory'>,
): DriftFinding {
  const kind = KINDS[failure.kind];
  return finding({ host }, kind, {
    subject: kind === 'access-refused' ? failure.kind : 'ssh',
    severity: kind === 'host-key-changed' ? 'critical' : 'warning',
    what: failure.reason,
    // The way out needs a person's eyes at the host's console first: the failure says what to compare.
    mend: kind === 'host-key-changed' ? `${failure.todo}${forgetKey(host)}` : mendOf(kind, host, failure, settings),
  });
}

function mendOf(
  kind: DriftKind,
  host: Host,
  failure: LinkFailure,
  settings: Pick<CompareSettings, 'inventory'>,
): string {
  return kind === 'host-unreachable'
    ? `${failure.todo}; then ${toolCommand('status', { host }, settings)}`
    : failure.todo;
}

/** Keys of the inventory are changed there; keys of a known_hosts file go by ssh-keygen. */
function forgetKey({ ssh }: Host): string {
  if (ssh.hostKeys.length > 0) return '';
  const [file] = ssh.knownHosts;
  const name = ssh.port === 22 ? ssh.host : `[${ssh.host}]:${ssh.port}`;
  return `; a known_hosts file forgets it by ssh-keygen -R ${shellWord(name)}${file === undefined ? '' : ` -f ${shellWord(file)}`}`;
}

/** The host answers, and is of no kind that can be judged. */
export function platformFinding(host: Host, refusal: string, todo: string): DriftFinding {
  return finding({ host }, 'agent-fails', { subject: 'platform', severity: 'warning', what: refusal, mend: todo });
}
