/** The words between a lab and the commands that steer it: JSON lines over a socket that only the lab's user can open. */

import type { Socket } from 'node:net';
import { parseDisturbance, type Disturbance } from './disturbance.js';
import { isRecord } from './lab-state.js';

export type ControlRequest =
  | { readonly do: 'status' }
  /** Where the controller of an enforcing lab runs. */
  | { readonly do: 'wire' }
  /** All hosts when none is named. */
  | { readonly do: 'reset' | 'boot' | 'power-cut'; readonly hosts: readonly string[] }
  | {
      readonly do: 'fault';
      readonly hosts: readonly [string];
      readonly tool: string;
      readonly fault: FaultWord;
      readonly args: string;
      /** Of `slow`: how long a call waits. */
      readonly seconds: number;
    }
  | ({ readonly do: 'disturb'; readonly hosts: readonly [string] } & Disturbance)
  | { readonly do: 'exec'; readonly hosts: readonly [string]; readonly argv: readonly string[] }
  | { readonly do: 'down'; readonly keep: boolean };

/** What a command of a host can be made to do wrong; `none` takes all its faults away. */
export const FAULT_WORDS = ['lie', 'fail', 'hang', 'dies', 'stale', 'out-of-step', 'slow', 'none'] as const;
export type FaultWord = (typeof FAULT_WORDS)[number];

/** How long a slow command takes unless said. */
export const SLOW_SECONDS = 5;

/** One line either way. Bytes of streams travel in base64. */
export type ControlLine = Readonly<Record<string, unknown>>;

export function sendLine(socket: Socket, line: ControlLine | ControlRequest): boolean {
  return socket.write(`${JSON.stringify(line)}\n`);
}

/** Calls back for each whole line. A line that is not a JSON object ends the connection. */
export function onLines(socket: Socket, take: (line: ControlLine) => void): void {
  let partial = '';
  socket.setEncoding('utf8');
  socket.on('data', (text: string) => {
    const lines = (partial + text).split('\n');
    partial = lines.pop() ?? '';
    for (const line of lines) {
      const value: unknown = JSON.parse(line);
      if (!isRecord(value)) return socket.destroy();
      take(value);
    }
  });
}

export function parseRequest(line: ControlLine): ControlRequest | undefined {
  const word = line['do'];
  const hosts = strings(line['hosts']);
  switch (word) {
    case 'status':
    case 'wire':
      return { do: word };
    case 'down':
      return { do: word, keep: line['keep'] === true };
    case 'reset':
    case 'boot':
    case 'power-cut':
      return { do: word, hosts };
    case 'fault': {
      const { tool, args, seconds } = line;
      const fault = FAULT_WORDS.find((one) => one === line['fault']);
      if (hosts[0] === undefined || typeof tool !== 'string' || typeof args !== 'string' || fault === undefined)
        return undefined;
      const wait = typeof seconds === 'number' && seconds > 0 ? seconds : SLOW_SECONDS;
      return { do: word, hosts: [hosts[0]], tool, fault, args, seconds: wait };
    }
    case 'disturb': {
      const disturbance = parseDisturbance(line);
      return hosts[0] === undefined || disturbance === undefined
        ? undefined
        : { do: word, hosts: [hosts[0]], ...disturbance };
    }
    case 'exec':
      return hosts[0] === undefined ? undefined : { do: word, hosts: [hosts[0]], argv: strings(line['argv']) };
    default:
      return undefined;
  }
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
