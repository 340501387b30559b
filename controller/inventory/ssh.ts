/** The `ssh:` settings: one layer's, checked and with its paths resolved, and the layers' sum for one host. */

import type { SourcePosition } from '../errors.js';
import { parseAddress } from '../model/address.js';
import type { SshAuth, SshConfigUse, SshJump, SshOpenSetting, SshSettings } from '../model/host.js';
import { OLD_SSH_ALGORITHM_NAMES } from '../model/ssh-algorithms.js';
import { isPlainHostPath, resolveBeside } from './paths.js';
import { problemError, problemWarning, type Report } from './problem-list.js';
import type { SshShape } from './schema.js';
import { positionOf, type SourceNode } from './source-tree.js';
import { parseJumps, SSH_HOST, SSH_USER } from './ssh-jump.js';
import { alternatives, nearest } from './suggest.js';

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
  readonly proxyJump: readonly SshJump[] | undefined;
  readonly rootPasswordEnv: string | undefined;
  readonly allow: readonly string[] | undefined;
  readonly entry: string | undefined;
  /** A path, or `none`. */
  readonly config: string | undefined;
}

export function parseSsh(shape: SshShape, node: SourceNode, report: Report): SshLayer {
  const file = node.at.file;
  const knownHosts = typeof shape.knownHosts === 'string' ? [shape.knownHosts] : shape.knownHosts;
  if (shape.user !== undefined && !SSH_USER.test(shape.user)) {
    report(problemError('BAD_USER', positionOf(node, ['user']), 'ssh.user is no user name', 'write a login name'));
  }
  if (shape.host !== undefined && !SSH_HOST.test(shape.host)) {
    report(
      problemError(
        'BAD_SSH_HOST',
        positionOf(node, ['host']),
        'ssh.host is no name or address',
        'write one, without user or port',
      ),
    );
  }
  if (shape.entry !== undefined && !isPlainHostPath(shape.entry)) {
    const todo = 'write an absolute path of letters, digits, dots and dashes, such as /opt/ipsec-deploy/agent-entry';
    report(problemError('BAD_ENTRY', positionOf(node, ['entry']), 'ssh.entry is no plain path on the host', todo));
  }
  const authAt =
    (path: readonly (string | number)[]) =>
    (methods: readonly AuthShape[]): readonly SshAuth[] =>
      methods.flatMap((method, i) => authMethod(method, positionOf(node, [...path, i]), file, report));
  if (shape.rootPasswordEnv !== undefined)
    reportNoVariable(shape.rootPasswordEnv, positionOf(node, ['rootPasswordEnv']), report);
  return {
    host: shape.host,
    port: shape.port,
    user: shape.user,
    privilege: shape.privilege,
    auth: shape.auth === undefined ? undefined : authAt(['auth'])(shape.auth),
    connectTimeoutSeconds: shape.connectTimeoutSeconds,
    replyTimeoutSeconds: shape.replyTimeoutSeconds,
    knownHosts: knownHosts?.map((path) => resolveBeside(file, path)),
    proxyJump:
      shape.proxyJump === undefined
        ? undefined
        : parseJumps(shape.proxyJump, node, (methods, i) => authAt(['proxyJump', i, 'auth'])(methods), report),
    rootPasswordEnv: shape.rootPasswordEnv,
    entry: shape.entry,
    allow: shape.allow?.flatMap((name, i) => oldAlgorithm(name, positionOf(node, ['allow', i]), report)),
    config: shape.config === undefined || shape.config === 'none' ? shape.config : resolveBeside(file, shape.config),
  };
}

/** Warned of in each run: whoever listens in may break these. */
function oldAlgorithm(name: string, at: SourcePosition, report: Report): readonly string[] {
  if (OLD_SSH_ALGORITHM_NAMES.includes(name)) {
    const what = `ssh.allow lets ${name} be spoken, which is no longer safe`;
    report(problemWarning('OLD_SSH_ALGORITHM', at, what, 'bring sshd there up to date, then take it out'));
    return [name];
  }
  const near = nearest(name, OLD_SSH_ALGORITHM_NAMES);
  const todo = `write ${near === undefined ? alternatives(OLD_SSH_ALGORITHM_NAMES) : near}; what is safe is spoken anyhow`;
  report(problemError('UNKNOWN_ALGORITHM', at, `"${name}" is no old SSH algorithm that can be allowed`, todo));
  return [];
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
    if (name !== undefined) reportNoVariable(name, at, report);
  }
  if (key !== undefined) {
    const path = resolveBeside(file, key);
    return [passphraseEnv === undefined ? { kind: 'key', file: path } : { kind: 'key', file: path, passphraseEnv }];
  }
  return [passwordEnv === undefined ? { kind: 'password' } : { kind: 'password', passwordEnv }];
}

function reportNoVariable(name: string, at: SourcePosition, report: Report): void {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return;
  // not shown: it may be the password itself
  const what =
    'passwordEnv, passphraseEnv and rootPasswordEnv take the name of an environment variable, and this is none';
  report(
    problemError('BAD_VARIABLE_NAME', at, what, 'write a name such as DEPLOY_PASSWORD, never the password itself'),
  );
}

/** The settings of one host from its layers, weakest first. `user` is empty when no layer names one. */
export function mergeSsh(layers: readonly SshLayer[], fallbackHost: string, hostKeys: readonly string[]): SshSettings {
  const last = <K extends keyof SshLayer>(key: K): SshLayer[K] | undefined =>
    layers.findLast((layer) => layer[key] !== undefined)?.[key];
  const [proxyJump, allow, rootPasswordEnv] = [last('proxyJump'), last('allow'), last('rootPasswordEnv')];
  const entry = last('entry');
  const open = OPEN_SETTINGS.filter((key) => (key === 'host' ? isAlias(last(key)) : last(key) === undefined));
  const config = configUse(last('config'), open);
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
    ...(proxyJump === undefined || proxyJump.length === 0 ? {} : { proxyJump }),
    ...(allow === undefined || allow.length === 0 ? {} : { allow }),
    ...(rootPasswordEnv === undefined ? {} : { rootPasswordEnv }),
    ...(entry === undefined ? {} : { entry }),
    ...(config === undefined ? {} : { config }),
  };
}

/** An address is where the host is, whatever ssh_config(5) says; the host is then looked up there by its own name. */
function isAlias(host: string | undefined): boolean {
  return host !== undefined && parseAddress(host) === undefined;
}

/** What ssh_config(5) may say; `host` only where the inventory gives a name to look up, the others only where it does not. */
const OPEN_SETTINGS: readonly SshOpenSetting[] = [
  'host',
  'port',
  'user',
  'auth',
  'connectTimeoutSeconds',
  'knownHosts',
  'proxyJump',
];

function configUse(said: string | undefined, open: readonly SshOpenSetting[]): SshConfigUse | undefined {
  if (said === 'none') return undefined;
  return { file: said ?? '~/.ssh/config', isNamed: said !== undefined, open };
}
