/** Everything on a host that belongs to one generation or another, read past the agent; and what must never be left there. */

import * as fs from 'node:fs';
import { join } from 'node:path';
import type { LabHost } from '../../controller/lab/lab-host.js';
import { markedProcesses } from '../../controller/lab/host-processes.js';

export const MANAGED = [
  'etc/inet/ipsecinit.conf',
  'etc/inet/secret/ipseckeys',
  'etc/inet/ike/config',
  'etc/inet/secret/ike.preshared',
] as const;

/** A line each, sorted. */
export type Picture = readonly string[];

export async function pictureOf(host: LabHost): Promise<Picture> {
  await host.machine.idle();
  const files = MANAGED.map((file) => {
    const path = join(host.root, file);
    const stat = fs.statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return `file ${file} absent`;
    const text = fs.readFileSync(path, 'latin1');
    return `file ${file} ${(stat.mode & 0o7777).toString(8)} ${stat.uid}:${stat.gid} ${text.replace(/^# .*generation.*$/gm, '')}`;
  });
  const rules = (await run(host, 'ipsecconf', '-ln')).split('\n').filter((line) => line.startsWith('{'));
  const sas = (await run(host, 'ipseckey', '-n', '-s', '-'))
    .replace(/\s*\\\n\s*/g, ' ')
    .split('\n')
    .filter((line) => line.startsWith('add '));
  const daemon = host.machine.iked;
  const rulesOfDaemon = daemon === undefined ? 'absent' : await run(host, 'ikeadm', 'dump', 'rule');
  const services = (await run(host, 'svcs', '-aH', '-o', 'state,fmri'))
    .split('\n')
    .filter((line) => line.includes('ipsec'));
  return [
    ...files,
    ...rules.map((rule, at) => `rule ${String(at).padStart(3, '0')} ${rule.trimEnd()}`),
    ...sas.map((sa) => `sa ${sa.trim()}`),
    `daemon ${rulesOfDaemon}`,
    ...services.map((line) => `service ${line.replace(/\s+/g, ' ')}`),
  ].sort();
}

async function run(host: LabHost, tool: string, ...args: readonly string[]): Promise<string> {
  return (await host.machine.run(tool, args, { env: {}, stdin: '', cwd: host.root })).stdout;
}

/** How the second differs from the first, in short words that hold no key. */
export function differences(wanted: Picture, found: Picture): readonly string[] {
  const missing = wanted.filter((line) => !found.includes(line)).map(withoutKeys);
  const extra = found.filter((line) => !wanted.includes(line)).map(withoutKeys);
  return [
    ...missing.map((line) => `missing: ${fromWhereItDiffers(line, extra)}`),
    ...extra.map((line) => `extra: ${fromWhereItDiffers(line, missing)}`),
  ];
}

function withoutKeys(line: string): string {
  return line.replace(/[0-9a-f]{24,}/gi, '[key]').replace(/\s+/g, ' ');
}

/** The first words of a line, and where a line of the other picture with the same first words goes apart from it. */
function fromWhereItDiffers(line: string, others: readonly string[]): string {
  const name = line.slice(0, 25);
  const like = others.find((other) => other.startsWith(name));
  if (like === undefined) return line.slice(0, 160);
  let at = 0;
  while (at < line.length && line[at] === like[at]) at++;
  return `${name} … ${line.slice(Math.max(0, at - 60), at + 100)}`;
}

export function stateFolder(host: LabHost): string {
  return join(host.root, 'var/ipsec-deploy');
}

export function isOpen(host: LabHost): boolean {
  return fs.existsSync(join(stateFolder(host), 'tx/armed'));
}

/** The generation that counts: the highest that is confirmed. */
export function currentGeneration(host: LabHost): number {
  const folder = join(stateFolder(host), 'generations');
  const confirmed = fs
    .readdirSync(folder)
    .filter((name) => fs.statSync(join(folder, name, 'confirmed'), { throwIfNoEntry: false })?.isFile());
  return Math.max(...confirmed.map(Number));
}

export function processesOf(host: LabHost): readonly string[] {
  return markedProcesses((marker) => marker !== '' && host.root === `${marker}/root`)
    .map((pid) => {
      try {
        return fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').slice(0, 120);
      } catch {
        return '';
      }
    })
    .filter((line) => line !== '');
}

/** Names in the state folder and beside the managed files that no finished transaction leaves. */
export function leftovers(host: LabHost): readonly string[] {
  const state = stateFolder(host);
  const odd: string[] = [];
  for (const name of fs.readdirSync(state)) if (!['agent', 'generations', 'history'].includes(name)) odd.push(name);
  for (const name of fs.readdirSync(join(state, 'agent')))
    if (!/^[0-9a-f]{64}$|^boot$|^boot-guard\.xml$/.test(name)) odd.push(`agent/${name}`);
  for (const number of fs.readdirSync(join(state, 'generations'))) {
    const folder = join(state, 'generations', number);
    const names = fs.readdirSync(folder);
    if (!names.includes('confirmed') || !names.includes('manifest'))
      odd.push(`generations/${number}: ${names.join(' ')}`);
  }
  for (const folder of ['etc/inet', 'etc/inet/secret', 'etc/inet/ike'])
    for (const name of fs.readdirSync(join(host.root, folder)))
      if (/^\.|\.new$|\.was$|~$/.test(name)) odd.push(`${folder}/${name}`);
  return odd;
}
