/** What every simulated host command is given and what it answers. Types only: the edge supplies files, time and names. */

import type { HostNames } from '../../keys/kernel/address-lookup.js';
import type { Address } from '../../model/address.js';

export interface FileInfo {
  readonly kind: 'file' | 'directory' | 'other';
  /** Permission bits only, e.g. 0o600. */
  readonly mode: number;
  /** Owner as the simulated host sees it: 0 is root. */
  readonly uid: number;
  /** Hard links to the file. */
  readonly links: number;
  /** Bytes. */
  readonly size: number;
}

/** The part of the lab machine's disk that a simulated command may touch. Paths are real ones, already under the host's root. */
export interface FileAccess {
  /** The text of a file (UTF-8), or `undefined` when there is none. */
  read(path: string): Promise<string | undefined>;
  /** What stands at a path, links followed; `undefined` when nothing does. */
  stat(path: string): Promise<FileInfo | undefined>;
  /** Creates or truncates. `mode` applies to a file that is created and leaves an existing one's mode alone. */
  write(path: string, text: string, mode: number): Promise<void>;
  append(path: string, text: string, mode: number): Promise<void>;
  remove(path: string): Promise<void>;
}

/** Names a host resolves from its own files. */
export type { HostNames };

export interface ToolCall {
  /** Arguments after the command's name. */
  readonly args: readonly string[];
  /** `SMF_FMRI` decides how the IPsec commands report and exit. */
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: string;
  /** Where relative paths start: a real path on the machine that runs the lab. */
  readonly cwd: string;
  /** Prefix of the host's file tree, without a slash at the end; default paths such as /etc/inet/ike/config are under it. */
  readonly root: string;
  readonly files: FileAccess;
  /** The host's own addresses. */
  readonly addresses: readonly Address[];
  readonly hostNames: HostNames;
  readonly now: Date;
  /** Process id the command believes it has. */
  readonly pid: number;
  /** Whether the command's process is still there: one that was killed changes nothing more. Absent where it cannot be killed. */
  readonly isAlive?: (() => boolean) | undefined;
}

export interface ToolReply {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that reads and may replace one part of the kernel's state, given and returned as an immutable value. */
export type SimulatedTool<State> = (call: ToolCall, state: State) => Promise<ToolReply & { readonly state: State }>;

/** Where a path argument points: absolute ones as they are, others from the caller's folder. */
export function resolveArgument(call: Pick<ToolCall, 'cwd'>, path: string): string {
  return path.startsWith('/') ? path : `${call.cwd}/${path}`;
}

/** Where one of the host's own absolute paths lies on the lab machine; a path already under the root stays. */
export function underRoot(root: string, path: string): string {
  return path === root || path.startsWith(`${root}/`) ? path : `${root}${path}`;
}
