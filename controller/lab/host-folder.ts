/** Lays out a lab host's folder as a freshly installed illumos host would look, and the stubs of its commands. Owns paths and modes. */

import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { formatAddress, type Address } from '../model/address.js';
import type { PlatformName } from '../platform/adapter.js';
import { ALGORITHMS, type Algorithm } from '../policy/algorithms.js';
import { hostKind, type HostKind } from './host-kind.js';
import { packageFile } from './package-root.js';
import { fifoPaths, UNIT_SEPARATOR } from './tool-bridge.js';

export interface HostPaths {
  /** The host's own folder; everything else lies in it. */
  readonly folder: string;
  /** What the host sees as `/`. */
  readonly root: string;
  /** FIFOs and locks between the stubs and the lab. */
  readonly bridge: string;
  readonly home: string;
  readonly hostKey: string;
}

export function hostPaths(labFolder: string, name: string): HostPaths {
  const folder = join(labFolder, 'hosts', name);
  const inside = (part: string): string => join(folder, part);
  return {
    folder,
    root: inside('root'),
    bridge: inside('bridge'),
    home: inside('home'),
    hostKey: inside('ssh_host_ed25519_key'),
  };
}

/** Folders of the host that come before the machine's own on PATH. */
export function hostPathFolders(root: string): string[] {
  return ['usr/sbin', 'usr/bin', 'usr/lib/inet'].map((folder) => join(root, folder));
}

export interface Delivered {
  readonly name: string;
  readonly platform: PlatformName;
  readonly addresses: readonly Address[];
  /** The lab's hosts, for /etc/inet/hosts. */
  readonly hosts: ReadonlyMap<string, readonly Address[]>;
}

/** Makes the folders and files of a host as delivered. What stands there already is left alone. */
export function deliverHost(paths: HostPaths, host: Delivered): void {
  fs.mkdirSync(paths.root, { recursive: true, mode: 0o755 });
  fs.mkdirSync(paths.bridge, { recursive: true, mode: 0o700 });
  fs.mkdirSync(paths.home, { recursive: true, mode: 0o700 });
  const kind = hostKind(host.platform);
  for (const [folder, mode] of kind.folders) {
    const path = join(paths.root, folder);
    if (fs.existsSync(path)) continue;
    fs.mkdirSync(path, { recursive: true });
    fs.chmodSync(path, mode);
  }
  const files = {
    'etc/nodename': `${host.name}\n`,
    'etc/inet/hosts': hostsFile(host),
    'etc/inet/ipsecalgs': algorithmsFile(),
    'etc/inet/ipsecinit.sample': SAMPLE,
    ...kind.files,
  };
  for (const [file, text] of Object.entries(files)) {
    const path = join(paths.root, file);
    if (!fs.existsSync(path)) fs.writeFileSync(path, text, { mode: 0o644 });
  }
}

/** Writes the stubs, run by the given shell. */
export function installStubs(root: string, shell: readonly string[], platform: PlatformName): void {
  const bridge = '${0%/root/usr/*}/bridge';
  const own = stubTexts(shell, platform, bridge);
  for (const [command, text] of [...own, ...stubTexts(shell, platform, bridge, 'wireCommands')]) {
    const path = join(root, command);
    fs.rmSync(path, { force: true });
    fs.writeFileSync(path, text, { mode: 0o755 });
  }
}

/** The commands of a host by their paths under its root. `bridge`: where a stub finds it, as a shell word. */
export function stubTexts(
  shell: readonly string[],
  platform: PlatformName,
  bridge: string,
  which: 'commands' | 'wireCommands' = 'commands',
): ReadonlyMap<string, string> {
  const key = [platform, which, bridge, ...shell].join(' ');
  let texts = known.get(key);
  if (texts === undefined) known.set(key, (texts = new Map(readStubs(shell, hostKind(platform), which, bridge))));
  return texts;
}

const known = new Map<string, ReadonlyMap<string, string>>();

function readStubs(
  shell: readonly string[],
  { system, ...kind }: HostKind,
  which: 'commands' | 'wireCommands',
  bridge: string,
): [string, string][] {
  const program = shell.join(' ');
  const values = { us: UNIT_SEPARATOR, shell: program, bridge, ...system };
  return Object.entries(kind[which]).flatMap(([stub, paths]) => {
    let text = fs
      .readFileSync(packageFile(`controller/lab/stubs/${stub}`), 'utf8')
      .replace('#!/bin/sh', `#!${program}`);
    for (const [name, value] of Object.entries(values)) text = text.replaceAll(`@${name}@`, () => value);
    return paths.map((path): [string, string] => [path, text]);
  });
}

/** Empties what is memory on a real host. */
export function clearRunFolder(root: string): void {
  const run = join(root, 'var/run');
  for (const name of fs.readdirSync(run)) fs.rmSync(join(run, name), { recursive: true, force: true });
}

/** Makes the FIFOs of many hosts in few processes. */
export async function makeFifos(hosts: readonly HostPaths[]): Promise<void> {
  const missing = hosts.flatMap((host) => fifoPaths(host.bridge)).filter((path) => !fs.existsSync(path));
  for (let start = 0; start < missing.length; start += FIFOS_A_PROCESS) {
    await promisify(execFile)('mkfifo', ['-m', '600', '--', ...missing.slice(start, start + FIFOS_A_PROCESS)]);
  }
}

const FIFOS_A_PROCESS = 500;

function hostsFile(host: Delivered): string {
  const lines = [...host.hosts].flatMap(([name, addresses]) =>
    addresses.map((address) => `${formatAddress(address)}\t${name}\n`),
  );
  return `#\n# Internet host table\n#\n::1\tlocalhost\n127.0.0.1\tlocalhost loghost\n${lines.join('')}`;
}

function algorithmsFile(): string {
  const line = (item: Algorithm): string => {
    const sizes = `${item.defaultBits}/${item.minBits}-${item.maxBits},${item.stepBits}`;
    return `ALG|${item.kind === 'auth' ? 2 : 3}|${item.number}|${[item.name, ...item.aliases].join(',')}|${sizes}\n`;
  };
  return `# Do not edit this file: use ipsecalgs(1M).\nPROTO|2|AH\nPROTO|3|ESP\n${ALGORITHMS.map(line).join('')}`;
}

const SAMPLE = `# Sample IPsec policy. To use it, copy it to /etc/inet/ipsecinit.conf and change it.
#
# Web pages for everybody, all else between this host and 192.0.2.1 under ESP:
#
# {lport 80 ulp tcp dir both} bypass {}
# {raddr 192.0.2.1} ipsec {encr_algs aes encr_auth_algs sha256 sa shared}
`;
