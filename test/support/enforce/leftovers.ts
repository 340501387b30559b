/** What a lab may have left on this machine: processes, network namespaces, mounts. */

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Ticks of /proc/PID/stat in a second, on every Linux that Node runs on. */
const TICKS = 100;

/** `net:[4026532…]` of each process that there is. */
export function netNamespaces(pids: readonly (number | undefined)[]): readonly string[] {
  return pids.flatMap((pid) => (pid === undefined ? [] : (look(() => readlinkSync(`/proc/${pid}/ns/net`)) ?? [])));
}

/** In clock ticks since the machine began. */
export function ticksNow(): number {
  return Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]) * TICKS;
}

/**
 * A line for each thing that is left of the lab in a folder, or that is in one of its network namespaces. Numbers of namespaces are
 * given anew: who began after the lab's end is in another's.
 */
export function leftOf(folder: string, namespaces: ReadonlySet<string>, end = Infinity): readonly string[] {
  const ownMounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const left = ownMounts.filter((line) => line.includes(folder)).map((line) => `mount ${line}`);
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && name !== String(process.pid));
  for (const pid of pids) {
    const inside = look(() => readlinkSync(`/proc/${pid}/ns/net`)) ?? '';
    const words = ['cmdline', 'environ', 'mountinfo'].map((name) =>
      look(() => readFileSync(`/proc/${pid}/${name}`, 'utf8')),
    );
    const isInside = namespaces.has(inside) && begunAt(pid) < end;
    if (!isInside && !words.some((text) => text?.includes(folder) === true)) continue;
    left.push(`process ${pid} ${inside} ${(words[0] ?? '').replaceAll('\0', ' ')}`);
  }
  return left;
}

/** The 22nd field of proc(5)'s stat; the second, a name in brackets, may hold spaces. */
function begunAt(pid: string): number {
  const stat = look(() => readFileSync(`/proc/${pid}/stat`, 'latin1')) ?? '';
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? Infinity);
}

/** A process may end while it is looked at. */
function look<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
