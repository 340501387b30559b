/** A command that runs on a host, as the agent's side of the link sees it. Types only; ssh.ts makes them. */

export interface ProcessEnd {
  /** Exit status; `undefined` when the connection broke or the host did not say. */
  readonly status: number | undefined;
  readonly signal: string | undefined;
  /** Why the connection ended, when it did so before the command. */
  readonly broken: string | undefined;
}

export interface ProcessEvents {
  stdout(chunk: Buffer): void;
  stderr(chunk: Buffer): void;
  /** Once, after the last output. */
  end(how: ProcessEnd): void;
}

export interface RemoteProcess {
  write(data: Buffer | string): void;
}

export interface Connection {
  /** Jump hosts on the way, the nearest first. */
  readonly through: readonly string[];
  /** Resolves when the host has accepted the command, on a terminal that does not echo if so asked. @throws HostLinkError */
  run(command: string, events: ProcessEvents, on?: 'terminal'): Promise<RemoteProcess>;
  /** Ends politely, or by force when the host does not answer. Never throws. */
  close(): Promise<void>;
  /** At once. */
  destroy(): void;
}
