/** Two bare network namespaces joined by a cable: what the instruments of the enforcing lab's proofs are tried on. */

import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readlinkSync } from 'node:fs';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { until } from '../watched-host.js';
import type { NetSpace } from './net-tool.js';

const run = promisify(execFile);

export interface JoinedSpace extends NetSpace {
  readonly address: string;
  readonly device: string;
  /** Runs a command there. */
  run(...argv: readonly string[]): Promise<string>;
  /** Loads a ruleset of nftables there. */
  rules(text: string): Promise<void>;
}

/** Gone after the test. */
export async function twoSpaces(): Promise<readonly [JoinedSpace, JoinedSpace]> {
  const a = await space('a', '10.0.0.1');
  const b = await space('b', '10.0.0.2');
  await a.run('ip', 'link', 'add', a.device, 'type', 'veth', 'peer', 'name', b.device, 'netns', pidOf(b));
  for (const { run: inside, device, address } of [a, b]) {
    await inside('ip', 'address', 'add', `${address}/24`, 'dev', device);
    await inside('ip', 'link', 'set', 'lo', 'up');
    await inside('ip', 'link', 'set', device, 'up');
  }
  return [a, b];
}

function pidOf({ enter }: NetSpace): string {
  return enter[2] ?? '';
}

async function space(name: string, address: string): Promise<JoinedSpace> {
  const holder = spawn('unshare', ['--net', 'sleep', 'infinity'], { stdio: 'ignore' });
  onTestFinished(() => end(holder));
  const own = readlinkSync('/proc/self/ns/net');
  const theirs = `/proc/${holder.pid}/ns/net`;
  await until(() => existsSync(theirs) && readlinkSync(theirs) !== own, 10, 'no network namespace: is this root?');
  const enter = ['nsenter', '-t', String(holder.pid), '-n'];
  const inside = async (...argv: readonly string[]): Promise<string> =>
    (await run('nsenter', [...enter.slice(1), ...argv])).stdout;
  return {
    name,
    enter,
    address,
    device: `${name}0`,
    run: inside,
    rules: async (text) => {
      const child = spawn('nsenter', [...enter.slice(1), 'nft', '-f', '-'], { stdio: ['pipe', 'ignore', 'inherit'] });
      child.stdin.end(text);
      const status = await new Promise((resolve) => child.once('close', resolve));
      if (status !== 0) throw new Error(`nft ended with ${String(status)}`);
    },
  };
}

async function end(child: ChildProcess): Promise<void> {
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  child.kill('SIGKILL');
  await ended;
}
