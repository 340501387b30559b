/** The lab's end of the control socket: status, reset, power, commands on hosts, and the end of the lab. */

import * as fs from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { OperatorError } from '../errors.js';
import { onLines, parseRequest, sendLine, type ControlLine, type ControlRequest } from './control-messages.js';
import { hostStatus } from './host-status.js';
import type { LabNode, LabNodes } from './lab-node.js';
import { HostMachine } from './tools/registry.js';

export interface ControlServer {
  close(): Promise<void>;
}

/** `down` is called once, after the caller was told; it must end in the process's end or the server's close. */
export async function serveControl(
  lab: LabNodes,
  path: string,
  down: (keep: boolean, told: (answer: ControlLine) => void) => Promise<void>,
): Promise<ControlServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    serve(lab, socket, down);
  });
  fs.rmSync(path, { force: true });
  await listenPrivately(server, path);
  return {
    close: () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.end();
      return closed;
    },
  };
}

/** The folder is private as well; the mode guards a socket that had to go elsewhere. */
async function listenPrivately(server: Server, path: string): Promise<void> {
  const umask = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve));
  } finally {
    process.umask(umask);
  }
}

function serve(lab: LabNodes, socket: Socket, down: Parameters<typeof serveControl>[2]): void {
  let started = false;
  let input: ((line: ControlLine) => void) | undefined;
  const fail = (error: unknown): void => {
    const todo = error instanceof OperatorError ? { todo: error.todo } : {};
    sendLine(socket, { error: error instanceof Error ? error.message : String(error), ...todo });
    socket.end();
  };
  onLines(socket, (line) => {
    if (started) return input?.(line);
    started = true;
    const request = parseRequest(line);
    if (request === undefined) return fail('not a request that this lab knows');
    if (request.do === 'exec') input = runCommand(lab, request.hosts[0], request.argv, socket, fail);
    else if (request.do === 'down') down(request.keep, (answer) => sendLine(socket, answer)).catch(fail);
    else answer(lab, request).then((reply) => (sendLine(socket, reply), socket.end()), fail);
  });
}

async function answer(lab: LabNodes, request: Exclude<ControlRequest, { do: 'exec' | 'down' }>): Promise<ControlLine> {
  if (request.do === 'status') {
    return { hosts: await Promise.all([...lab.hosts.values()].map(hostStatus)) };
  }
  if (request.do === 'wire') {
    if (lab.cables === undefined) throw new Error('this lab is a plain one: its hosts are on no wire');
    return { enter: lab.cables.enter([]) };
  }
  if (request.do === 'fault') {
    const { faults } = lab.host(request.hosts[0]).machine;
    const { tool, fault: word, args, seconds } = request;
    if (tool !== '*' && !HostMachine.tools.includes(tool)) {
      throw new OperatorError('LAB_NO_SUCH_TOOL', {
        what: `${tool} is no command that the lab simulates`,
        todo: `take one of ${HostMachine.tools.join(', ')}, or * for all`,
      });
    }
    const when = (given: readonly string[]): boolean => args === '' || given.includes(args);
    if (word === 'none') faults.clear();
    else if (word === 'out-of-step') {
      faults.place({ tool, fault: { kind: word, ...((args === 'in' || args === 'out') && { lost: args }) } });
    } else faults.place({ tool, fault: word === 'slow' ? { kind: 'late', seconds } : { kind: word }, when });
    return { done: [...request.hosts] };
  }
  if (request.do === 'disturb') {
    const host = lab.host(request.hosts[0]);
    if (host.disturb === undefined)
      throw new Error(`${request.what} needs a host of an enforcing lab (lab up --enforce)`);
    await host.disturb(request);
    return { done: [host.name] };
  }
  const hosts = request.hosts.length === 0 ? [...lab.hosts.values()] : request.hosts.map((name) => lab.host(name));
  const act = { reset: (host: LabNode) => host.reset(), boot: reboot, 'power-cut': (host: LabNode) => host.powerCut() };
  await Promise.all(hosts.map(act[request.do]));
  return { done: hosts.map((host) => host.name) };
}

/** Starts a host that is off, and restarts one that is on. */
async function reboot(host: LabNode): Promise<void> {
  if (host.isOn) await host.powerCut();
  await host.boot();
}

/** Runs a command on a host and joins its streams to the socket; returns what takes the lines that follow. */
function runCommand(
  lab: LabNodes,
  name: string,
  argv: readonly string[],
  socket: Socket,
  fail: (error: unknown) => void,
): ((line: ControlLine) => void) | undefined {
  let child: ReturnType<LabNode['start']>;
  try {
    child = lab.host(name).start(argv);
  } catch (error) {
    fail(error);
    return undefined;
  }
  for (const [key, stream] of [
    ['out', child.stdout],
    ['err', child.stderr],
  ] as const) {
    stream.on('data', (chunk: Buffer) => {
      if (sendLine(socket, { [key]: chunk.toString('base64') })) return;
      stream.pause();
      socket.once('drain', () => stream.resume());
    });
  }
  child.stdin.on('error', () => child.stdin.destroy());
  child.once('error', (error) => {
    sendLine(socket, { err: Buffer.from(`${error.message}\n`).toString('base64'), exit: 127 });
    socket.end();
  });
  child.once('close', (code, signal) => {
    sendLine(socket, { exit: code ?? 128, signal });
    socket.end();
  });
  // Whoever asked has gone: the command sees its pipes close, as one under SSH would.
  socket.once('close', () => {
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
  });
  return ({ in: bytes }) => {
    if (typeof bytes === 'string') child.stdin.write(Buffer.from(bytes, 'base64'));
    else child.stdin.end();
  };
}
