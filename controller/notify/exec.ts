/** Hands a digest to a program of the operator: JSON on standard input, no shell, no secrets of ours in its environment. */

import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';

import { OperatorError } from '../errors.js';
import type { NotifierSettings } from '../model/drift.js';
import { codeOf } from './connection-failure.js';
import { DeliveryFailure, type Delivery } from './delivery.js';
import { digestDocument } from './digest-document.js';
import type { Environment } from './environment.js';
import { foreignWords } from './masked.js';
import type { NotifierLimits, NotifierWorld } from './world.js';

type World = NotifierWorld & { readonly limits: NotifierLimits };

export type ExecSettings = Extract<NotifierSettings, { readonly kind: 'exec' }>;

/** All that is handed on of our own environment. */
const PASSED_ON = ['PATH', 'HOME', 'USER', 'LOGNAME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR'];
/** EX_TEMPFAIL of sysexits.h: the program asks to be run again. */
const TRY_AGAIN = 75;

/** @throws OperatorError NOTIFIER_EXEC */
export function exec({ name, command }: ExecSettings, world: World): Delivery {
  const [program, ...args] = command;
  if (program === undefined || program === '' || command.some((word) => word.includes('\0'))) {
    throw new OperatorError('NOTIFIER_EXEC', {
      what: '`command` names no program',
      where: `notifier ${name}`,
      todo: 'give the program and its arguments as a list of words',
    });
  }
  const words = foreignWords([], world.redact);
  return async (message, signal) => {
    const child = start(program, args, world.env);
    const { exit, output } = await finish(child, digestDocument(message), world, signal);
    world.log.event('info', 'notify.exec', { notifier: name, exit, output: words(output) });
    if (exit === 0) return;
    const how = typeof exit === 'number' ? `ended with exit status ${exit}` : `was ended by ${exit}`;
    throw new DeliveryFailure(`the command ${how}`, {
      again: exit === TRY_AGAIN,
      todo: 'read what it printed in the file that --log-file names',
    });
  };
}

/** Some failures to start come as an event, others are thrown: all mean the same. @throws DeliveryFailure */
function start(program: string, args: readonly string[], env: Environment): ChildProcessWithoutNullStreams {
  try {
    return spawn(program, args, { cwd: '/', env: ownEnvironment(env), stdio: 'pipe', detached: true });
  } catch (error) {
    if (codeOf(error) === undefined || !(error instanceof Error)) throw error;
    throw startFailure(error);
  }
}

function ownEnvironment(env: Environment): Environment {
  return Object.fromEntries(PASSED_ON.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}

interface Finish {
  readonly exit: number | string;
  /** The beginning of what it printed, both streams as they came. */
  readonly output: string;
}

/** Whatever the program started in its process group ends with it, or when the signal aborts. @throws DeliveryFailure */
function finish(
  child: ChildProcessWithoutNullStreams,
  input: string,
  { clock, limits }: Pick<World, 'clock' | 'limits'>,
  signal: AbortSignal,
): Promise<Finish> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    const keep = (part: Buffer): void => {
      if (bytes < limits.answerBytes) parts.push(part.subarray(0, limits.answerBytes - bytes));
      bytes += part.length;
    };
    const kill = (): void => killGroup(child.pid);
    signal.addEventListener('abort', kill, { once: true });
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    // A program need not read what it is given.
    child.stdin.on('error', () => undefined);
    child.on('error', (error) => {
      signal.removeEventListener('abort', kill);
      reject(startFailure(error));
    });
    // Not `close` alone: what left its process group may hold its output open for ever.
    child.on('exit', (code, ended) => {
      signal.removeEventListener('abort', kill);
      kill();
      const over = new AbortController();
      const end = (): void => {
        over.abort();
        for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
        resolve({ exit: code ?? ended ?? 'a signal', output: Buffer.concat(parts).toString('utf8') });
      };
      child.once('close', end);
      clock.after(limits.answerSeconds, over.signal).then(end, end);
    });
    child.stdin.end(`${input}\n`);
  });
}

function killGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, 'SIGKILL');
  } catch (error) {
    // Nothing of the group is left, or only what became another user's.
    if (codeOf(error) !== 'ESRCH' && codeOf(error) !== 'EPERM') throw error;
  }
}

function startFailure(error: Error): DeliveryFailure {
  const code = codeOf(error);
  const why =
    {
      ENOENT: 'there is no such program',
      ENOTDIR: 'there is no such program',
      EACCES: 'it may not be executed',
      E2BIG: 'its arguments are too long',
    }[code ?? ''] ?? `it cannot be started (${code ?? 'unknown'})`;
  return new DeliveryFailure(`the command did not start: ${why}`, {
    again: code === 'EAGAIN' || code === 'ENOMEM',
    todo: 'check the path and the permissions of the program',
  });
}
