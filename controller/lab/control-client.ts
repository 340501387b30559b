/** The commands' end of a lab's control socket. */

import { createConnection, type Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { EXIT, OperatorError } from '../errors.js';
import { onLines, sendLine, type ControlLine, type ControlRequest } from './control-messages.js';
import { isErrno } from './errno.js';
import { folderOption, isRecord, readLabState, type LabState } from './lab-state.js';

/** The lab that runs in a folder. @throws OperatorError LAB_NOT_UP */
export async function openControl(folder: string): Promise<Socket> {
  const state = readLabState(folder);
  const socket = state === undefined ? undefined : await reach(state);
  if (socket !== undefined) return socket;
  throw new OperatorError('LAB_NOT_UP', {
    what: `no lab is up in ${folder}${state === undefined ? '' : ', though its files are there'}`,
    todo: `start it: ipsec-deploy lab up ${folderOption(folder)}`,
  });
}

/** A connection to the lab of that state; nothing when its process is gone. */
export async function reach(state: LabState): Promise<Socket | undefined> {
  if (state.control === '') return undefined;
  const socket = createConnection(state.control);
  try {
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return socket;
  } catch (error) {
    if (isErrno(error, 'ECONNREFUSED') || isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Sends a request and gives back its one answer, once the lab has closed the connection. */
export async function ask(socket: Socket, request: ControlRequest): Promise<ControlLine> {
  let answer: ControlLine = { error: 'the lab ended before it answered' };
  onLines(socket, (line) => (answer = line));
  const closed = new Promise<void>((resolve, reject) => socket.once('close', () => resolve()).once('error', reject));
  sendLine(socket, request);
  await closed;
  if (typeof answer['error'] === 'string') throw refused(answer['error'], answer['todo']);
  return answer;
}

export interface Streams {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
}

/** Runs a command on a lab host with these streams; returns its exit status. */
export async function runOnHost(
  socket: Socket,
  host: string,
  argv: readonly string[],
  streams: Streams,
): Promise<number> {
  const { stdin, stdout, stderr } = streams;
  let exit: number | undefined;
  let error: string | undefined;
  let todo: unknown;
  const write = (to: Writable, bytes: unknown): void => {
    if (typeof bytes !== 'string' || to.write(Buffer.from(bytes, 'base64'))) return;
    socket.pause();
    to.once('drain', () => socket.resume());
  };
  onLines(socket, (line) => {
    write(stdout, line['out']);
    write(stderr, line['err']);
    if (typeof line['exit'] === 'number') exit = line['exit'];
    if (typeof line['error'] === 'string') ({ error, todo } = { error: line['error'], todo: line['todo'] });
  });
  const closed = new Promise<void>((resolve, reject) => socket.once('close', () => resolve()).once('error', reject));
  sendLine(socket, { do: 'exec', hosts: [host], argv });
  const pass = (chunk: Buffer | string): void => void sendLine(socket, { in: Buffer.from(chunk).toString('base64') });
  const end = (): void => void (socket.writable && sendLine(socket, { eof: true }));
  stdin.on('data', pass).once('end', end);
  await closed;
  stdin.off('data', pass).off('end', end).pause();
  if (error !== undefined) throw refused(error, todo);
  return exit ?? EXIT.failed;
}

function refused(text: string, todo: unknown): OperatorError {
  const fallback = 'see what it has: ipsec-deploy lab status';
  return new OperatorError('LAB_REFUSED', { what: text, todo: typeof todo === 'string' ? todo : fallback });
}

/** Hosts of a `status` answer. */
export function statusRows(answer: ControlLine): Record<string, unknown>[] {
  const hosts = answer['hosts'];
  return Array.isArray(hosts) ? hosts.filter(isRecord) : [];
}
