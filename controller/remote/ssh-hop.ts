/** One machine on the way to a host, with all its settings: the inventory's, and where that is silent those of ssh_config(5). */

import { hostname } from 'node:os';
import type { SshAuth, SshOpenSetting, SshSettings } from '../model/host.js';
import { OLD_SSH_ALGORITHM_NAMES } from '../model/ssh-algorithms.js';
import { offeredAlgorithms } from './ssh-algorithms.js';
import type { AlgorithmRole, OfferedAlgorithms } from './ssh-algorithms.js';
import { localUserName, SshConfigError } from './ssh-config.js';
import type { ConfigAnswer } from './ssh-config.js';
import { expandText, expandWord, parseSeconds } from './ssh-config-values.js';
import type { Tokens } from './ssh-config-values.js';
import type { Environment } from './ssh-credentials.js';

/** What the protocol calls ways to log in (RFC 4252, RFC 4256). */
export type WireMethod = 'publickey' | 'password' | 'keyboard-interactive';

export interface HopDraft {
  /** `db1`, or `jump host bastion`. */
  readonly name: string;
  readonly settings: SshSettings;
  /** What the file may fill in. */
  readonly open: readonly SshOpenSetting[];
  /** What it is looked up by. */
  readonly names: readonly string[];
}

export interface Hop {
  readonly name: string;
  /** Nothing in them is open any more. */
  readonly settings: SshSettings;
  /** What known_hosts files call it, where that is not what is connected to. */
  readonly hostKeyAlias: string | undefined;
  /** The SSH agent's socket. */
  readonly agentSocket: string | undefined;
  /** Only these of the agent's keys, named by their files. */
  readonly agentKeys: readonly string[] | undefined;
  /** In this order, and no other. */
  readonly methods: readonly WireMethod[] | undefined;
  readonly algorithms: OfferedAlgorithms;
  readonly keepaliveSeconds: number;
  readonly keepalivesUnanswered: number;
  /** To send from. */
  readonly localAddress: string | undefined;
  readonly family: 4 | 6 | undefined;
}

const KEEPALIVE_SECONDS = 10;
const KEEPALIVES_UNANSWERED = 3;
const SECONDS_AT_MOST = 600;

/** `notes` gets what the file says and is not gone by. @throws SshConfigError */
export function resolveHop(
  { name, settings, open, names }: HopDraft,
  answer: ConfigAnswer | undefined,
  env: Environment,
  notes: Set<string>,
): Hop {
  if (answer === undefined) return plainHop(name, settings, env);
  const word = (setting: SshOpenSetting, keyword: string): string | undefined =>
    open.includes(setting) ? answer.word(keyword) : undefined;
  noteUnfollowed(answer, notes);

  const hostLine = open.includes('host') ? answer.line('hostname') : undefined;
  const host = hostLine === undefined ? settings.host : expandWord(hostLine, { h: settings.host }, env);
  const port = Number(word('port', 'port') ?? settings.port);
  if (!Number.isInteger(port) || port < 1 || port > 65535)
    throw new SshConfigError(`${answer.line('port')?.where ?? name}: the port is no number from 1 to 65535`);
  const user = word('user', 'user') ?? settings.user;
  if (user === '')
    throw new SshConfigError(`no SSH user is known for ${name}; write User there, or ssh.user in the inventory`);

  const alias = answer.word('hostkeyalias');
  const tokens: Tokens = {
    h: host,
    k: alias ?? host,
    n: names[0] ?? host,
    p: String(port),
    r: user,
    u: localUserName(env),
    d: env['HOME'] ?? '',
    i: String(process.getuid?.() ?? ''),
    l: hostname(),
    L: hostname().split('.', 1)[0] ?? '',
  };
  const identities = answer
    .all('identityfile')
    .map((line) => expandWord(line, tokens, env))
    .filter((file) => file.toLowerCase() !== 'none');
  const isOwnAuth = !open.includes('auth');
  const methods = isOwnAuth ? undefined : wireMethods(answer.word('preferredauthentications'));
  const agentSocket = agentSocketOf(answer, tokens, env);
  const knownHosts = open.includes('knownHosts') ? knownHostsOf(answer, tokens, env) : undefined;
  return {
    name,
    settings: {
      ...settings,
      host,
      port,
      user,
      auth: isOwnAuth ? settings.auth : authOf(settings, identities, agentSocket !== undefined, methods),
      knownHosts: knownHosts ?? settings.knownHosts,
      connectTimeoutSeconds: Math.min(
        parseSeconds(word('connectTimeoutSeconds', 'connecttimeout')) ?? settings.connectTimeoutSeconds,
        SECONDS_AT_MOST,
      ),
    },
    hostKeyAlias: alias,
    agentSocket,
    agentKeys: !isOwnAuth && answer.word('identitiesonly')?.toLowerCase() === 'yes' ? identities : undefined,
    methods,
    algorithms: algorithmsOf(settings, answer, notes),
    keepaliveSeconds: parseSeconds(answer.word('serveraliveinterval')) ?? KEEPALIVE_SECONDS,
    keepalivesUnanswered: positive(answer.word('serveralivecountmax')) ?? KEEPALIVES_UNANSWERED,
    localAddress: answer.word('bindaddress'),
    family: { inet: 4 as const, inet6: 6 as const }[answer.word('addressfamily')?.toLowerCase() ?? ''],
  };
}

function plainHop(name: string, settings: SshSettings, env: Environment): Hop {
  return {
    name,
    settings,
    hostKeyAlias: undefined,
    agentSocket: env['SSH_AUTH_SOCK'],
    agentKeys: undefined,
    methods: undefined,
    algorithms: offeredAlgorithms(settings.allow ?? [], {}),
    keepaliveSeconds: KEEPALIVE_SECONDS,
    keepalivesUnanswered: KEEPALIVES_UNANSWERED,
    localAddress: undefined,
    family: undefined,
  };
}

/** As ssh(1): what the agent holds, then the files; passwords only where the file asks for them by name. */
function authOf(
  settings: SshSettings,
  identities: readonly string[],
  hasAgent: boolean,
  methods: readonly WireMethod[] | undefined,
): readonly SshAuth[] {
  const passwords: readonly SshAuth[] =
    methods?.some((method) => method !== 'publickey') === true ? [{ kind: 'password' }] : [];
  if (identities.length === 0 && passwords.length === 0) return settings.auth;
  const agent: readonly SshAuth[] = hasAgent ? [{ kind: 'agent' }] : [];
  return [...agent, ...identities.map((file): SshAuth => ({ kind: 'key', file })), ...passwords];
}

const WIRE_METHODS: readonly WireMethod[] = ['publickey', 'password', 'keyboard-interactive'];

function wireMethods(list: string | undefined): readonly WireMethod[] | undefined {
  const methods = list?.split(',').flatMap((name) => WIRE_METHODS.filter((method) => method === name));
  return methods === undefined || methods.length === 0 ? undefined : methods;
}

/** `none`, `SSH_AUTH_SOCK`, `$VARIABLE`, or a path (ssh_config(5), IdentityAgent). */
function agentSocketOf(answer: ConfigAnswer, tokens: Tokens, env: Environment): string | undefined {
  const line = answer.line('identityagent');
  const [text = 'SSH_AUTH_SOCK'] = line?.words ?? [];
  if (line === undefined || text === 'SSH_AUTH_SOCK') return env['SSH_AUTH_SOCK'];
  if (text.toLowerCase() === 'none') return undefined;
  if (text.startsWith('$') && !text.startsWith('${')) return env[text.slice(1)];
  return expandText(text, line.where, tokens, env).replace(/^~(?=\/)/, env['HOME'] ?? '~');
}

function knownHostsOf(answer: ConfigAnswer, tokens: Tokens, env: Environment): readonly string[] | undefined {
  const lines = [answer.line('userknownhostsfile'), answer.line('globalknownhostsfile')];
  const files = lines.flatMap((line) => line?.words.map((text) => expandText(text, line.where, tokens, env)) ?? []);
  return answer.line('userknownhostsfile') === undefined
    ? undefined
    : files.filter((file) => file.toLowerCase() !== 'none');
}

const ALGORITHM_KEYWORDS: readonly (readonly [AlgorithmRole, string])[] = [
  ['kex', 'kexalgorithms'],
  ['serverHostKey', 'hostkeyalgorithms'],
  ['cipher', 'ciphers'],
  ['hmac', 'macs'],
];

function algorithmsOf(settings: SshSettings, answer: ConfigAnswer, notes: Set<string>): OfferedAlgorithms {
  const allowed = settings.allow ?? [];
  const asked: Partial<Record<AlgorithmRole, readonly string[]>> = {};
  for (const [role, keyword] of ALGORITHM_KEYWORDS) {
    const line = answer.line(keyword);
    const names = line?.words[0]?.split(',');
    if (line === undefined || names === undefined) continue;
    asked[role] = names;
    if (/^-/.test(names[0] ?? '')) continue;
    const bare = names.map((one) => one.replace(/^[+^]/, ''));
    const kept = bare.filter((one) => OLD_SSH_ALGORITHM_NAMES.includes(one) && !allowed.includes(one));
    if (kept.length > 0)
      notes.add(`${line.where}: ${kept.join(', ')} is spoken only where ssh.allow of the inventory names it`);
  }
  const offered = offeredAlgorithms(allowed, asked);
  for (const [role, keyword] of ALGORITHM_KEYWORDS) {
    if (offered[role].length > 0) continue;
    throw new SshConfigError(
      `${answer.line(keyword)?.where ?? keyword} leaves no algorithm that may be spoken; old ones stand in ssh.allow of the inventory`,
    );
  }
  return offered;
}

/** Lines that lead elsewhere, or trust otherwise, when they are left out; all others are ssh(1)'s own business. */
const UNFOLLOWED: Readonly<Record<string, (value: string) => string | undefined>> = {
  stricthostkeychecking: (value) =>
    ['yes', 'ask', 'true'].includes(value) ? undefined : 'host keys are strict here, whatever this says',
  canonicalizehostname: (value) => (value === 'no' ? undefined : 'names are not made canonical'),
  certificatefile: () => 'certificates of users are not sent; the bare key is',
  pkcs11provider: (value) => (value === 'none' ? undefined : 'tokens are reached by way of the SSH agent alone'),
  knownhostscommand: (value) => (value === 'none' ? undefined : 'no command is run for host keys'),
  bindinterface: () => 'not gone by; BindAddress is',
};

function noteUnfollowed(answer: ConfigAnswer, notes: Set<string>): void {
  for (const [keyword, why] of Object.entries(UNFOLLOWED)) {
    const line = answer.line(keyword);
    const text = line === undefined ? undefined : why((line.words[0] ?? '').toLowerCase());
    if (line !== undefined && text !== undefined) notes.add(`${line.where}: ${text}`);
  }
}

function positive(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d{0,3}$/.test(text) ? Number(text) : undefined;
}
