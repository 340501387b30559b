/** Counts the processes of a traced session: every fork, those inside the host's own (simulated) tools left out. */

import { readFileSync } from 'node:fs';

/** `file` is the output of `strace -f -e trace=execve,clone,clone3,fork,vfork`. The first process counts as one. */
export function countProcesses(
  file: string,
  toolFolder: string,
): { readonly count: number; readonly programs: readonly string[] } {
  const tools = new Set<string>();
  const programs = new Map<string, string>();
  const parents = new Map<string, string>();
  let root: string | undefined;
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [, pid, call] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    if (pid === undefined || call === undefined) continue;
    root ??= pid;
    const program = /^execve\("([^"]+)"/.exec(call)?.[1];
    if (program !== undefined && !call.endsWith(')') && !tools.has(pid)) {
      programs.set(pid, program);
      if (program.startsWith(toolFolder)) tools.add(pid);
    }
    // A child may be seen at work before its parent is told of it, so who is whose is settled at the end.
    const child = /(?:clone3?|v?fork)(?:\(| resumed).*= (\d+)$/.exec(call)?.[1];
    if (child !== undefined) parents.set(child, pid);
  }
  const inTool = (pid: string | undefined): boolean =>
    pid !== undefined && (tools.has(pid) || inTool(parents.get(pid)));
  const counted = [root ?? '', ...parents.keys()].filter((pid) => !inTool(parents.get(pid)));
  return { count: counted.length, programs: counted.map((pid) => programs.get(pid) ?? '(subshell)') };
}
