/** What went wrong below the agent, in words an operator can act on. Pure. */

import type { SshSettings } from '../model/host.js';
import { HostLinkError } from '../ports.js';
import type { LinkFailure } from '../ports.js';
import { shown } from './host-text.js';
import { algorithmsToAllow } from './ssh-algorithms.js';
import type { OfferedAlgorithms } from './ssh-algorithms.js';
import type { HostOffer } from './ssh-offer.js';

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

/** What a host has said before the SSH handshake was done. */
export interface Heard {
  readonly isSilent: boolean;
  /** Before its version, or instead of one. */
  readonly greeting: string;
  readonly offer: HostOffer | undefined;
  readonly ours: OfferedAlgorithms;
}

/** TCP is there, and SSH did not come about. */
export function handshakeFailure(place: Place, error: unknown, heard: Heard): LinkFailure {
  const said = shown(text(error));
  if (/no matching/.test(said)) return noCommonAlgorithm(place, said, heard.offer, heard.ours);
  const code = errorCode(error);
  const [what, todo] = CONNECT[code] ?? [
    `broke off the SSH handshake (${said})`,
    'see the log of sshd there: MaxStartups looks like this',
  ];
  const instead = heard.offer === undefined ? shown(heard.greeting.trim().split(/[\r\n]/)[0] ?? '').slice(0, 100) : '';
  const before = heard.isSilent ? ' before it said that it speaks SSH' : '';
  return {
    kind: 'unreachable',
    reason: `${placeText(place)} ${what}${before}${instead === '' ? '' : `: ${instead}`}`,
    todo: isDrop(heard) && !heard.isSilent ? todo : `see that it is sshd that listens there; ${todo}`,
  };
}

/** What sshd writes in place of its version to a connection that is one too many, since OpenSSH 8.5 and since 9.8. */
const TURNED_AWAY = /^(Exceeded MaxStartups|Not allowed at this time)/m;

/** Its side ended the connection as sshd does with those beyond MaxStartups: mid-handshake, or without a word of its own. */
export function isDrop(heard: Pick<Heard, 'isSilent' | 'greeting' | 'offer'>): boolean {
  return heard.isSilent || heard.offer !== undefined || TURNED_AWAY.test(heard.greeting);
}

/** Ended by the host before the SSH handshake was done: nobody had logged in or been refused, and the next one may get through. */
export class DroppedError extends HostLinkError {}

/** All of so many tries were dropped. */
export function triedOften(last: LinkFailure, tries: number): LinkFailure {
  return {
    kind: last.kind,
    reason: tries === 1 ? last.reason : `${last.reason}, the last of ${tries} tries`,
    todo:
      'most likely more connections came at once than MaxStartups (or PerSourceMaxStartups) of sshd there lets in: raise it, lower forks, ' +
      'or give it a longer connectTimeoutSeconds; else see that it is sshd that listens there, and its log: fail2ban and tcp wrappers look the same',
  };
}

function noCommonAlgorithm(
  place: Place,
  said: string,
  offer: HostOffer | undefined,
  ours: OfferedAlgorithms,
): LinkFailure {
  const theirs = offer?.algorithms;
  const offers =
    theirs === undefined
      ? ''
      : `; ${shown(offer?.version ?? '')} offers ${shown(
          [theirs.kex, theirs.serverHostKey, theirs.cipher, theirs.hmac].map((names) => names.join(' ')).join('; '),
        )}`;
  const old = theirs === undefined ? [] : algorithmsToAllow(theirs, ours);
  const allow =
    old.length === 0
      ? ''
      : `; until then, if it must be, add to the host in the inventory: ssh: { allow: [${[...(place.settings.allow ?? []), ...old].join(', ')}] }`;
  return {
    kind: 'unreachable',
    reason: `${placeText(place)} has no SSH algorithm in common with us: ${said.replace(/^Handshake failed: /, '')}${offers}`,
    todo: `bring sshd there up to date: curve25519 or ECDH, AES-CTR or GCM, SHA-2; SHA-1 and CBC are not offered${allow}`,
  };
}

/** What a jump host answers to being asked for a way on (RFC 4254 §5.1). */
const PROHIBITED = 1;
const CONNECT_FAILED = 2;

/** The jump host is there, and does not lead on. */
export function forwardFailure(
  from: { readonly name: string; readonly settings: SshSettings },
  to: { readonly name: string; readonly settings: SshSettings },
  error: unknown,
): LinkFailure {
  const said = shown(text(error)).replace(/^\(SSH\) Channel open failure: /, '');
  const place = placeText({ host: to.name, settings: to.settings });
  const reason = error instanceof Error && 'reason' in error ? error.reason : undefined;
  switch (reason) {
    case PROHIBITED:
      return {
        kind: 'unreachable',
        reason: `${place} is not reached: ${from.name} forbids forwarding to it (${said})`,
        todo: `allow it in sshd_config on ${from.settings.host}: AllowTcpForwarding, DisableForwarding, PermitOpen and the options of the key`,
      };
    case CONNECT_FAILED:
      return {
        kind: 'unreachable',
        reason: `${place} is not reached from ${from.name}: ${said}`,
        todo: `see that the host is up and that ${from.settings.host} may connect to it`,
      };
    default:
      return {
        kind: 'unreachable',
        reason: `${place} is not reached: ${from.name} does not lead on (${said})`,
        todo: `see the log of sshd on ${from.settings.host}`,
      };
  }
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
    todo: 'sshd must allow a session for this user: see MaxSessions, ForceCommand and PermitTTY in its configuration',
  };
}

/** Logged in, and the connection ended before a command was accepted. */
export function cutFailure(place: Place, broken: string): LinkFailure {
  return {
    kind: 'unreachable',
    reason: `${placeText(place)} closed the connection before it ran a command (${broken})`,
    todo: CUT_TODO,
  };
}

const CUT_TODO = 'try again; if it stays, look at the log of sshd on the host, and of the jump hosts on the way';

/** A command was accepted, and the connection ended before the agent said a word: whatever failed, it was not the agent. */
export function startCutFailure(host: string, broken: string, said: string): LinkFailure {
  return {
    kind: 'unreachable',
    reason: `the connection to ${host} was lost before the agent answered (${broken})${said === '' ? '' : `: ${said}`}`,
    todo: CUT_TODO,
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
