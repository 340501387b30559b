/** The inventory file of an imported fleet, as an operator would have written it. */

import { type Address, formatAddress, formatPrefix, type Prefix } from '../model/address.js';
import type { HostFileTemplates, HostNames, SshAuth, SshJump, SshSettings, Suite } from '../model/host.js';
import type { FoundBypass } from './bypass-rules.js';
import type { CollectedHost } from './collected-host.js';
import type { FoundLink } from './find-links.js';

export interface AdoptedHost {
  readonly host: CollectedHost;
  readonly addresses: readonly Address[];
  readonly template: string;
  readonly files: HostFileTemplates;
  /** Whether modes and owners are to be left as they are. */
  readonly asFound: boolean;
  readonly names: HostNames;
  readonly bypasses: readonly FoundBypass[];
}

export interface InventoryHead {
  readonly fleet: string;
  readonly management: readonly Prefix[];
  readonly identityFile: boolean;
  readonly heldBack: ReadonlyMap<string, string>;
}

export function inventoryText(hosts: readonly AdoptedHost[], links: readonly FoundLink[], head: InventoryHead): string {
  const common = commonSsh(hosts.map(({ host }) => host.ssh));
  return `# Made by \`ipsec-deploy import\` from what the hosts had. The templates render their files as they were, so the first plan
# is empty. Every key is explained in the reference that comes with the package (inventory/reference.yaml).
version: 1
fleet: ${scalar(head.fleet)}

# SSH from here must never be cut off: every plan proves it. Add the stations that hosts are repaired from.
management: [${head.management.map((prefix) => scalar(formatPrefix(prefix))).join(', ')}]

settings:
  keyStore: keys.age # the keys that the hosts had
${head.identityFile ? '  identityFile: identity.txt # opens the key store: keep it out of version control, and a copy of it in a safe place\n' : ''}  templates: templates

defaults:
  ssh: ${flow(sshFields(common))}

hosts:
${hosts.map((host) => hostText(host, common)).join('')}
${linksText(links.filter(({ id }) => !head.heldBack.has(id)))}${heldBackText(links.filter(({ id }) => head.heldBack.has(id)))}`;
}

type Fields = readonly (readonly [key: string, value: string])[];

function hostText(
  { host, addresses, template, files, asFound, names, bypasses }: AdoptedHost,
  common: Partial<SshSettings>,
): string {
  const own = sshFields(without(host.ssh, common), addresses[0]);
  const lines: Fields = [
    ['address', list(addresses.map(formatAddress))],
    ['template', template],
    ...(Object.keys(files).length === 0
      ? []
      : [['files', flow(Object.entries(files).map(([key, name]) => [key, String(name)]))] as const]),
    ...(asFound ? [['modes', 'as-found # take this line out to make files 0400 or 0600 and root’s'] as const] : []),
    ...(names.size === 0
      ? []
      : [['names', flow([...names].map(([name, found]) => [scalar(name), list(found.map(formatAddress))]))] as const]),
    ...(bypasses.length === 0 ? [] : [['vars', varsText(bypasses)] as const]),
    ...(own.length === 0 ? [] : [['ssh', flow(own)] as const]),
    ...(host.ssh.hostKeys.length === 0 ? [] : [['hostKey', list(host.ssh.hostKeys)] as const]),
  ];
  return `  ${scalar(host.name)}:\n${lines.map(([key, value]) => `    ${key}: ${value}\n`).join('')}`;
}

function linksText(links: readonly FoundLink[]): string {
  if (links.length === 0)
    return '# No link was found that the inventory has words for: what is protected stands in the templates alone.\nlinks: []\n';
  return `# What the files protect between two ends, with the keys they have for it
links:
${links.map(linkText).join('')}`;
}

function heldBackText(links: readonly FoundLink[]): string {
  if (links.length === 0) return '';
  return `
# Not links yet: these ends do not agree with each other, as the report of the import says. Their keys are in the key store under
# these very links. Mend the templates, then move the lines up without the #.
${links.map((link) => `#${linkText(link)}`).join('')}`;
}

/** The template does not need them: the other ends of links do. */
function varsText(bypasses: readonly FoundBypass[]): string {
  const entries = bypasses.map((fields) =>
    flow(Object.entries(fields).map(([key, value]) => [key, scalar(String(value))])),
  );
  return `{ bypass: [${entries.join(', ')}] } # what its policy lets pass, for the other ends of links to mirror`;
}

function linkText({ host, peer, external, keying, suite }: FoundLink): string {
  const end =
    external === undefined
      ? scalar(peer)
      : flow([
          ['external', scalar(peer)],
          ['address', scalar(formatAddress(external))],
        ]);
  return `  - { between: [${scalar(host)}, ${end}], keying: ${keying}, suite: ${suiteText(suite)} }\n`;
}

function suiteText({ encr, encrAuth }: Suite): string {
  const cipher: Fields = [['encr', encr]];
  return flow(encrAuth === undefined ? cipher : [...cipher, ['encrAuth', encrAuth]]);
}

/** What every host has the same. */
function commonSsh(all: readonly SshSettings[]): Partial<SshSettings> {
  const [first] = all;
  if (first === undefined) return {};
  const isShared = (key: keyof SshSettings): boolean =>
    all.every((one) => JSON.stringify(one[key]) === JSON.stringify(first[key]));
  const { user, port, privilege, auth, connectTimeoutSeconds, replyTimeoutSeconds, knownHosts } = first;
  return {
    ...(isShared('user') ? { user } : {}),
    ...(isShared('port') ? { port } : {}),
    ...(isShared('privilege') ? { privilege } : {}),
    ...(isShared('auth') ? { auth } : {}),
    ...(isShared('connectTimeoutSeconds') ? { connectTimeoutSeconds } : {}),
    ...(isShared('replyTimeoutSeconds') ? { replyTimeoutSeconds } : {}),
    ...(isShared('knownHosts') ? { knownHosts } : {}),
    ...(isShared('proxyJump') && first.proxyJump !== undefined ? { proxyJump: first.proxyJump } : {}),
    ...(isShared('allow') && first.allow !== undefined ? { allow: first.allow } : {}),
    ...(isShared('rootPasswordEnv') && first.rootPasswordEnv !== undefined
      ? { rootPasswordEnv: first.rootPasswordEnv }
      : {}),
    ...(isShared('config') && first.config !== undefined ? { config: first.config } : {}),
  };
}

function without(ssh: SshSettings, common: Partial<SshSettings>): Partial<SshSettings> {
  const { hostKeys: _keys, ...mine } = ssh;
  return Object.fromEntries(Object.entries(mine).filter(([key]) => !(key in common)));
}

const DEFAULTS = { port: 22, privilege: 'none', connectTimeoutSeconds: 10, replyTimeoutSeconds: 60 } as const;

/** What is as it would be anyhow is not written; `host` is not where it is the host's first address. */
function sshFields(ssh: Partial<SshSettings>, first?: Address): Fields {
  const { host, port, user, privilege, auth, connectTimeoutSeconds, replyTimeoutSeconds, knownHosts } = ssh;
  const field = (key: string, value: string | number | undefined, usual?: string | number): Fields =>
    value === undefined || value === usual ? [] : [[key, scalar(String(value))]];
  return [
    ...field('host', host, first === undefined ? undefined : formatAddress(first)),
    ...field('port', port, DEFAULTS.port),
    ...field('user', user),
    ...field('privilege', privilege, DEFAULTS.privilege),
    ...(auth === undefined ? [] : [['auth', `[${auth.map(authText).join(', ')}]`] as const]),
    ...field('connectTimeoutSeconds', connectTimeoutSeconds, DEFAULTS.connectTimeoutSeconds),
    ...field('replyTimeoutSeconds', replyTimeoutSeconds, DEFAULTS.replyTimeoutSeconds),
    ...(knownHosts === undefined || knownHosts.length === 0 || knownHosts.join() === '~/.ssh/known_hosts'
      ? []
      : [['knownHosts', list(knownHosts)] as const]),
    ...(ssh.proxyJump === undefined ? [] : [['proxyJump', `[${ssh.proxyJump.map(jumpText).join(', ')}]`] as const]),
    ...(ssh.allow === undefined ? [] : [['allow', `[${ssh.allow.map(scalar).join(', ')}]`] as const]),
    ...field('rootPasswordEnv', ssh.rootPasswordEnv),
    ...field('config', ssh.config?.isNamed === true ? ssh.config.file : undefined),
  ];
}

function jumpText({ host, port, user, hostKeys, auth }: SshJump): string {
  return flow([
    ['host', scalar(host)],
    ...(port === undefined ? [] : [['port', String(port)] as const]),
    ...(user === undefined ? [] : [['user', scalar(user)] as const]),
    ...(hostKeys.length === 0 ? [] : [['hostKey', list(hostKeys)] as const]),
    ...(auth === undefined ? [] : [['auth', `[${auth.map(authText).join(', ')}]`] as const]),
  ]);
}

function authText(auth: SshAuth): string {
  switch (auth.kind) {
    case 'agent':
      return 'agent';
    case 'password':
      return auth.passwordEnv === undefined ? 'password' : flow([['passwordEnv', scalar(auth.passwordEnv)]]);
    case 'key': {
      const key = ['key', scalar(auth.file)] as const;
      return flow(auth.passphraseEnv === undefined ? [key] : [key, ['passphraseEnv', scalar(auth.passphraseEnv)]]);
    }
  }
}

function list(values: readonly string[]): string {
  const [first = ''] = values;
  return values.length === 1 ? scalar(first) : `[${values.map(scalar).join(', ')}]`;
}

function flow(fields: Fields): string {
  return `{ ${fields.map(([key, value]) => `${key}: ${value}`).join(', ')} }`;
}

/** Quoted unless it is a word or a path that YAML reads as text for certain; a JSON string is a YAML string. */
function scalar(text: string): string {
  return /^[A-Za-z/][A-Za-z0-9/_.-]*$/.test(text) && !/^(true|false|null|yes|no|on|off|y|n)$/i.test(text)
    ? text
    : /^\d+$/.test(text) || /^\d+(\.\d+){3}(\/\d+)?$/.test(text)
      ? text
      : JSON.stringify(text);
}
