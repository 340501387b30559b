/** One host of the plain lab and sessions with its agent, driven as the controller drives them. */

import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLab, type Lab } from '../../../controller/lab/lab.js';
import type { LabHost } from '../../../controller/lab/lab-host.js';
import { parseAddress } from '../../../controller/model/address.js';
import type { PlatformName } from '../../../controller/platform/adapter.js';
import { agent, Session, type HostView } from './agent-host.js';

export interface LabAgentOptions {
  readonly platform: PlatformName;
  readonly shell?: readonly string[];
}

/** Each rule without an address is loaded for IPv4 and for IPv6. */
export function bothFamilies(policy: string): string[] {
  return policy
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .flatMap((line) => [line, line]);
}

export class LabAgent implements HostView {
  /** Rules that the host is said to have loaded, for what a transaction expects. */
  rules: readonly string[] = [];
  readonly host: LabHost;
  readonly state: string;

  private constructor(
    readonly folder: string,
    private readonly lab: Lab,
    private readonly command: readonly string[],
  ) {
    this.host = lab.host('web1');
    this.state = join(this.host.root, 'var/ipsec-deploy');
  }

  static async start({ platform, shell = ['/bin/sh'] }: LabAgentOptions): Promise<LabAgent> {
    const folder = fs.mkdtempSync(join(tmpdir(), 'lab-agent-'));
    const address = parseAddress('10.0.0.1');
    if (address === undefined) throw new Error('address');
    // First lines of scripts name it by its path.
    const [name = '', ...words] = shell;
    const path = spawnSync('/bin/sh', ['-c', 'command -v "$1"', 'sh', name], { encoding: 'utf8' }).stdout.trim();
    const lab = await startLab({
      folder,
      shell: [path, ...words],
      hosts: [{ name: 'web1', addresses: [address], platform }],
    });
    const posix = join(lab.host('web1').root, 'usr/xpg4/bin/sh');
    const program = fs.existsSync(posix) ? [posix] : shell;
    return new LabAgent(folder, lab, [...program, '-s', '--', agent.digest]);
  }

  async close(): Promise<void> {
    await this.lab.close();
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  path(file: string): string {
    return join(this.host.root, file);
  }

  read(file: string): string | undefined {
    const path = this.path(file);
    return fs.existsSync(path) ? fs.readFileSync(path, 'utf8') : undefined;
  }

  spd(): readonly string[] {
    return this.rules;
  }

  /** The rules that are loaded, in the order they came. */
  async loaded(): Promise<readonly string[]> {
    const { stdout } = await this.host.machine.run('ipsecconf', ['-ln'], { env: {}, stdin: '', cwd: '/' });
    const found = [...stdout.matchAll(/^#INDEX (\d+)\n(.*?) *$/gm)].map(
      ([, at, rule = '']) => [Number(at), rule] as const,
    );
    return found.sort(([a], [b]) => a - b).map(([, rule]) => rule);
  }

  async open(): Promise<Session> {
    const session = new Session(this, this.host.start(this.command));
    await session.start();
    return session;
  }

  /** What the host says of itself, without the clock, file times and kernel numbers. */
  async observed(): Promise<string> {
    const session = await this.open();
    const { lines } = await session.ask('observe');
    session.send('bye\n');
    return lines
      .map((line) => line.replace(session.mark, 'M'))
      .filter((line) => !/name=time|^[-d]r|^#INDEX/.test(line))
      .sort()
      .join('\n');
  }
}
