/** A host of a lab in the test's process that remembers what was done to it, and everything on it that a change could touch. */

import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Intercept } from '../../controller/lab/host-inside.js';
import type { LabHost } from '../../controller/lab/lab-host.js';
import type { Fault } from '../../controller/lab/tools/faults.js';

export const POLICY_FILE = '/etc/inet/ipsecinit.conf';
export const KEYS_FILE = '/etc/inet/secret/ipseckeys';
export const IKE_FILE = '/etc/inet/ike/config';
export const PSK_FILE = '/etc/inet/secret/ike.preshared';
export const MANAGED = [POLICY_FILE, KEYS_FILE, IKE_FILE, PSK_FILE] as const;

export interface ToolUse {
  readonly tool: string;
  readonly args: readonly string[];
}

/** Everything on a host that a change could touch, in a form that two looks can be compared by. */
export interface HostState {
  readonly files: Readonly<Record<string, { readonly mode: string; readonly text: string } | 'absent'>>;
  /** Rules as `ipsecconf -Ln` lists them, by ascending index. */
  readonly rules: readonly string[];
  /** Loaded SAs with their keys, a line each, sorted; those that key daemons agreed on come and go with traffic, and are left out. */
  readonly sas: readonly string[];
  readonly services: readonly string[];
  readonly generation: string | undefined;
}

/** A host of the lab that remembers what was done to it. */
export class WatchedHost {
  /** Simulated commands that the agent or an operator ran, in order. */
  readonly uses: ToolUse[] = [];
  /** All that commands sent back over SSH. */
  readonly replies: Buffer[] = [];
  /** Called before each simulated command. */
  before: ((use: ToolUse) => void | Promise<void>) | undefined;
  /** Stands in for each simulated command. */
  intercept: Intercept | undefined;
  #connectionsBefore = 0;

  constructor(readonly lab: LabHost) {
    this.watch();
  }

  watch(): void {
    this.lab.faults.overhear = (chunk) => void this.replies.push(chunk);
    this.lab.intercept = async (call, run) => {
      const use = { tool: call.tool, args: call.args };
      this.uses.push(use);
      await this.before?.(use);
      return this.intercept === undefined ? run() : this.intercept(call, run);
    };
  }

  /** Forgets what it remembers. */
  forget(): void {
    this.uses.length = 0;
    this.replies.length = 0;
    this.#connectionsBefore = this.lab.connections;
  }

  /** SSH connections since it last forgot. */
  get connections(): number {
    return this.lab.connections - this.#connectionsBefore;
  }

  /** The commands that change something, as they would be typed; paths without the lab's root. */
  get changes(): readonly string[] {
    return this.uses.filter(isChange).map((use) => this.#typed(use));
  }

  get typed(): readonly string[] {
    return this.uses.map((use) => this.#typed(use));
  }

  #typed({ tool, args }: ToolUse): string {
    return [tool.replace(/^.*\//, ''), ...args].join(' ').replaceAll(this.lab.root, '');
  }

  path(path: string): string {
    return join(this.lab.root, path);
  }

  read(path: string): string {
    return fs.readFileSync(this.path(path), 'latin1');
  }

  /** What an operator would have put there by hand. */
  write(path: string, text: string, mode = 0o400): void {
    fs.rmSync(this.path(path), { force: true });
    fs.writeFileSync(this.path(path), text, { mode });
  }

  remove(path: string): void {
    fs.rmSync(this.path(path));
  }

  /** Runs a simulated command, unrecorded. */
  async tool(tool: string, ...args: readonly string[]): Promise<string> {
    return (await this.lab.machine.run(tool, args, { env: {}, stdin: '', cwd: this.lab.root })).stdout;
  }

  fault(tool: string, fault: Fault, when?: (args: readonly string[]) => boolean, times?: number): { release(): void } {
    return this.lab.machine.faults.place({
      tool,
      fault,
      ...(when === undefined ? {} : { when }),
      ...(times === undefined ? {} : { times }),
    });
  }

  async state(): Promise<HostState> {
    await this.lab.machine.idle();
    const files = Object.fromEntries(
      MANAGED.map((path): [string, HostState['files'][string]] => {
        const stat = fs.statSync(this.path(path), { throwIfNoEntry: false });
        return [path, stat === undefined ? 'absent' : { mode: modeText(stat.mode), text: this.read(path) }];
      }),
    );
    const negotiated = new Set(
      [...this.lab.machine.sad.values()].flatMap(({ spi, manager }) => (manager === undefined ? [] : [spi])),
    );
    const services = (await this.tool('svcs', '-aH', '-o', 'state,fmri')).split('\n');
    return {
      files,
      rules: rulesOf(await this.tool('ipsecconf', '-ln')),
      sas: sasOf(await this.tool('ipseckey', '-n', '-s', '-')).filter((line) => !negotiated.has(spiOf(line))),
      services: services.filter((line) => line.includes('/network/ipsec/')).map((line) => line.replace(/\s+/g, ' ')),
      generation: this.generation,
    };
  }

  get generation(): string | undefined {
    const folder = this.path('/var/ipsec-deploy/generations');
    const numbers = fs.existsSync(folder) ? fs.readdirSync(folder) : [];
    const confirmed = numbers.filter((number) => fs.existsSync(join(folder, number, 'confirmed'))).map(Number);
    return confirmed.length === 0 ? undefined : String(Math.max(...confirmed));
  }

  get transactionIsOpen(): boolean {
    return fs.existsSync(this.path('/var/ipsec-deploy/tx'));
  }

  /** Resolves when no transaction is open any more; the host's own timer may have to run out first. */
  async settled(seconds: number): Promise<void> {
    await until(() => !this.transactionIsOpen, seconds, `${this.lab.name} still has an open transaction`);
  }
}

function modeText(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}

/** Rule lines in the order of their indexes. */
export function rulesOf(listing: string): string[] {
  const lines = listing.split('\n');
  const rules = lines.flatMap((line, at) => {
    const index = /^#INDEX (\d+)/.exec(line)?.[1];
    return index === undefined ? [] : [{ index: Number(index), text: (lines[at + 1] ?? '').trimEnd() }];
  });
  return rules.sort((a, b) => a.index - b.index).map(({ text }) => text);
}

/** One line an SA of `ipseckey -s`, sorted: the kernel keeps them in no order. */
function sasOf(saved: string): string[] {
  const lines = saved.replace(/\s*\\\n\s*/g, ' ').split('\n');
  return lines
    .filter((line) => line.startsWith('add '))
    .map((line) => line.trim())
    .sort();
}

function spiOf(line: string): number {
  return Number(/ spi (0x[0-9a-f]+) /.exec(line)?.[1]);
}

const LISTING: Readonly<Record<string, (args: readonly string[]) => boolean>> = {
  ipsecconf: (args) => args.every((arg) => /^-(L|n|Ln|l|ln|c)$/.test(arg) || !arg.startsWith('-')) && args.length > 0,
  ipseckey: (args) => args.includes('-s') || args.includes('-c') || args.includes('dump') || args.includes('get'),
  'in.iked': (args) => args.includes('-c'),
  ikeadm: (args) => args.includes('get') || args.includes('dump'),
  svcs: () => true,
  svcprop: () => true,
  pgrep: () => true,
};

export function isChange({ tool, args }: ToolUse): boolean {
  return LISTING[tool.replace(/^.*\//, '')]?.(args) !== true;
}

/** Looks again until it holds. For what happens on a host without telling the test: its files. */
export async function until(holds: () => boolean, seconds: number, complaint: string): Promise<void> {
  const deadline = performance.now() + seconds * 1000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(complaint);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
