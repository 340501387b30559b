/** The files of a host of the enforcing lab that a host of the plain one does without, and where each part of its tree is mounted. */

import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Address } from '../../model/address.js';
import type { PlatformName } from '../../platform/adapter.js';
import { hostPaths, stubTexts, type HostPaths } from '../host-folder.js';
import { hostKind } from '../host-kind.js';
import { packageFile } from '../package-root.js';
import { onlineCommands } from './network-plan.js';

/** Where a host finds its own folder, the bridge of its commands among it. */
const STAGE = '/mnt';
/** In a host's folder: where its platform's commands are mounted. */
const STUBS = 'stubs';

/** The machine's own shell: a host may have another in its place. */
const realShell = (): string => fs.realpathSync('/bin/sh');

export function enforcedPaths(labFolder: string, name: string): HostPaths {
  const paths = hostPaths(labFolder, name);
  return { ...paths, home: join(paths.root, 'root') };
}

export function stubFolder(labFolder: string, platform: PlatformName): string {
  return join(labFolder, 'stubs', platform);
}

/** What lies over the machine's /usr on each host of a platform: the commands at the paths they have there. */
export function writeStubs(labFolder: string, platform: PlatformName): void {
  const folder = stubFolder(labFolder, platform);
  fs.mkdirSync(join(folder, 'lib/svc'), { recursive: true });
  const texts = stubTexts([realShell()], platform, `${STAGE}/bridge`);
  for (const [command, text] of texts) {
    // /sbin is a part of /usr here.
    const inUsr = command.replace(/^usr\//, '');
    if (command.startsWith('etc/')) continue;
    const path = join(folder, inUsr);
    fs.mkdirSync(join(path, '..'), { recursive: true });
    fs.writeFileSync(path, withoutLimit(text), { mode: 0o755 });
  }
  // The machine's own is hidden under the one that may be wrong.
  fs.mkdirSync(join(folder, 'lib/ipsec-lab'), { recursive: true });
  fs.copyFileSync('/usr/bin/date', join(folder, 'lib/ipsec-lab/date'));
  const date = fs.readFileSync(packageFile('controller/lab/stubs/enforce/date.sh'), 'utf8');
  fs.writeFileSync(join(folder, 'bin/date'), date.replace('/bin/sh', realShell()), { mode: 0o755 });
}

/** What a stub tells the lab goes through even where the host's disk is full (stubs/enforce/disk.sh). */
function withoutLimit(stub: string): string {
  return stub.replace(/^umask 077$/m, '$&\nulimit -S -f unlimited');
}

/** /etc and the like, once; what stands there already is left alone. */
export function deliverTree({ root }: HostPaths, platform: PlatformName): void {
  for (const [folder, mode] of FOLDERS) {
    fs.mkdirSync(join(root, folder), { recursive: true });
    fs.chmodSync(join(root, folder), mode);
  }
  const shell = `/${hostKind(platform).loginShell ?? 'bin/sh'}`;
  const files: Readonly<Record<string, string>> = {
    'etc/passwd': `root:x:0:0:Super-User:/root:${shell}\ndeploy:x:0:0:Super-User:/root:${shell}\nsshd:x:22:22::/run/sshd:/usr/sbin/nologin\nnobody:x:65534:65534::/:/usr/sbin/nologin\n`,
    // The groups of system files as illumos numbers them.
    'etc/group': 'root:x:0:\nother:x:1:\nbin:x:2:\nsys:x:3:\nadm:x:4:\nsshd:x:22:\nnogroup:x:65534:\n',
    'etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files\nservices: files\nprotocols: files\n',
  };
  for (const [file, text] of Object.entries(files)) {
    const path = join(root, file);
    if (!fs.existsSync(path)) fs.writeFileSync(path, text, { mode: 0o644 });
  }
  const hosts = join(root, 'etc/hosts');
  if (!fs.existsSync(hosts)) fs.symlinkSync('inet/hosts', hosts);
  const texts = stubTexts([realShell()], platform, `${STAGE}/bridge`);
  for (const [command, text] of texts) {
    if (command.startsWith('etc/')) fs.writeFileSync(join(root, command), text, { mode: 0o755 });
  }
}

const FOLDERS: readonly (readonly [string, number])[] = [
  ['etc/alternatives', 0o755],
  ['var/log', 0o755],
  ['var/tmp', 0o1777],
  ['root', 0o700],
  ['tmp', 0o1777],
];

export interface BootFiles {
  readonly platform: PlatformName;
  readonly addresses: readonly Address[];
  readonly authorizedKeys: readonly string[];
}

/** What process 1 of the host needs, beside its root. */
export function writeBootFiles(paths: HostPaths, { platform, addresses, authorizedKeys }: BootFiles): void {
  const files = {
    mounts: mountTable(platform),
    network: onlineCommands(addresses),
    sshd_config: SSHD_CONFIG,
    'disk.sh': fs.readFileSync(packageFile('controller/lab/stubs/enforce/disk.sh'), 'utf8'),
    authorized_keys: authorizedKeys.map((line) => `${line}\n`).join(''),
  };
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(join(paths.folder, name), text, { mode: 0o600 });
  fs.mkdirSync(join(paths.folder, STUBS), { recursive: true });
}

/**
 * Lines of an fstab(5), in their order, once process 1 has mounted the commands in the host's folder and that in its place: here are
 * no paths of the lab's, which an overlay's options could not always write. The sources have names of their own: `mount -a` leaves out what it believes to be mounted.
 * /usr is the machine's under the host's commands, which nobody can write to.
 */
export function mountTable(platform: PlatformName): string {
  const bind = (from: string, to: string): string => `${from} ${to} none rbind 0 0\n`;
  const own = (inside: string, to = `/${inside}`): string => bind(`${STAGE}/root/${inside}`, to);
  return [
    `lab-usr /usr overlay lowerdir=${STAGE}/${STUBS}:/usr 0 0\n`,
    bind('/etc/alternatives', `${STAGE}/root/etc/alternatives`),
    ...['etc', 'var', 'tmp', 'root'].map((inside) => own(inside)),
    ...(platform === 'solaris-smf' ? [own('lib/svc', '/usr/lib/svc')] : []),
    'lab-run /run tmpfs mode=755,size=4m 0 0\n',
  ].join('');
}

const SSHD_CONFIG = `Port 22
HostKey ${STAGE}/ssh_host_ed25519_key
AuthorizedKeysFile ${STAGE}/authorized_keys
PidFile /run/sshd.pid
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
UseDNS no
PrintMotd no
PrintLastLog no
X11Forwarding no
MaxStartups 100:30:200
SetEnv PATH=/usr/sbin:/usr/bin:/sbin:/bin
Subsystem sftp internal-sftp
`;
