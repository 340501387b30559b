/** Which of a host's shells reads what we send: on Solaris 10 and before /bin/sh is a Bourne shell, and the POSIX one stands elsewhere. */

/** What every host has at least: sudoers lines and messages name both. */
export const SHELL_PATHS = ['/bin/sh', '/usr/xpg4/bin/sh'] as const;

/**
 * A command line for any login shell, the Bourne shell and csh among them, in which `$sh` stands for the POSIX shell. Costs no round trip
 * and no process, since each shell becomes the next. The prefix is the lab's and empty elsewhere, as in the agent.
 */
export function underPosixShell(command: string): string {
  if (command.includes("'")) throw new Error(`a command that is quoted holds a quote: ${command}`);
  const [sh, posix] = SHELL_PATHS;
  return `${sh} -c 'sh=${sh}; x="$IPSEC_AGENT_ROOT${posix}"; test -x "$x" && sh=$x; exec ${command}'`;
}
