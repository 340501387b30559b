/** Finds in the output of strace whatever changes a file: opens for writing, renames, removals, new names and modes. */

import { readFileSync } from 'node:fs';

const CHANGES =
  /^(?:(?:openat|openat2|open)\(.*(?:O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND|O_TMPFILE)|(?:creat|truncate|ftruncate|fallocate|renameat2?|rename|unlinkat|unlink|rmdir|mkdirat|mkdir|mknodat|mknod|linkat|link|symlinkat|symlink|fchmodat2?|fchmod|chmod|fchownat|fchown|lchown|chown|utimensat|utimes|futimesat|utime|setxattr|lsetxattr|fsetxattr|removexattr|memfd_create|mount|umount2)\()/;

/** No file: what is written there is nowhere. ksh93 makes its pipes of sockets and gives those a mode. */
const NOWHERE = /^open(?:at)?\((?:AT_FDCWD(?:<[^>]*>)?, )?"\/dev\/(?:null|tty)"|^fchmod\(\d+<(?:socket|UNIX|pipe)/;

/**
 * Such calls of a traced session (`strace -f -y -e trace=process,file,desc`), those of the host's own simulated tools left out;
 * calls that failed count too, except for what is not there at all.
 */
export function writesIn(file: string, toolFolder: string): readonly string[] {
  const tools = new Set<string>();
  const parents = new Map<string, string>();
  const found: { readonly pid: string; readonly call: string }[] = [];
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [, pid, call] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    if (pid === undefined || call === undefined) continue;
    const program = /^execve\("([^"]+)"/.exec(call)?.[1];
    if (program?.startsWith(toolFolder) === true && !call.includes('ENOENT')) tools.add(pid);
    const child = /(?:clone3?|v?fork)(?:\(| resumed).*= (\d+)$/.exec(call)?.[1];
    if (child !== undefined) parents.set(child, pid);
    if (CHANGES.test(call) && !NOWHERE.test(call) && !tools.has(pid)) found.push({ pid, call });
  }
  const inTool = (pid: string | undefined): boolean =>
    pid !== undefined && (tools.has(pid) || inTool(parents.get(pid)));
  return found.filter(({ pid }) => !inTool(parents.get(pid))).map(({ call }) => call);
}
