/** One host of the matrix with all that can be done to it, and the controller's own code to change it. */

import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { RISKS } from '../../controller/cli/arguments.js';
import type { LabHost } from '../../controller/lab/lab-host.js';
import type { Host, Keying } from '../../controller/model/host.js';
import type { HostStatus } from '../../controller/model/observation.js';
import type { HostOutcome, RunEvent } from '../../controller/model/run.js';
import { fillFile } from '../../controller/plan/fill.js';
import type { Clock } from '../../controller/ports.js';
import { createHostLink, type AgentScript } from '../../controller/remote/agent-link.js';
import { applyFleet } from '../../controller/run/apply-fleet.js';
import { planFleet } from '../../controller/run/plan-fleet.js';
import { SessionLot } from '../../controller/run/session-lot.js';
import type { MatrixPlatform } from './cells.js';
import { other, type Content, type MatrixFleet } from './fleets.js';
import { Meeting } from './meeting.js';
import { pictureOf, type Picture } from './picture.js';
import { SmallDisk } from './small-disk.js';
import { installStandIns, ToolsAtFault } from './tools-at-fault.js';

export interface SlotWorld {
  readonly fleet: MatrixFleet;
  readonly agent: AgentScript;
  /** The program as it is shipped, but for the agent's meeting points. */
  readonly program: string;
}

/** How a run ended, in the controller's words. */
export interface RunEnd {
  readonly run: string | undefined;
  readonly outcome: HostOutcome | undefined;
  readonly exit?: number | null;
  readonly said: string;
}

/** A run that goes on. */
export interface Run {
  readonly ended: Promise<RunEnd>;
  readonly kill: (signal: NodeJS.Signals) => void;
}

const clock: Clock = {
  now: () => new Date(),
  after: (seconds, signal) => delay(seconds * 1000, undefined, signal === undefined ? {} : { signal }),
};
const silent = { event: () => undefined };

export class Slot {
  readonly tools: ToolsAtFault;
  readonly meeting: Meeting;
  readonly disks: readonly [SmallDisk, SmallDisk];
  /** Which content is in force, and its generation. */
  content: Content = 0;
  generation = 0;
  readonly pictures: Picture[] = [];
  /** The connection breaks with the next line that the host sends. */
  loseNextLine = false;
  /** What the host sends from now on arrives only when this resolves. */
  hold: Promise<void> | undefined;
  heard = '';

  constructor(
    readonly host: LabHost,
    readonly platform: MatrixPlatform,
    readonly keying: Keying,
    readonly world: SlotWorld,
  ) {
    this.meeting = new Meeting(this.matrixFolder);
    this.tools = new ToolsAtFault(this.matrixFolder);
    installStandIns(host.root);
    this.disks = [SmallDisk.mount(join(host.root, 'var/ipsec-deploy')), SmallDisk.mount(join(host.root, 'etc/inet'))];
    host.intercept = this.tools.intercept;
    host.faults.overhear = (chunk) => void (this.heard += chunk.toString('latin1'));
    host.faults.dropWhen = () => {
      const lost = this.loseNextLine;
      this.loseNextLine = false;
      return lost;
    };
    host.faults.holdOutput = () => this.hold ?? Promise.resolve();
  }

  get matrixFolder(): string {
    return join(this.host.root, '..', 'matrix');
  }

  /** Onto both contents once, to know how each looks. */
  async prepare(): Promise<void> {
    for (const content of [0, 1] as const) {
      await this.become(content);
      this.pictures[content] = await pictureOf(this.host);
    }
  }

  async become(content: Content): Promise<void> {
    const { outcome, said } = await this.apply(content, { windowSeconds: 60 });
    if (outcome?.status !== 'confirmed')
      throw new Error(`${this.host.name} cannot be changed: ${JSON.stringify(outcome)}\n${said}`);
    this.moved(content);
    await this.host.machine.idle();
  }

  moved(content: Content): void {
    this.content = content;
    this.generation += 1;
  }

  wanted(content: Content): Host {
    const found = this.world.fleet.contents[content].inventory.hosts.find(({ name }) => name === this.host.name);
    if (found === undefined) throw new Error(`no host ${this.host.name} in the inventory`);
    return found;
  }

  /** As `apply` does it: looks, plans, carries out; the controller's code over the lab's SSH, in this process. */
  async apply(
    content: Content,
    { windowSeconds = 3, replySeconds = 8 }: { windowSeconds?: number; replySeconds?: number } = {},
  ): Promise<RunEnd> {
    const { inventory, fleet } = this.world.fleet.contents[content];
    const { store } = this.world.fleet;
    const plain = this.wanted(content);
    const host: Host = {
      ...plain,
      ssh: { ...plain.ssh, replyTimeoutSeconds: replySeconds, connectTimeoutSeconds: 15 },
    };
    const events: RunEvent[] = [];
    const emit = (event: RunEvent): void => void events.push(event);
    const lot = new SessionLot(this.#link());
    const stop = new AbortController().signal;
    try {
      const plan = await planFleet({
        inventory: { ...inventory, hosts: [host] },
        selected: [host],
        desired: fleet.desired,
        policies: fleet.policies,
        digest: fleet.digest,
        salt: store.salt,
        forks: 4,
        lot,
        clock,
        random: randomBytes,
        stop,
        emit,
        acceptUnreachablePeers: false,
      });
      const outcomes = await applyFleet({
        plan,
        hosts: new Map([[host.name, host]]),
        settings: { ...inventory.settings, confirmWindowSeconds: windowSeconds },
        ports: { lot, clock, fill: (file, generation) => fillFile(store, file, generation), emit },
        random: randomBytes,
        stop,
      });
      const steps = events.flatMap((event) =>
        event.event === 'step' ? [`${event.name} ${event.state} ${event.text} ${event.output.join(' / ')}`] : [],
      );
      return { run: plan.run, outcome: outcomes.get(host.name), said: steps.join('\n') };
    } finally {
      await lot.closeAll();
    }
  }

  /** The built program as its own process. Its window is the shortest that an inventory may ask for: 10 s. */
  start(content: Content): { readonly child: ChildProcess; readonly ended: Promise<RunEnd> } {
    const { folder, contents } = this.world.fleet;
    const words = ['apply', contents[content].file, '--limit', this.host.name, '--output', 'json'];
    const risks = RISKS.flatMap((risk) => ['--accept-risk', risk]);
    const child = spawn(process.execPath, [this.world.program, ...words, ...risks], {
      cwd: folder,
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const ended = new Promise<RunEnd>((resolve) =>
      child.once('close', (exit) => {
        const events = stdout
          .split('\n')
          .filter(Boolean)
          .flatMap((line): (RunEvent & { readonly run?: string })[] => {
            try {
              return [JSON.parse(line) as RunEvent];
            } catch {
              return [];
            }
          });
        const last = events.filter((event) => event.event === 'outcome').at(-1);
        resolve({
          run: events.find((event) => event.event === 'run-started')?.run,
          outcome: last,
          exit,
          said: `${stdout.slice(-1500)}\n${stderr}`,
        });
      }),
    );
    return { child, ended };
  }

  /** What `status` says: with it the controller is the next to come by. */
  async status(): Promise<HostStatus> {
    const session = await this.#link().open(this.wanted(this.content));
    try {
      return await session.status();
    } finally {
      await session.close();
    }
  }

  get next(): Content {
    return other(this.content);
  }

  /** Whatever a cell left switched on is off again. */
  async lift(): Promise<void> {
    await this.tools.lift();
    for (const disk of this.disks) disk.lift();
    this.loseNextLine = false;
    this.hold = undefined;
  }

  close(): void {
    this.meeting.close();
    this.tools.close();
    for (const disk of this.disks) disk.unmount();
    rmSync(this.matrixFolder, { recursive: true, force: true });
  }

  #link(): ReturnType<typeof createHostLink> {
    return createHostLink({ agent: this.world.agent, env: {}, randomBytes, log: silent });
  }
}
