/** What a lab host of each platform is delivered with: folders, commands and the stubs behind them, system name. Owns no I/O. */

import type { PlatformName } from '../platform/adapter.js';

export interface HostKind {
  /** Folders of a stock host with their modes. */
  readonly folders: readonly (readonly [string, number])[];
  /** Where each command lives on a stock host, by the stub that stands for it. */
  readonly commands: Readonly<Record<string, readonly string[]>>;
  /** Those that only a host without a network of its own has from the lab. */
  readonly wireCommands: Readonly<Record<string, readonly string[]>>;
  /** Files that come with the system beside those of every host. */
  readonly files: Readonly<Record<string, string>>;
  /** Words of uname: release, version, machine, processor. */
  readonly system: {
    readonly release: string;
    readonly version: string;
    readonly machine: string;
    readonly processor: string;
  };
  /** The shell that logins get, under the host's root; the lab's own where there is none. */
  readonly loginShell?: string;
}

/** Folders whose scripts run at boot on a host without services, in this order. */
export const BOOT_FOLDERS: readonly string[] = ['etc/rcS.d', 'etc/rc2.d'];

const EVERY_FOLDER: HostKind['folders'] = [
  ['etc/inet/secret', 0o700],
  ['etc/inet/secret/ike.privatekeys', 0o700],
  ['etc/inet/ike/publickeys', 0o755],
  ['etc/inet/ike/crls', 0o755],
  ['usr/sbin', 0o755],
  ['usr/bin', 0o755],
  ['usr/lib/inet', 0o755],
  ['var/run', 0o755],
  ['tmp', 0o1777],
];

const IPSEC_TOOLS = ['ipsecconf', 'ipseckey', 'ipsecalgs', 'ikeadm', 'ikecert'].map((name) => `usr/sbin/${name}`);
const PROCESS_TOOLS = ['usr/bin/pgrep', 'usr/bin/pkill', 'usr/lib/inet/in.iked'];
const EVERY_STUB = { 'uname.sh': ['usr/bin/uname', 'usr/bin/hostname'] };

const SMF: HostKind = {
  folders: [
    ...EVERY_FOLDER,
    ['var/svc/log', 0o755],
    ['var/svc/manifest/site', 0o755],
    ['lib/svc/method', 0o755],
    ['lib/svc/manifest/network/ipsec', 0o755],
  ],
  commands: {
    ...EVERY_STUB,
    'tool.sh': [
      ...IPSEC_TOOLS,
      ...PROCESS_TOOLS,
      ...['usr/sbin/svcadm', 'usr/sbin/svccfg', 'usr/bin/svcs', 'usr/bin/svcprop'],
    ],
    'privilege.sh': ['usr/bin/pfexec', 'usr/bin/sudo'],
  },
  wireCommands: { 'tool.sh': ['usr/sbin/ping', 'usr/bin/nc'] },
  files: {
    'lib/svc/manifest/network/ipsec/policy.xml': '<!-- The stock services of a lab host are built in. -->\n',
  },
  system: { release: '5.11', version: 'omnios-r151046', machine: 'i86pc', processor: 'i386' },
};

/** Solaris 9: no services, and init scripts load what there is. */
const LEGACY: HostKind = {
  folders: [
    ...EVERY_FOLDER,
    ['etc/init.d', 0o755],
    ['etc/rcS.d', 0o755],
    ['etc/rc2.d', 0o755],
    ['sbin', 0o755],
    ['usr/xpg4/bin', 0o755],
  ],
  commands: {
    ...EVERY_STUB,
    'tool.sh': [...IPSEC_TOOLS, ...PROCESS_TOOLS],
    'privilege.sh': ['usr/bin/sudo', 'usr/bin/pfexec'],
    'bourne.sh': ['sbin/sh', 'usr/bin/sh'],
    'xpg4-sh.sh': ['usr/xpg4/bin/sh'],
    'inetinit.sh': ['etc/init.d/inetinit', 'etc/rc2.d/S69inet'],
  },
  wireCommands: { 'tool.sh': ['usr/sbin/ping'] },
  files: {},
  system: { release: '5.9', version: 'Generic_122300-60', machine: 'sun4u', processor: 'sparc' },
  loginShell: 'usr/bin/sh',
};

const KINDS: Readonly<Record<PlatformName, HostKind>> = { 'solaris-smf': SMF, 'solaris-legacy': LEGACY };

export function hostKind(platform: PlatformName): HostKind {
  return KINDS[platform];
}
