/** The entries of `drift: notify:`: each checked as its own kind, without a secret in any. */

import { unreachable } from '../errors.js';
import { parseAddress } from '../model/address.js';
import type { NotifierSettings } from '../model/drift.js';
import { checkShape, type Entry } from './check-shape.js';
import { anyNotifierShape, type DriftShape, NOTIFIER_SHAPES, type NotifierShape } from './drift-schema.js';
import { problemError, type Report } from './problem-list.js';
import { nodeAt, positionOf, type SourceNode, type SourcePath } from './source-tree.js';

export function buildNotifiers(entry: Entry<DriftShape>, report: Report): readonly NotifierSettings[] {
  const names = new Set<string>();
  return (entry.value.notify ?? []).flatMap((_, i): readonly NotifierSettings[] => {
    const node = nodeAt(entry.node, ['notify', i]);
    const given = node === undefined ? undefined : checkNotifier(node, `drift.notify[${i}]`, report);
    if (node === undefined || given === undefined) return [];
    if (names.size === names.add(given.name).size) {
      const at = positionOf(node, ['name']);
      report(problemError('NAME_TWICE', at, `two notifiers are called "${given.name}"`, 'rename one of the two'));
    }
    checkVariables(given, node, report);
    checkValues(given, node, report);
    return [settingsOf(given)];
  });
}

function checkNotifier(node: SourceNode, what: string, report: Report): NotifierShape | undefined {
  const kind = nodeAt(node, ['kind']);
  const word = kind?.kind === 'scalar' ? kind.value : undefined;
  const found = Object.entries(NOTIFIER_SHAPES).find(([name]) => name === word);
  if (found !== undefined) return checkShape<NotifierShape>(found[1], node, what, node.at, report);
  checkShape(anyNotifierShape, node, what, node.at, report);
  return undefined;
}

/** What stands where a name belongs may be the secret itself, and is never shown. */
function checkVariables(given: NotifierShape, node: SourceNode, report: Report): void {
  for (const [key, value] of Object.entries(given)) {
    if (!key.endsWith('Env') || typeof value !== 'string' || /^[A-Za-z_][A-Za-z0-9_]*$/.test(value)) continue;
    const what = `${key} takes the name of an environment variable, and this is none`;
    const todo = 'write a name such as DRIFT_HOOK_KEY, never the secret itself';
    report(problemError('BAD_VARIABLE_NAME', positionOf(node, [key]), what, todo));
  }
}

type Refuse = (path: SourcePath, code: string, what: string, todo: string) => void;

function checkValues(given: NotifierShape, node: SourceNode, report: Report): void {
  const refuse: Refuse = (path, code, what, todo) => report(problemError(code, positionOf(node, path), what, todo));
  switch (given.kind) {
    case 'webhook':
      return checkUrl(given.url, refuse);
    case 'slack':
      return;
    case 'email':
      return checkMail(given, refuse);
    case 'syslog':
      return checkHost('address', given.address, refuse);
    case 'exec':
      return checkProgram(given.command[0] ?? '', refuse);
    default:
      unreachable(given);
  }
}

const LOOPBACK = /^(localhost|\[::1\]|127(\.\d+){3})$/;

/** The URL itself is never shown: what it holds may be a secret. */
function checkUrl(text: string, refuse: Refuse): void {
  if (!URL.canParse(text)) return refuse(['url'], 'BAD_URL', 'url is no URL', 'write it as https://HOST/PATH');
  const { protocol, username, password, hostname } = new URL(text);
  if (username !== '' || password !== '') {
    const what = 'url holds a user name or password: an inventory is read by many and kept in history';
    return refuse(['url'], 'SECRET_IN_INVENTORY', what, 'leave them out, change them, and sign with secretEnv instead');
  }
  if (hostname === 'hooks.slack.com') {
    const what = 'the URL of a Slack hook is a secret: whoever knows it can write there';
    return refuse(['url'], 'SECRET_IN_INVENTORY', what, 'make a new one, and write kind: slack with urlEnv: VARIABLE');
  }
  if (protocol === 'https:' || (protocol === 'http:' && LOOPBACK.test(hostname))) return;
  refuse(['url'], 'BAD_URL', 'url is neither https nor on this machine', 'write it as https://HOST/PATH');
}

const MAIL_ADDRESS = /^([^\p{Cc}<>",;]*<)?[^\s\p{Cc}<>@,;:"()[\]\\]+@[^\s\p{Cc}<>@,;:"()[\]\\]+>?$/u;

function checkMail(given: Extract<NotifierShape, { kind: 'email' }>, refuse: Refuse): void {
  const { host, from, to, userEnv, passwordEnv } = given;
  checkHost('host', host, refuse);
  const addresses = [{ path: ['from'], text: from }, ...to.map((text, i) => ({ path: ['to', i], text }))];
  for (const { path, text } of addresses) {
    if (MAIL_ADDRESS.test(text) && text.includes('<') === text.endsWith('>')) continue;
    const what = `${JSON.stringify(text)} is no mail address`;
    refuse(path, 'BAD_MAIL_ADDRESS', what, 'write ops@example.net or Some Name <ops@example.net>, one an entry');
  }
  if ((userEnv === undefined) === (passwordEnv === undefined)) return;
  const [key, other] = userEnv === undefined ? ['passwordEnv', 'userEnv'] : ['userEnv', 'passwordEnv'];
  refuse([key], 'HALF_A_LOGIN', `${key} stands without ${other}`, `add ${other}, or remove ${key} for no login`);
}

function checkHost(key: 'host' | 'address', text: string, refuse: Refuse): void {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(text) || parseAddress(text) !== undefined) return;
  refuse([key], 'BAD_RECEIVER', `${key} is no name or address`, 'write one, without a port');
}

/** It is started from the root folder, by cron and service managers alike. */
function checkProgram(program: string, refuse: Refuse): void {
  if (program.startsWith('/') || !program.includes('/')) return;
  const what = `"${program}" is a path from a folder that a service does not start in`;
  refuse(['command', 0], 'BAD_COMMAND', what, 'write the whole path, from /');
}

const MAIL_PORTS = { required: 587, implicit: 465, none: 25 } as const;

function settingsOf(given: NotifierShape): NotifierSettings {
  const { name, least = 'info' } = given;
  const told = { name, least };
  switch (given.kind) {
    case 'webhook':
      return { ...told, kind: 'webhook', url: given.url, secretEnv: given.secretEnv };
    case 'slack':
      return { ...told, kind: 'slack', urlEnv: given.urlEnv };
    case 'email': {
      const { host, tls = 'required', port = MAIL_PORTS[tls], userEnv, passwordEnv, from, to } = given;
      return { ...told, kind: 'email', host, port, tls, userEnv, passwordEnv, from, to };
    }
    case 'syslog': {
      const { address, port = 514, protocol = 'udp', facility = 'daemon' } = given;
      return { ...told, kind: 'syslog', address, port, protocol, facility };
    }
    case 'exec':
      return { ...told, kind: 'exec', command: given.command };
    default:
      return unreachable(given);
  }
}
