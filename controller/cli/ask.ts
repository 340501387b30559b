/** Asks the person at the terminal for a secret, without showing what is typed. */

import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';

import { OperatorError } from '../errors.js';

/** The question function, or nothing where no terminal is there to ask at. */
export function terminalAsk(): ((prompt: string) => Promise<string>) | undefined {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  let turn: Promise<unknown> = Promise.resolve();
  // Several hosts may need an answer at once: one question at a time.
  return (prompt) => {
    const answer = turn.then(() => askHidden(prompt));
    turn = answer.catch(() => undefined);
    return answer;
  };
}

function askHidden(prompt: string): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  process.stderr.write(prompt.endsWith(' ') ? prompt : `${prompt} `);
  return new Promise((resolve, reject) => {
    lines.once('SIGINT', () => {
      lines.close();
      reject(new OperatorError('ASK_INTERRUPTED', { what: 'no answer was given', todo: 'run again', exit: 130 }));
    });
    lines.question('', (answer) => {
      lines.close();
      process.stderr.write('\n');
      resolve(answer);
    });
  });
}

/** A yes-or-no question; anything but `yes` or `y` is no. */
export async function askYes(prompt: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await new Promise<string>((resolve) => {
      lines.once('close', () => resolve(''));
      lines.question(prompt, resolve);
    });
    return ['y', 'yes'].includes(answer.trim().toLowerCase());
  } finally {
    lines.close();
  }
}
