/** One run of the simulated ipsecconf(8): what it is given, what it has said so far, and the files it reaches. */

import type { Action } from '../../model/policy.js';
import { fromBytes, toBytes } from '../../policy/line-pieces.js';
import type { NameTables } from '../../policy/name-tables.js';
import type { Spd } from '../../policy/spd.js';

export const POLICY_LOG = '/var/run/ipsecpolicy.conf';

/** The host's files by path. A directory reads as empty text, as it does for the real program. */
export interface ToolFiles {
  readonly read: (path: string) => string | undefined;
  readonly write: (path: string, text: string) => void;
}

export interface ToolCall {
  /** Without the program's name. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: string;
  readonly files: ToolFiles;
  /** The kernel's policy. */
  readonly state: Spd;
  /** The command from before the services: fewer options, and no word of smf(5). */
  readonly early?: boolean;
  /** Defaults to a fresh host's. */
  readonly names?: NameTables;
  /** Whether the caller holds PRIV_SYS_IP_CONFIG; default yes. */
  readonly privileged?: boolean;
}

export interface ToolResult {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly state: Spd;
  /** Lists of alternatives the kernel was given, in order: it never forgets them. */
  readonly offered: readonly (readonly Action[])[];
}

/** A run under way: what it has printed, and the policy as it now is. */
export interface Running {
  readonly call: ToolCall;
  /** The service on whose behalf the command runs. */
  readonly service: string | undefined;
  stdout: string;
  stderr: string;
  state: Spd;
  offered: readonly (readonly Action[])[];
}

export function warn(run: Running, message: string): void {
  run.stderr += `ipsecconf: ${message}\n`;
}

/** The log's bytes; undefined when there is no log yet. */
export function readLog(run: Running): string | undefined {
  const text = run.call.files.read(POLICY_LOG);
  return text === undefined ? undefined : toBytes(text);
}

export function writeLog(run: Running, bytes: string): void {
  run.call.files.write(POLICY_LOG, fromBytes(bytes));
}

/** Reads the file an option names; `-` is standard input. */
export function readInput(run: Running, file: string): string | undefined {
  return file === '-' ? run.call.stdin : run.call.files.read(file);
}
