/** What went wrong below the agent, in words an operator can act on. Pure. */

import type { SshSettings } from '../model/host.js';
import type { LinkFailure } from '../ports.js';
import { shown } from './host-text.js';

interface Place {
  readonly host: string;
  readonly settings: SshSettings;
}

function placeText({ host, settings }: Place): string {
  return `${host} (${settings.host} port ${settings.port})`;
}

const CONNECT: Readonly<Record<string, readonly [string, string]>> = {
  ECONNREFUSED: ['refused the connection', 'see that sshd runs there and listens on that port'],
  EHOSTUNREACH: [
    'cannot be reached: no route to host',
    'see that the host is up and that a route and the firewalls lead there',
  ],
  ENETUNREACH: ['cannot be reached: network unreachable', 'see the routes of this machine'],
  ENOTFOUND: ['has a name that does not resolve', 'correct ssh.host, or give an address'],
  EAI_AGAIN: [
    'has a name that could not be looked up: the name service does not answer',
    'try again, or give an address',
  ],
  ETIMEDOUT: ['did not answer', 'see that the host is up; a policy or a firewall that drops SSH looks the same'],
  ECONNRESET: [
    'reset the connection',
    'see the log of sshd there: MaxStartups, fail2ban and tcp wrappers look like this',
  ],
  EPIPE: ['closed the connection', 'see the log of sshd there'],
  EACCES: ['may not be connected to from here', 'see the firewall of this machine'],
  EADDRNOTAVAIL: ['has an address that cannot be connected to from here', 'correct ssh.host or ssh.port'],
};

/** TCP did not come about. */
export function connectFailure(place: Place, error: unknown): LinkFailure {
  const code = errorCode(error);
  const [what, todo] = CONNECT[code] ?? [`cannot be connected to (${code || text(error)})`, 'see that the host is up'];
  return { kind: code === 'ETIMEDOUT' ? 'timeout' : 'unreachable', reason: `${placeText(place)} ${what}`, todo };
}

export function connectTimeout(place: Place, stage: string): LinkFailure {
  return {
    kind: 'timeout',
    reason: `${placeText(place)} did not answer within ${place.settings.connectTimeoutSeconds} s (${stage})`,
    todo: 'see that the host is up; a policy or a firewall that drops SSH looks the same',
  };
}

/** TCP is there, and SSH did not come about. `stage` is how far it got. */
export function handshakeFailure(place: Place, error: unknown, stage: 'silent' | 'began'): LinkFailure {
  const said = shown(text(error));
  if (/no matching/.test(said)) {
    return {
      kind: 'unreachable',
      reason: `${placeText(place)} has no SSH algorithm in common with us: ${said.replace(/^Handshake failed: /, '')}`,
      todo: 'bring sshd there up to date: curve25519 or ECDH, AES-CTR or GCM, SHA-2; SHA-1 and CBC are not offered',
    };
  }
  const code = errorCode(error);
  const [what, todo] = CONNECT[code] ?? [
    `broke off the SSH handshake (${said})`,
    'see the log of sshd there: MaxStartups looks like this',
  ];
  return {
    kind: 'unreachable',
    reason: `${placeText(place)} ${what}${stage === 'silent' ? ' before it said that it speaks SSH' : ''}`,
    todo: stage === 'silent' ? `see that it is sshd that listens there; ${todo}` : todo,
  };
}

export function authFailure(place: Place, tried: string, error?: unknown): LinkFailure {
  const said = error === undefined ? '' : ` (${shown(text(error))})`;
  return {
    kind: 'auth',
    reason: `${placeText(place)} did not let ${place.settings.user} in${said}: ${tried}`,
    todo: `see that ssh.user is right and that the key is in its authorized_keys there; \`ssh -v ${place.settings.user}@${place.settings.host}\` shows more`,
  };
}

/** Logged in, and the command was not accepted. */
export function commandFailure(place: Place, error: unknown): LinkFailure {
  return {
    kind: 'agent',
    reason: `${placeText(place)} does not run commands for ${place.settings.user} (${shown(text(error))})`,
    todo: 'sshd must allow a session for this user: see MaxSessions, ForceCommand and PermitOpen in its configuration',
  };
}

/** Of the first address, when several were tried. */
export function errorCode(error: unknown): string {
  if (error instanceof AggregateError) return errorCode(error.errors[0]);
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return '';
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
