/** tcpdump on an interface of a namespace, and its packets afterwards. */

import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { NetSpace } from './net-tool.js';
import { parsePcap, type WirePacket } from './pcap.js';

export interface Capture {
  /** Ends it; all packets up to now. @throws Error when the kernel dropped some: then they prove nothing */
  end(): Promise<readonly WirePacket[]>;
}

/** Enough for the headers. */
const SNAP_BYTES = 128;
const BUFFER_KIB = 65_536;

/** Resolves when it sees packets. */
export async function startCapture(space: NetSpace, device: string): Promise<Capture> {
  const folder = await mkdtemp(join(tmpdir(), 'ipsec-capture-'));
  const file = join(folder, 'pcap');
  const options = ['-n', '-U', '--immediate-mode', '-s', String(SNAP_BYTES), '-B', String(BUFFER_KIB), '-Z', 'root'];
  const [program = '', ...words] = [...space.enter, 'tcpdump', ...options, '-i', device, '-w', file];
  const child = spawn(program, words, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      said += `${line}\n`;
      if (/listening on/.test(line)) resolve();
    });
    child.once('error', reject).once('close', () => reject(new Error(`tcpdump has ended: ${said}`)));
  });
  return {
    end: async () => {
      child.kill('SIGINT');
      await ended;
      const packets = parsePcap(await readFile(file));
      await rm(folder, { recursive: true, force: true });
      if (!/^0 packets dropped by kernel$/m.test(said)) throw new Error(`the capture has holes: ${said}`);
      return packets;
    },
  };
}
