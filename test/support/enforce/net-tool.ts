/** A program that runs in another network namespace and talks in JSON lines; it ends with its stdin, whatever becomes of us. */

import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A network that commands can be run in. */
export interface NetSpace {
  readonly name: string;
  /** Words before a command that have it run there, e.g. `nsenter -t 4711 -n`. */
  readonly enter: readonly string[];
}

const LONGEST_ANSWER_SECONDS = 30;

export class NetTool {
  readonly #child: ChildProcess;
  readonly #said: unknown[] = [];
  #complaint = '';
  #hear: () => void = () => undefined;
  readonly ended: Promise<void>;

  constructor(space: NetSpace, argv: readonly string[]) {
    const [program = '', ...words] = [...space.enter, ...argv];
    this.#child = spawn(program, words, { stdio: ['pipe', 'pipe', 'pipe'] });
    const { stdin, stdout, stderr } = this.#child;
    if (stdout === null || stderr === null) throw new Error('no pipes');
    // It may be gone already when it is told something: a power cut does that.
    stdin?.on('error', () => undefined);
    createInterface({ input: stdout }).on('line', (line) => {
      this.#said.push(JSON.parse(line));
      this.#hear();
    });
    stderr.setEncoding('utf8').on('data', (text: string) => (this.#complaint += text));
    this.ended = new Promise((resolve) => {
      this.#child.once('close', () => {
        resolve();
        this.#hear();
      });
    });
    this.#child.once('error', (error) => (this.#complaint += error.message));
  }

  tell(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** The next line it says. @throws Error when it ends, or says nothing for long */
  async next(): Promise<unknown> {
    const late = performance.now() + LONGEST_ANSWER_SECONDS * 1000;
    while (this.#said.length === 0) {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null)
        throw new Error(`${this.#child.spawnargs.join(' ')} has ended: ${this.#complaint}`);
      const left = late - performance.now();
      if (left <= 0) throw new Error(`${this.#child.spawnargs.join(' ')} says nothing: ${this.#complaint}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#hear = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.#said.shift();
  }

  async ask(line: string): Promise<unknown> {
    this.tell(line);
    return this.next();
  }

  async stop(): Promise<void> {
    this.#child.stdin?.end();
    await this.ended;
  }
}
