/** The shells the agent must run under, and which of them this run is for. */

import { spawnSync } from 'node:child_process';

export interface TestedShell {
  readonly name: string;
  /** The command that runs a script. */
  readonly program: readonly string[];
  /** Of Debian. */
  readonly package: string;
}

const OWN: TestedShell = { name: 'sh', program: ['sh'], package: 'dash' };

export const SHELLS: readonly TestedShell[] = [
  { name: 'dash', program: ['dash'], package: 'dash' },
  { name: 'bash --posix', program: ['bash', '--posix'], package: 'bash' },
  { name: 'ksh93', program: ['ksh93'], package: 'ksh' },
  { name: 'mksh', program: ['mksh'], package: 'mksh' },
  { name: 'busybox sh', program: ['busybox', 'sh'], package: 'busybox' },
  { name: 'yash', program: ['yash'], package: 'yash' },
];

/**
 * By AGENT_SHELLS: `all`, the name of one, or without it the machine's own `sh`.
 * @throws Error when one is not there: a shell that nobody tried is not known to work
 */
export function wantedShells(): readonly TestedShell[] {
  const wanted = process.env['AGENT_SHELLS'];
  const shells = wanted === 'all' ? SHELLS : [wanted === undefined ? OWN : shellNamed(wanted)];
  const missing = shells.filter(({ program }) => !shellIsThere(program));
  if (missing.length === 0) return shells;
  const told = missing.map((shell) => `${shell.name} (package ${shell.package})`);
  throw new Error(`the agent must be tried under shells that are not on this machine: ${told.join(', ')}`);
}

/** The one shell of a suite that is run once for each. */
export function wantedShell(): TestedShell {
  const wanted = process.env['AGENT_SHELLS'];
  return wanted === undefined || wanted === 'all' ? OWN : (wantedShells()[0] ?? OWN);
}

function shellNamed(name: string): TestedShell {
  const shell = SHELLS.find((one) => one.name === name);
  if (shell === undefined)
    throw new Error(`AGENT_SHELLS=${name}: known are all, ${SHELLS.map((one) => one.name).join(', ')}`);
  return shell;
}

function shellIsThere(program: readonly string[]): boolean {
  return spawnSync(program[0] ?? '', [...program.slice(1), '-c', 'exit 0']).status === 0;
}
