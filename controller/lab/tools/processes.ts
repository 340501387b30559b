/** pgrep(1) and pkill(1) for the one simulated daemon of a host. */

import { readOptions } from './getopt.js';
import type { ToolReply } from './tool.js';

export interface SimulatedProcess {
  readonly name: string;
  readonly pid: number;
}

export interface ProcessSearch {
  readonly reply: ToolReply;
  /** Processes a signal goes to. */
  readonly hit: readonly SimulatedProcess[];
  readonly signal: string;
}

export function searchProcesses(
  tool: 'pgrep' | 'pkill',
  args: readonly string[],
  processes: readonly SimulatedProcess[],
): ProcessSearch {
  const [first = ''] = args;
  const given = tool === 'pkill' ? /^-(?:SIG)?([A-Z]+\d?|\d+)$/.exec(first)?.[1] : undefined;
  const signal = given ?? 'TERM';
  const { options, operands, bad } = readOptions(
    given === undefined ? args : args.slice(1),
    'flvxnod:P:g:s:u:U:G:J:T:t:z:c:',
  );
  const [pattern] = operands;
  if (bad !== undefined || pattern === undefined) {
    return { reply: { exit: 2, stdout: '', stderr: `Usage: ${tool} [-flnovx] pattern\n` }, hit: [], signal };
  }
  const flags = new Set(options.map(({ letter }) => letter));
  const fits = new RegExp(flags.has('x') ? `^(?:${pattern})$` : pattern);
  const hit = processes.filter(({ name }) => fits.test(flags.has('f') ? `/usr/lib/inet/${name}` : name));
  const exit = hit.length > 0 ? 0 : 1;
  const lines = hit.map(({ name, pid }) => (flags.has('l') ? `${String(pid).padStart(5)} ${name}\n` : `${pid}\n`));
  return { reply: { exit, stdout: tool === 'pgrep' ? lines.join('') : '', stderr: '' }, hit, signal };
}
