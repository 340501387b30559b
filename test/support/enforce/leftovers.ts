/** What a lab may have left on this machine: processes, network namespaces, mounts. */

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** `net:[4026532…]` of each process that there is. */
export function netNamespaces(pids: readonly (number | undefined)[]): readonly string[] {
  return pids.flatMap((pid) => (pid === undefined ? [] : (look(() => readlinkSync(`/proc/${pid}/ns/net`)) ?? [])));
}

/** A line for each thing that is left of the lab in a folder, or that is in one of its network namespaces. */
export function leftOf(folder: string, namespaces: ReadonlySet<string>): readonly string[] {
  const ownMounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const left = ownMounts.filter((line) => line.includes(folder)).map((line) => `mount ${line}`);
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && name !== String(process.pid));
  for (const pid of pids) {
    const inside = look(() => readlinkSync(`/proc/${pid}/ns/net`)) ?? '';
    const words = ['cmdline', 'environ', 'mountinfo'].map((name) =>
      look(() => readFileSync(`/proc/${pid}/${name}`, 'latin1')),
    );
    if (!namespaces.has(inside) && !words.some((text) => text?.includes(folder) === true)) continue;
    left.push(`process ${pid} ${inside} ${(words[0] ?? '').replaceAll('\0', ' ')}`);
  }
  return left;
}

/** A process may end while it is looked at. */
function look<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
