/** The byte stream of one agent: lines in, text out, one reader at a time. Owns limits, stderr and the first failure. */

import { HostLinkError, LinkInterrupted } from '../ports.js';
import type { LinkFailure } from '../ports.js';
import { Deadline } from './deadline.js';
import { shown } from './host-text.js';
import { LineLimitError, LineSplitter } from './line-splitter.js';
import type { LineLimits } from './line-splitter.js';
import { onceRaised } from './once-raised.js';
import type { Connection, ProcessEnd, RemoteProcess } from './remote-process.js';
import { ReplyError, ToolError } from './reply-error.js';

/** Room for a host with 20,000 SAs several times over. */
export const CHANNEL_LIMITS: LineLimits = { lineBytes: 1024 * 1024, totalBytes: 32 * 1024 * 1024 };
const STDERR_KEPT = 4096;

interface Waiting {
  line(text: string): void;
  fail(error: unknown): void;
}

/** Turns the end of the agent into the failure of whoever waits, or of the next who asks. */
export type ExplainEnd = (how: ProcessEnd, stderr: string) => LinkFailure;

export class AgentChannel {
  readonly #lines: LineSplitter;
  #process: RemoteProcess | undefined;
  #waiting: Waiting | undefined;
  #failed: HostLinkError | undefined;
  #stderr = '';
  readonly #forgetLooking: () => void;

  constructor(
    private readonly connection: Connection,
    private readonly host: string,
    /** Another explanation holds once the agent has begun to answer. */
    public explainEnd: ExplainEnd,
    limits: LineLimits,
    /** Once it is raised, no answer is waited for. */
    looking?: AbortSignal,
  ) {
    this.#lines = new LineSplitter(limits);
    this.#forgetLooking = onceRaised(looking, () => this.#end(new LinkInterrupted(host)));
  }

  async start(command: string): Promise<void> {
    this.#process = await this.connection.run(command, {
      stdout: (chunk) => this.#take(chunk),
      stderr: (chunk) => {
        if (this.#stderr.length < STDERR_KEPT) this.#stderr += chunk.subarray(0, STDERR_KEPT).toString('utf8');
      },
      end: (how) => this.fail(this.explainEnd(how, shown(this.#stderr.trim()))),
    });
  }

  /**
   * Sends `text` and gives each line that follows to `take` until it returns something; `alive` starts the time anew.
   * A HostLinkError from `take` fails this request alone, a ReplyError the channel.
   * @throws HostLinkError `timeout` after `seconds`, and for all that ends the channel; the connection is gone then.
   */
  async ask<T>(
    text: string | Buffer,
    seconds: number,
    waitingFor: string,
    take: (line: string, alive: () => void) => T | undefined,
  ): Promise<T> {
    if (this.#failed !== undefined) throw this.#failed;
    if (this.#waiting !== undefined) throw new Error('a request was sent before the last one was answered');
    const deadline = new Deadline(seconds, () => this.fail(tooLate(this.host, seconds, waitingFor)));
    const answer = new Promise<T>((resolve, reject) => {
      this.#waiting = {
        line: (line) => {
          const taken = take(line, () => deadline.restart());
          if (taken === undefined) return;
          this.#waiting = undefined;
          resolve(taken);
        },
        fail: reject,
      };
    });
    this.#lines.allowAnother();
    this.#process?.write(text);
    try {
      return await deadline.race(answer);
    } finally {
      deadline.clear();
    }
  }

  /** The first failure stays the channel's failure: what comes after it is only its consequence. */
  fail(failure: LinkFailure, cause?: unknown): HostLinkError {
    return this.#end(new HostLinkError(failure, cause === undefined ? undefined : { cause }));
  }

  #end(error: HostLinkError): HostLinkError {
    if (this.#failed !== undefined) return this.#failed;
    this.#failed = error;
    this.#forgetLooking();
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.fail(error);
    this.connection.destroy();
    return error;
  }

  /** Says good-bye and waits until the connection is closed. Afterwards every request fails. */
  async close(): Promise<void> {
    if (this.#failed !== undefined) return;
    this.#failed = new HostLinkError({ kind: 'lost', reason: `the session with ${this.host} is closed`, todo: '' });
    this.#forgetLooking();
    // A pass that was given up closes its sessions in mid-request.
    this.#waiting?.fail(this.#failed);
    this.#waiting = undefined;
    this.#process?.write('bye\n');
    await this.connection.close();
  }

  #take(chunk: Buffer): void {
    if (this.#failed !== undefined) return;
    try {
      for (const line of this.#lines.push(chunk)) this.#waiting?.line(line);
    } catch (error) {
      const ending = cutOff(this.host, error);
      if (ending !== undefined) {
        this.fail(ending, error);
        return;
      }
      const waiting = this.#waiting;
      this.#waiting = undefined;
      waiting?.fail(error);
    }
  }
}

/** What ends the channel: nothing after it could be relied on. */
function cutOff(host: string, error: unknown): LinkFailure | undefined {
  if (error instanceof ReplyError) {
    return {
      kind: 'agent',
      reason: `the answer of ${host} is not in the protocol: ${error.message}`,
      todo: 'nothing that this host says can be relied on; look at the host itself',
    };
  }
  if (error instanceof ToolError) {
    return {
      kind: 'agent',
      reason: `${host}: ${error.message}`,
      todo: 'run the tool on the host by hand (ipsecconf -Ln, ipseckey dump) and mend what it complains of',
    };
  }
  if (error instanceof LineLimitError) {
    return {
      kind: 'agent',
      reason: `${host} sent ${error.message} in one answer and was cut off`,
      todo: 'look at what the login shell of the SSH user prints on this host',
    };
  }
  return undefined;
}

function tooLate(host: string, seconds: number, waitingFor: string): LinkFailure {
  return {
    kind: 'timeout',
    reason: `${host} did not answer within ${seconds} s (${waitingFor})`,
    todo: 'see whether the host is overloaded or gone; give it a longer reply timeout if it is only slow',
  };
}
