/** A lab on scratch folders with a machine whose commands are functions, an SSH client for it, and a check that nothing stays behind. */

import { mkdtempSync, rmSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2, { type Client, type ConnectConfig } from 'ssh2';
import { expect, onTestFinished } from 'vitest';
import { markedProcesses } from '../../controller/lab/host-processes.js';
import { startLab, type Lab, type LabOptions } from '../../controller/lab/lab.js';
import type { LabHost } from '../../controller/lab/lab-host.js';
import type { Machine, MachineCall, MachineSetup } from '../../controller/lab/machine.js';
import type { ToolReply } from '../../controller/lab/tools/tool.js';
import { parseAddress, type Address } from '../../controller/model/address.js';

export type ToolAnswer = (
  tool: string,
  args: readonly string[],
  call: MachineCall,
) => Partial<ToolReply> | Promise<Partial<ToolReply>>;

/** What a machine was told, in order. */
export interface ScriptedMachine extends Machine {
  readonly told: string[];
  readonly setup: MachineSetup;
}

export function scriptedMachine(answer: ToolAnswer): (setup: MachineSetup) => ScriptedMachine {
  return (setup) => {
    const told: string[] = [];
    return {
      told,
      setup,
      async run(tool, args, call) {
        told.push([tool, ...args].join(' '));
        return { exit: 0, stdout: '', stderr: '', ...(await answer(tool, args, call)) };
      },
      powerCut() {
        told.push('(power cut)');
      },
      async boot() {
        told.push('(boot)');
      },
    };
  };
}

/** Says what it was given, one word in brackets each. */
export const echoTool: ToolAnswer = (tool, args, call) => ({
  stdout: `${[tool, ...args].map((word) => `[${word}]`).join('')}${call.stdin}\n`,
});

export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ipsec-lab-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function address(text: string): Address {
  const found = parseAddress(text);
  if (found === undefined) throw new Error(`not an address: ${text}`);
  return found;
}

export type LabSetup = Partial<Omit<LabOptions, 'hosts'>> & { readonly count?: number; readonly answer?: ToolAnswer };

/** Starts a lab of `host1` … and closes it at the end of the test, when no process and no file of it may be left. */
export async function testLab(setup: LabSetup = {}): Promise<Lab<Machine>> {
  const { count = 1, answer = echoTool, folder = scratchFolder(), ...rest } = setup;
  const hosts = Array.from({ length: count }, (_, index) => ({
    name: `host${index + 1}`,
    addresses: [address(`10.0.${index >> 8}.${(index & 255) + 1}`)],
  }));
  const lab = await startLab({ folder, hosts, makeMachine: scriptedMachine(answer), ...rest });
  onTestFinished(async () => {
    await lab.close();
    expect(markedProcesses((marker) => marker.startsWith(lab.folder))).toEqual([]);
    expect(existsSync(join(lab.folder, 'hosts'))).toBe(false);
  });
  return lab;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: string | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export function connect(
  lab: Lab<Machine>,
  host: LabHost<Machine>,
  config: Partial<ConnectConfig> = {},
  client: Client = new ssh2.Client(),
): Promise<Client> {
  onTestFinished(() => void client.destroy());
  return new Promise((resolve, reject) => {
    // A connection that breaks later is told by its close event.
    client.once('ready', () => resolve(client)).on('error', reject);
    client.connect({
      host: '127.0.0.1',
      port: host.port,
      username: 'deploy',
      privateKey: lab.clientKey.privateKey,
      hostVerifier: (key: Buffer) => `ssh-ed25519 ${key.toString('base64')}` === host.hostKeyLine,
      ...config,
    });
  });
}

export function exec(client: Client, command: string, stdin = ''): Promise<Ended> {
  return new Promise((resolve, reject) => {
    client.exec(command, (error, channel) => {
      if (error !== undefined) return reject(error);
      let stdout = '';
      let stderr = '';
      let ending: { code: number | null; signal: string | undefined } = { code: null, signal: undefined };
      channel.on('data', (chunk: Buffer) => (stdout += chunk.toString('latin1')));
      channel.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('latin1')));
      channel.on('exit', (code: number | null, signal?: string) => (ending = { code, signal }));
      channel.on('close', () => resolve({ ...ending, stdout, stderr }));
      channel.end(stdin);
    });
  });
}

/** Connects, runs one command, and leaves. */
export async function run(lab: Lab<Machine>, host: LabHost<Machine>, command: string, stdin = ''): Promise<Ended> {
  const client = await connect(lab, host);
  const ended = await exec(client, command, stdin);
  client.end();
  return ended;
}
