/** `ssh.proxyJump:` — the machines on the way to a host, as words or as maps. */

import type { SourcePosition } from '../errors.js';
import type { SshAuth, SshJump } from '../model/host.js';
import { isHostKey } from './host-key.js';
import { problemError, type Report } from './problem-list.js';
import type { SshShape } from './schema.js';
import { positionOf, type SourceNode } from './source-tree.js';

type JumpShape = Exclude<NonNullable<SshShape['proxyJump']>[number], string>;

export const SSH_USER = /^[A-Za-z0-9_][A-Za-z0-9_.@+-]*$/;
export const SSH_HOST = /^[A-Za-z0-9:[][A-Za-z0-9.:_[\]-]*$/;

/** Checked and in order; none for the word `none`. `authOf` reads the ways to log in to the jump host at that index. */
export function parseJumps(
  shape: NonNullable<SshShape['proxyJump']>,
  node: SourceNode,
  authOf: (methods: NonNullable<JumpShape['auth']>, index: number) => readonly SshAuth[],
  report: Report,
): readonly SshJump[] {
  if (shape === 'none') return [];
  const listed = typeof shape === 'string' ? shape.split(',') : shape;
  const jumps = listed.flatMap((one, i): SshJump[] => {
    const at = typeof shape === 'string' ? positionOf(node, ['proxyJump']) : positionOf(node, ['proxyJump', i]);
    if (typeof one === 'string') return jumpOfText(one, at, report);
    reportBadParts(one, (key) => positionOf(node, ['proxyJump', i, key]), report);
    const hostKeys = typeof one.hostKey === 'string' ? [one.hostKey] : (one.hostKey ?? []);
    return [
      {
        host: one.host,
        hostKeys: hostKeys.map((key) => key.trim()),
        ...(one.port === undefined ? {} : { port: one.port }),
        ...(one.user === undefined ? {} : { user: one.user }),
        ...(one.auth === undefined ? {} : { auth: authOf(one.auth, i) }),
      },
    ];
  });
  const places = jumps.map(jumpPlace);
  const twice = places.find((place, i) => places.indexOf(place) !== i);
  if (twice !== undefined) {
    const what = `the way goes through ${twice} twice`;
    report(problemError('JUMP_LOOP', positionOf(node, ['proxyJump']), what, 'name each jump host once, nearest first'));
  }
  return jumps;
}

/** `bastion port 22`, in lower case: the same for whoever stands for the same machine. */
export function jumpPlace({ host, port = 22 }: Pick<SshJump, 'host' | 'port'>): string {
  return `${host.toLowerCase()} port ${port}`;
}

function jumpOfText(text: string, at: SourcePosition, report: Report): SshJump[] {
  const jump = parseJumpText(text);
  if (jump !== undefined) return [jump];
  const todo = 'write [user@]host[:port], an IPv6 address in [ ], or "none" alone for no jump host';
  report(problemError('BAD_JUMP', at, `"${text}" is no jump host`, todo));
  return [];
}

/** `[ssh://][user@]host[:port]` as ssh(1) takes it after -J; an IPv6 address with a port stands in brackets. */
export function parseJumpText(text: string): SshJump | undefined {
  const plain = text.trim().replace(/^ssh:\/\//, '');
  const at = plain.lastIndexOf('@');
  const user = at === -1 ? undefined : plain.slice(0, at);
  const place = plain.slice(at + 1);
  const split = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(place);
  // an address such as fd00::5, which no port can follow
  const bare = split === null && /^[0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*$/i.test(place) ? place : undefined;
  const host = bare ?? split?.[1] ?? split?.[2];
  const port = split?.[3] === undefined ? undefined : Number(split[3]);
  if (host === undefined || !SSH_HOST.test(host) || host === 'none') return undefined;
  if (user !== undefined && !SSH_USER.test(user)) return undefined;
  if (port !== undefined && (port < 1 || port > 65535)) return undefined;
  return { host, hostKeys: [], ...(port === undefined ? {} : { port }), ...(user === undefined ? {} : { user }) };
}

function reportBadParts(shape: JumpShape, at: (key: string) => SourcePosition, report: Report): void {
  if (!SSH_HOST.test(shape.host)) {
    const todo = 'write one, without user or port';
    report(problemError('BAD_SSH_HOST', at('host'), 'the host of a jump host is no name or address', todo));
  }
  if (shape.user !== undefined && !SSH_USER.test(shape.user)) {
    report(problemError('BAD_USER', at('user'), 'the user of a jump host is no user name', 'write a login name'));
  }
  const keys = typeof shape.hostKey === 'string' ? [shape.hostKey] : (shape.hostKey ?? []);
  if (keys.some((key) => !isHostKey(key.trim()))) {
    const todo = 'paste a line of "ssh-keyscan HOST", checked on the console';
    report(problemError('BAD_HOST_KEY', at('hostKey'), 'hostKey of a jump host is no complete SSH public key', todo));
  }
}
