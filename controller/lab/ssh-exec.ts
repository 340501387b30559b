/** Joins the channel of an SSH session to the process it runs, with back-pressure both ways. Owns the order in which the two end. */

import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import type { ServerChannel } from 'ssh2';
import { faultyOutput, watchInput, type SshFaults } from './ssh-faults.js';

/**
 * When the connection breaks the process only sees its pipes close, as under sshd: what it detached lives on.
 * While any process holds the pipes the channel stays open.
 */
export function joinChannel(
  channel: ServerChannel,
  child: ChildProcessWithoutNullStreams,
  faults: SshFaults,
  drop: () => void,
): void {
  const { stdin, stdout, stderr } = child;
  for (const stream of [channel, channel.stderr, stdin, stdout, stderr]) stream.on('error', () => stream.destroy());
  watchInput(channel, faults, drop);
  for (const stream of [stdout, stderr]) stream.on('data', (chunk: Buffer) => faults.overhear?.(chunk));
  channel.pipe(stdin);
  const output = stdout.pipe(faultyOutput(faults, drop));
  output.pipe(channel, { end: false });
  stderr.pipe(channel.stderr);
  channel.once('close', () => {
    for (const stream of [stdin, stdout, stderr]) stream.destroy();
  });

  // The last bytes of stdout and stderr go before the status; a command that could not be started has neither.
  const parts = [ended(output, 'end'), ended(channel.stderr, 'finish'), status(child)] as const;
  void Promise.all(parts).then(([, , { code, signal }]) => {
    if (channel.writableEnded) return;
    if (signal === null) channel.exit(code ?? 127);
    else channel.exit(signal.replace(/^SIG/, ''));
    channel.end();
  });
}

function ended(stream: Readable | Writable, event: 'end' | 'finish'): Promise<void> {
  return new Promise((resolve) => stream.once(event, () => resolve()));
}

interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

function status(child: ChildProcessWithoutNullStreams): Promise<Ending> {
  return new Promise((resolve) => {
    child.once('error', () => resolve({ code: 127, signal: null }));
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
}
