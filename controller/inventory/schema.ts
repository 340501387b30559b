/** The shape of an inventory file: its keys, their types and what they mean. What values mean together is checked elsewhere. */

import { z } from 'zod';

import { driftShape } from './drift-schema.js';

const text = z.string().min(1);
const names = z.array(text);

function oneOrMore(item: z.ZodString): z.ZodUnion<readonly [z.ZodString, z.ZodArray<z.ZodString>]> {
  return z.union([item, z.array(item).min(1)]);
}

export const KEYINGS = ['ike-psk', 'manual'] as const;
export const PRIVILEGES = ['none', 'pfexec', 'sudo', 'su'] as const;

const template = text
  .describe('Name of the policy template: web-server, peer, host-to-host, mesh, or one from the templates folder.')
  .optional();

const vars = z
  .record(z.string(), z.json())
  .describe('Values for the template. Maps merge key by key, lists and plain values replace weaker ones.')
  .optional();

const keying = z
  .enum(KEYINGS)
  .describe('ike-psk: in.iked agrees on session keys with a pre-shared key. manual: fixed keys in ipseckeys.')
  .optional();

const suiteShape = z.strictObject({
  encr: z
    .union([z.string().min(1), z.null()])
    .describe('ESP cipher of ipsecalgs(1M), e.g. aes(256), aes-gcm16(256); "null" for integrity alone.'),
  encrAuth: text.describe('ESP integrity of ipsecalgs(1M), e.g. sha256. Not with aes-gcm and aes-ccm.').optional(),
});

const suite = z
  .union([z.literal('classic'), suiteShape])
  .describe('Algorithms. The word "classic" stands for blowfish with sha1, for old hosts only.')
  .optional();

const authMethod = z.strictObject({
  key: text.describe('Private key file.').optional(),
  passphraseEnv: text.describe("Environment variable that holds the key file's passphrase.").optional(),
  passwordEnv: text.describe('Environment variable that holds the password.').optional(),
});

const authMethods = z
  .array(z.union([z.enum(['agent', 'password']), authMethod]))
  .min(1)
  .describe('Ways to authenticate, tried in order; default [agent]. Never a password itself.')
  .optional();

const jumpShape = z.strictObject({
  host: text.describe('Name or address of the jump host.'),
  port: z.int().min(1).max(65535).describe('Default 22.').optional(),
  user: text.describe("Default: the host's ssh.user.").optional(),
  auth: authMethods,
  hostKey: oneOrMore(text).describe('SSH host key, "ssh-ed25519 AAAA…"; without it known_hosts decides.').optional(),
});

const sshShape = z.strictObject({
  host: text.describe("Name or address to connect to; default: the host's first address.").optional(),
  port: z.int().min(1).max(65535).describe('Default 22.').optional(),
  user: text.describe('User to log in as; required, usually once in defaults.').optional(),
  privilege: z.enum(PRIVILEGES).describe('How the user becomes root; default none.').optional(),
  auth: authMethods,
  connectTimeoutSeconds: z.int().min(1).max(600).describe('For TCP and SSH handshake together; default 10.').optional(),
  replyTimeoutSeconds: z.int().min(1).max(3600).describe('For any single reply of the host; default 60.').optional(),
  knownHosts: oneOrMore(text).describe('known_hosts files; default ~/.ssh/known_hosts.').optional(),
  proxyJump: z
    .union([text, z.array(z.union([text, jumpShape])).min(1)])
    .describe('Jump hosts on the way, the nearest first: [user@]host[:port] or a map; "none" for none.')
    .optional(),
  rootPasswordEnv: text.describe("Environment variable that holds root's password, for privilege su.").optional(),
  entry: text
    .describe('Path on the host of the entry that `privileges` prints: the agent is started through it alone.')
    .optional(),
  allow: names.describe('Old SSH algorithms spoken with this host, by name; default none.').optional(),
  config: text.describe('ssh_config file for what is left open here, or "none"; default ~/.ssh/config.').optional(),
});

const ssh = sshShape.describe('How to reach the hosts.').optional();

const files = z
  .strictObject({
    manualKeys: text.describe('Template of ipseckeys; default ipseckeys.').optional(),
    ikeConfig: text.describe('Template of ike/config; default ike-config.').optional(),
    presharedKeys: text.describe('Template of ike.preshared; default ike-preshared.').optional(),
  })
  .describe('Templates of the other files; a file named here is rendered even if no link needs it.')
  .optional();

const MODES = ['strict', 'as-found'] as const;

const modes = z
  .enum(MODES)
  .describe('as-found: files that are as wanted keep the mode and owner they have; default strict.')
  .optional();

const SYNTAXES = ['new', 'old'] as const;

const syntax = z
  .enum(SYNTAXES)
  .describe('old: policy entries of one direction each, as Solaris 8 reads them; default new.')
  .optional();

export const defaultsShape = z.strictObject({ template, vars, ssh, keying, suite, files, modes, syntax });

export const groupShape = z.strictObject({
  template,
  vars,
  ssh,
  keying,
  suite,
  files,
  modes,
  syntax,
  children: names.describe('Groups inside this one: their hosts are its hosts too.').optional(),
  hosts: names.describe('Hosts of this group by name, range or pattern, besides those that list it.').optional(),
});

export const hostShape = z.strictObject({
  address: oneOrMore(text).describe('Policy addresses, IPv4 or IPv6. Quote ranges: "10.0.1.[11:30]".'),
  groups: names.describe('Groups of the host; a later one overrides an earlier one.').optional(),
  template,
  vars,
  ssh,
  keying,
  suite,
  files,
  modes,
  syntax,
  names: z
    .record(z.string(), oneOrMore(text))
    .describe('Addresses of names that stand in its policy or key files, as the host itself resolves them.')
    .optional(),
  hostKey: oneOrMore(text).describe('SSH host key, "ssh-ed25519 AAAA…"; without it known_hosts decides.').optional(),
  platform: z
    .enum(['auto', 'solaris-smf', 'solaris-legacy'])
    .describe('Default auto: detected from the host.')
    .optional(),
});

const externalEnd = z.strictObject({
  external: text.describe('Name of an end that is not managed here.'),
  address: oneOrMore(text).describe('Its addresses.'),
});

const linkKeys = {
  keying,
  suite,
  probes: z.literal('off').describe('off: these links are not tried on the wire.').optional(),
};

export const betweenShape = z.strictObject({
  between: z
    .array(z.union([text, externalEnd]))
    .length(2)
    .describe('Two ends, each a host, group or pattern, or an external end: every pair across is a link.'),
  ...linkKeys,
});

export const meshShape = z.strictObject({
  mesh: oneOrMore(text).describe('Hosts, groups or patterns: every pair of them is a link.'),
  ...linkKeys,
});

export const testShape = z.strictObject({
  from: text.describe('Host, external end, address, prefix such as 10.0.0.0/8, or any, that sends.'),
  to: text.describe('Host, external end, address, prefix such as 10.0.0.0/8, or any, that receives.'),
  ulp: z
    .union([z.enum(['tcp', 'udp', 'icmp', 'ipv6-icmp']), z.int().min(0).max(255)])
    .describe('Upper-layer protocol.'),
  port: z.int().min(1).max(65535).describe('Destination port, with tcp and udp.').optional(),
  expect: z.enum(['protected', 'clear', 'refused']).describe('What must happen to the traffic.'),
});

const probesShape = z.strictObject({
  deadlineSeconds: z
    .int()
    .min(2)
    .max(120)
    .describe('Until a flow that must work has to have worked; default 10.')
    .optional(),
  links: z.int().min(1).max(1000).describe('Links of one host that are tried in one run; default 20.').optional(),
  ports: z.array(z.int().min(1).max(65535)).describe('TCP ports tried before others; default [22].').optional(),
});

export const settingsShape = z.strictObject({
  keyStore: text.describe('The age-encrypted key store; default keys.age.').optional(),
  identityFile: text.describe('age identity that opens the key store; default: ask for a passphrase.').optional(),
  recipients: names.describe('age recipients (age1…) who can open the key store besides.').optional(),
  templates: text.describe('Folder whose templates override the built-in ones by name.').optional(),
  logFile: text.describe('Log file; default: no log file.').optional(),
  forks: z.int().min(1).max(500).describe('Hosts worked on at once; default 20.').optional(),
  confirmWindowSeconds: z
    .int()
    .min(10)
    .max(3600)
    .describe('Until an unconfirmed change reverts; default 60.')
    .optional(),
  keepGenerations: z.int().min(2).max(1000).describe('Generations kept on each host; default 10.').optional(),
  probes: z
    .union([z.literal('off'), probesShape])
    .describe('How links are tried on the wire before a change is confirmed, or "off".')
    .optional(),
});

export const includeShape = oneOrMore(text);

export const inventoryShape = z.strictObject({
  version: z.literal(1).describe('Version of this format.').optional(),
  fleet: text.describe('Name of the fleet.').optional(),
  management: oneOrMore(text).describe('Addresses or prefixes whose SSH is never cut off.').optional(),
  defaults: defaultsShape.describe('Settings of every host, weakest first.').optional(),
  groups: z.record(z.string(), groupShape).describe('Groups of hosts by name.').optional(),
  hosts: z.record(z.string(), hostShape).describe('Hosts by name; a name may be a range, web[01:20].').optional(),
  links: z
    .array(z.union([betweenShape, meshShape]))
    .describe('Which hosts protect traffic between them.')
    .optional(),
  tests: z.array(testShape).describe('Flows asserted before every push.').optional(),
  include: includeShape.describe('More files, relative to this one.').optional(),
  settings: settingsShape.describe('Fleet-wide settings.').optional(),
  drift: driftShape.describe('How hosts are watched for drift, and who is told.').optional(),
});

export type SuiteShape = z.infer<typeof suiteShape> | 'classic';
export type SshShape = z.infer<typeof sshShape>;
export type DefaultsShape = z.infer<typeof defaultsShape>;
export type GroupShape = z.infer<typeof groupShape>;
export type HostShape = z.infer<typeof hostShape>;
export type BetweenShape = z.infer<typeof betweenShape>;
export type MeshShape = z.infer<typeof meshShape>;
export type TestShape = z.infer<typeof testShape>;
export type SettingsShape = z.infer<typeof settingsShape>;
