/** The `ssh:` settings: one layer's, checked and with its paths resolved, and the layers' sum for one host. */

import type { SourcePosition } from '../errors.js';
import type { SshAuth, SshSettings } from '../model/host.js';
import { resolveBeside } from './paths.js';
import { problemError, type Report } from './problem-list.js';
import type { SshShape } from './schema.js';
import { positionOf, type SourceNode } from './source-tree.js';

/** What one place of the inventory says about SSH; `undefined` = nothing. */
export interface SshLayer {
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly user: string | undefined;
  readonly privilege: SshSettings['privilege'] | undefined;
  readonly auth: readonly SshAuth[] | undefined;
  readonly connectTimeoutSeconds: number | undefined;
  readonly replyTimeoutSeconds: number | undefined;
  readonly knownHosts: readonly string[] | undefined;
}

export function parseSsh(shape: SshShape, node: SourceNode, report: Report): SshLayer {
  const file = node.at.file;
  const knownHosts = typeof shape.knownHosts === 'string' ? [shape.knownHosts] : shape.knownHosts;
  if (shape.user !== undefined && !/^[A-Za-z0-9_][A-Za-z0-9_.@+-]*$/.test(shape.user)) {
    report(problemError('BAD_USER', positionOf(node, ['user']), 'ssh.user is no user name', 'write a login name'));
  }
  if (shape.host !== undefined && !/^[A-Za-z0-9:[][A-Za-z0-9.:_[\]-]*$/.test(shape.host)) {
    report(
      problemError(
        'BAD_SSH_HOST',
        positionOf(node, ['host']),
        'ssh.host is no name or address',
        'write one, without user or port',
      ),
    );
  }
  return {
    host: shape.host,
    port: shape.port,
    user: shape.user,
    privilege: shape.privilege,
    auth: shape.auth?.flatMap((method, i) => authMethod(method, positionOf(node, ['auth', i]), file, report)),
    connectTimeoutSeconds: shape.connectTimeoutSeconds,
    replyTimeoutSeconds: shape.replyTimeoutSeconds,
    knownHosts: knownHosts?.map((path) => resolveBeside(file, path)),
  };
}

type AuthShape = NonNullable<SshShape['auth']>[number];

function authMethod(method: AuthShape, at: SourcePosition, file: string, report: Report): SshAuth[] {
  if (method === 'agent') return [{ kind: 'agent' }];
  if (method === 'password') return [{ kind: 'password' }];
  const { key, passphraseEnv, passwordEnv } = method;
  if ((key === undefined) === (passwordEnv === undefined) || (key === undefined && passphraseEnv !== undefined)) {
    const todo = 'write { key: FILE }, { key: FILE, passphraseEnv: NAME } or { passwordEnv: NAME }';
    report(problemError('BAD_AUTH', at, 'a way to authenticate is either a key file or a password', todo));
    return [];
  }
  for (const name of [passphraseEnv, passwordEnv]) {
    if (name === undefined || /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) continue;
    // not shown: it may be the password itself
    const what = 'passwordEnv and passphraseEnv take the name of an environment variable, and this is none';
    report(
      problemError('BAD_VARIABLE_NAME', at, what, 'write a name such as DEPLOY_PASSWORD, never the password itself'),
    );
  }
  if (key !== undefined) {
    const path = resolveBeside(file, key);
    return [passphraseEnv === undefined ? { kind: 'key', file: path } : { kind: 'key', file: path, passphraseEnv }];
  }
  return [passwordEnv === undefined ? { kind: 'password' } : { kind: 'password', passwordEnv }];
}

/** The settings of one host from its layers, weakest first. `user` is empty when no layer names one. */
export function mergeSsh(layers: readonly SshLayer[], fallbackHost: string, hostKeys: readonly string[]): SshSettings {
  const last = <K extends keyof SshLayer>(key: K): SshLayer[K] | undefined =>
    layers.findLast((layer) => layer[key] !== undefined)?.[key];
  return {
    host: last('host') ?? fallbackHost,
    port: last('port') ?? 22,
    user: last('user') ?? '',
    privilege: last('privilege') ?? 'none',
    auth: last('auth') ?? [{ kind: 'agent' }],
    connectTimeoutSeconds: last('connectTimeoutSeconds') ?? 10,
    replyTimeoutSeconds: last('replyTimeoutSeconds') ?? 60,
    hostKeys,
    knownHosts: last('knownHosts') ?? ['~/.ssh/known_hosts'],
  };
}
