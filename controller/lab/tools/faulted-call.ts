/** What a fault makes of a call that it hits. */

import type { Clock } from '../../ports.js';
import type { Fault, FaultHit } from './faults.js';
import type { FileAccess, ToolCall, ToolReply } from './tool.js';

/** Commands that only ask for things: a lie is to say yes. */
const DEAF_TOOLS: readonly string[] = ['svcadm', 'svccfg', 'pkill', 'in.iked', 'ikeadm'];

const OK: ToolReply = { exit: 0, stdout: '', stderr: '' };

/** A process that was killed when the power went. */
export const KILLED: ToolReply = { exit: 137, stdout: '', stderr: '' };

export interface FaultedCall {
  readonly tool: string;
  readonly call: ToolCall;
  readonly clock: Clock;
  /** Of the host: over when the power goes. */
  readonly life: AbortSignal;
  readonly run: (call: ToolCall) => Promise<ToolReply>;
  /** Runs it so that the kernel does not hear of it. */
  readonly runDeaf: (call: ToolCall) => Promise<ToolReply>;
  readonly startDaemon: (call: ToolCall, fault: Fault) => Promise<ToolReply>;
}

export async function answerUnder({ fault, released }: FaultHit, faulted: FaultedCall): Promise<ToolReply> {
  const { tool, call, clock, life, run, startDaemon } = faulted;
  switch (fault.kind) {
    case 'lie':
      return lie(faulted);
    case 'fail':
      return { exit: fault.exit ?? 1, stdout: '', stderr: fault.stderr ?? `${tool}: failed\n` };
    case 'hang':
      await released;
      return life.aborted ? KILLED : run(call);
    case 'late':
      await clock.after(fault.seconds);
      return life.aborted ? KILLED : run(call);
    case 'early':
      // The work goes on behind the answer; a power cut in between ends it.
      void later(fault.seconds, faulted);
      return OK;
    case 'dies':
    case 'stale':
      return tool === 'in.iked' ? startDaemon(call, fault) : run(call);
    case 'out-of-step':
      return run(call);
  }
}

async function later(seconds: number, { call, clock, life, run }: FaultedCall): Promise<void> {
  await clock.after(seconds);
  // Its process has its answer and is gone.
  if (!life.aborted) await run({ ...call, isAlive: undefined });
}

/** The answer is the usual one; neither the kernel nor a file is other than before. */
async function lie({ tool, call, runDeaf }: FaultedCall): Promise<ToolReply> {
  if (DEAF_TOOLS.includes(tool)) return OK;
  const { files } = call;
  const deaf: FileAccess = {
    read: (path) => files.read(path),
    stat: (path) => files.stat(path),
    write: async () => undefined,
    append: async () => undefined,
    remove: async () => undefined,
  };
  return { ...(await runDeaf({ ...call, files: deaf })), exit: 0 };
}
