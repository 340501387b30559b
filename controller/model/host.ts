/** What the operator asked for, once read and checked: hosts, links, and how to reach and render them. */

import type { SourcePosition } from '../errors.js';
import type { Address, Prefix } from './address.js';
import type { DriftSettings } from './drift.js';
import type { ProbeSettings } from './link-probe.js';
import type { PolicySyntax } from './policy.js';

export type Keying = 'ike-psk' | 'manual';

/** Algorithms of a link in the words of ipsecalgs(1M), e.g. `aes(256)` and `sha256`. */
export interface Suite {
  /** ESP cipher; `null` for integrity alone. A combined-mode cipher (aes-gcm, aes-ccm) goes without `encrAuth`. */
  readonly encr: string;
  readonly encrAuth?: string;
}

export type Privilege = 'none' | 'pfexec' | 'sudo' | 'su';

/** How the controller reaches a host. Secrets are references: an environment variable's or file's name, never a value. */
export interface SshSettings {
  /** Where to connect: a name or an address. Defaults to the host's first address. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly privilege: Privilege;
  /** `agent` = the SSH agent at `SSH_AUTH_SOCK`. */
  readonly auth: readonly SshAuth[];
  /** Seconds for TCP connect and SSH handshake together. */
  readonly connectTimeoutSeconds: number;
  /** Seconds any single reply of the host may take. */
  readonly replyTimeoutSeconds: number;
  /** Lines in known_hosts format, or `ssh-ed25519 AAAA…`; empty = look in `knownHosts`. */
  readonly hostKeys: readonly string[];
  /** known_hosts files, tried when `hostKeys` is empty. */
  readonly knownHosts: readonly string[];
  /** Machines the connection goes through, the nearest to us first; absent = straight to the host. */
  readonly proxyJump?: readonly SshJump[];
  /** Old algorithms (model/ssh-algorithms.ts) that may be spoken with this host and its jump hosts. */
  readonly allow?: readonly string[];
  /** Environment variable with root's password, for `su`; absent = asked for on the terminal. */
  readonly rootPasswordEnv?: string;
  /** Path on the host of the script that runs the agent and nothing else (`privileges`); absent = any text may be run as root. */
  readonly entry?: string;
  /** Where the settings that the inventory leaves open are looked up; absent = nowhere. */
  readonly config?: SshConfigUse;
}

/** A machine on the way to a host. What it leaves open is as for the host. */
export interface SshJump {
  readonly host: string;
  readonly port?: number;
  readonly user?: string;
  readonly auth?: readonly SshAuth[];
  readonly hostKeys: readonly string[];
}

/** An ssh_config(5) file, and which settings of a host it may fill in: those that no place of the inventory speaks of. */
export interface SshConfigUse {
  readonly file: string;
  /** The inventory names the file: then it must be there. */
  readonly isNamed: boolean;
  readonly open: readonly SshOpenSetting[];
}

/** `host` is open where the inventory names an alias (`ssh.host`), which the file may have an address for. */
export type SshOpenSetting = 'host' | 'port' | 'user' | 'auth' | 'connectTimeoutSeconds' | 'knownHosts' | 'proxyJump';

export type SshAuth =
  | { readonly kind: 'agent' }
  /** An unencrypted or encrypted private key file; the passphrase is read from the terminal or the named variable. */
  | { readonly kind: 'key'; readonly file: string; readonly passphraseEnv?: string }
  /** The password is read from the named environment variable, or asked for on the terminal when there is none. */
  | { readonly kind: 'password'; readonly passwordEnv?: string };

export interface Host {
  readonly name: string;
  /** Policy addresses, in the order written; the first is the one links use unless a family forces another. */
  readonly addresses: readonly Address[];
  /** Every group the host is in, outermost first: also the order of precedence of vars, weakest first. */
  readonly groups: readonly string[];
  readonly platform: 'auto' | 'solaris-smf' | 'solaris-legacy';
  /** `old`: its policy is written in entries of one direction each, for an ipsecconf that knows no others (Solaris 8). */
  readonly syntax?: PolicySyntax;
  readonly ssh: SshSettings;
  /** Name of the policy template: `web-server`, `peer`, `host-to-host`, `mesh`, or one of the operator's. */
  readonly template: string;
  readonly vars: Readonly<Record<string, Value>>;
  /** Templates of its files besides the policy; a file named here is rendered whether or not a link needs it. */
  readonly files?: HostFileTemplates;
  /** `as-found`: a file that is otherwise as wanted keeps its mode and owner. */
  readonly modes?: FileModes;
  /** What names in its policy and key files stand for on the host. */
  readonly names?: HostNames;
  readonly at: SourcePosition;
}

export interface HostFileTemplates {
  readonly manualKeys?: string;
  readonly ikeConfig?: string;
  readonly presharedKeys?: string;
}

export type FileModes = 'strict' | 'as-found';

export type HostNames = ReadonlyMap<string, readonly Address[]>;

export type Value = null | boolean | number | string | readonly Value[] | { readonly [key: string]: Value };

/** One end of a link. */
export type LinkEnd =
  | { readonly kind: 'host'; readonly host: string }
  | { readonly kind: 'external'; readonly name: string; readonly addresses: readonly Address[] };

/** Two ends that protect what passes between them. Made from one line of `links:`, once for each pair. */
export interface Link {
  /** `a--b`, the ends' names in code-point order: stable from run to run, and the name its keys are stored under. */
  readonly id: string;
  readonly ends: readonly [LinkEnd, LinkEnd];
  readonly keying: Keying;
  readonly suite: Suite;
  /** Not tried on the wire. */
  readonly probes?: 'off';
  readonly at: SourcePosition;
}

/** One line of `tests:`: asserted on the rendered policies before every push. */
export interface FlowTest {
  readonly from: FlowPeer;
  readonly to: FlowPeer;
  readonly ulp: 'tcp' | 'udp' | 'icmp' | 'ipv6-icmp' | number;
  /** Destination port. */
  readonly port?: number;
  readonly expect: 'protected' | 'clear' | 'refused';
  readonly at: SourcePosition;
}

export type FlowPeer =
  /** One of the host's addresses, or all of them. */
  | { readonly kind: 'host'; readonly host: string; readonly address?: Address }
  /** An end that is not ours, with the files that are handed over to it. */
  | { readonly kind: 'external'; readonly name: string; readonly addresses: readonly Address[] }
  /** A machine without any policy. */
  | { readonly kind: 'address'; readonly address: Address }
  /** Every address of these blocks, as of machines without any policy. */
  | { readonly kind: 'prefixes'; readonly prefixes: readonly Prefix[] };

export interface Inventory {
  readonly fleet: string;
  /** Sources of SSH that may never be cut off. */
  readonly management: readonly Prefix[];
  /** In inventory order. */
  readonly hosts: readonly Host[];
  readonly links: readonly Link[];
  readonly tests: readonly FlowTest[];
  readonly settings: Settings;
  /** Group name to its members, nested groups resolved. */
  readonly groups: ReadonlyMap<string, readonly string[]>;
}

/** Fleet-wide settings, all with defaults. Paths are resolved against the inventory file's folder. */
export interface Settings {
  /** The age-encrypted key store. */
  readonly keyStore: string;
  /** age identity file that opens it; absent = passphrase. */
  readonly identityFile?: string;
  /** age recipients (`age1…`) who can open it, besides the identity's own. */
  readonly recipients: readonly string[];
  /** Folder whose templates override the built-in ones by name. */
  readonly templates?: string;
  readonly logFile?: string;
  /** Hosts worked on at once. */
  readonly forks: number;
  /** Seconds until an unconfirmed change reverts. */
  readonly confirmWindowSeconds: number;
  /** Generations kept on each host. */
  readonly keepGenerations: number;
  /** How hosts are watched, and who is told. */
  readonly drift: DriftSettings;
  /** Whether and how links are tried before a change is confirmed; absent = as usual (`DEFAULT_PROBES`). */
  readonly probes?: ProbeSettings | 'off';
}
