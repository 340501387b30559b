/**
 * The service management of one host: states, dependencies, methods and their exits, snapshots of properties, logs.
 * Work is done one job after another, as svc.startd and its restarter would. Source: smf(5), smf_method(5), svc.startd(1M).
 */

import type { FileAccess } from './tool.js';
import { underRoot } from './tool.js';
import { logPath, matchesFmri } from './smf-fmri.js';
import { logLine } from './smf-log.js';
import type { Dependency, MethodName, ServiceDefinition } from './smf-services.js';
import { readRepository, REPOSITORY_PATH, stored, writeRepository, type StoredService } from './smf-repository.js';

export type ServiceState = 'uninitialized' | 'offline' | 'online' | 'disabled' | 'maintenance';

export interface Instance {
  readonly fmri: string;
  readonly state: ServiceState;
  readonly since: Date;
  /** As it is meant to be, a temporary wish counted in. */
  readonly enabled: boolean;
  readonly stored: StoredService;
  /** Why it is in maintenance, in the words of `svcs -x`. */
  readonly reason: string | undefined;
}

export interface MethodResult {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface SmfHost {
  readonly root: string;
  readonly files: FileAccess;
  now(): Date;
  /** Runs a method's command line with properties put in, such as `/usr/sbin/ipsecconf -q -a /etc/inet/ipsecinit.conf`. */
  runMethod(command: string, env: Readonly<Record<string, string>>): Promise<MethodResult>;
  /** Sends a signal to the processes of a service. */
  signal(fmri: string, signal: 'TERM' | 'HUP'): Promise<void>;
}

interface Live {
  state: ServiceState;
  since: Date;
  temporary: boolean | undefined;
  reason: string | undefined;
  /** Starts after its processes went away by themselves. */
  restarts: number;
}

/** smf_method(5): these exits mean maintenance at once. */
const FATAL_EXITS: readonly number[] = [95, 96, 99, 100];
const START_TRIES = 3;
const RESTART_LIMIT = 3;

export class Smf {
  #services: StoredService[] = readRepository(undefined);
  #live = new Map<string, Live>();
  #jobs: Promise<void> = Promise.resolve();
  /** A number that changes when the power goes: jobs of an earlier life stop. */
  #life = 0;

  constructor(private readonly host: SmfHost) {}

  instances(): Instance[] {
    return this.#services.map((service) => this.#view(service));
  }

  find(word: string): Instance[] {
    return this.instances().filter(({ fmri }) => matchesFmri(word, fmri));
  }

  /** Does a job when those before it are done. */
  enqueue(job: () => Promise<void>): Promise<void> {
    const life = this.#life;
    const done = this.#jobs.then(() => (life === this.#life ? job() : undefined));
    this.#jobs = done.catch(() => undefined);
    return done;
  }

  /** Resolves when nothing is left to do. */
  idle(): Promise<void> {
    return this.#jobs;
  }

  powerCut(): void {
    this.#life += 1;
    this.#live = new Map();
    this.#jobs = Promise.resolve();
  }

  /** Reads the repository and starts what is enabled, in the order of dependencies. */
  async boot(): Promise<void> {
    this.#services = readRepository(await this.host.files.read(this.#repository));
    this.#live = new Map(
      this.#services.map(({ definition, enabled }) => [definition.fmri, this.#fresh(enabled ? 'offline' : 'disabled')]),
    );
    await this.enqueue(() => this.#startWaiting());
  }

  async enable(fmri: string, temporary: boolean): Promise<void> {
    const service = this.#service(fmri);
    const live = this.#liveOf(fmri);
    live.temporary = temporary ? true : undefined;
    if (!temporary) await this.#save(() => (service.enabled = true));
    if (live.state === 'online' || live.state === 'maintenance' || live.state === 'offline') return;
    await this.#log(fmri, 'Enabled.');
    this.#enter(live, 'offline');
    await this.#startWaiting();
  }

  async disable(fmri: string, temporary: boolean): Promise<void> {
    const service = this.#service(fmri);
    const live = this.#liveOf(fmri);
    live.temporary = temporary ? false : undefined;
    if (!temporary) await this.#save(() => (service.enabled = false));
    if (live.state === 'online') {
      await this.#log(fmri, 'Stopping because service disabled.');
      await this.#method(service, 'stop');
    }
    this.#enter(live, 'disabled');
  }

  /** Stop and start: a service whose stop flushes has nothing in between. */
  async restart(fmri: string): Promise<void> {
    const live = this.#liveOf(fmri);
    if (live.state !== 'online') return;
    await this.#log(fmri, 'Stopping because service restarting.');
    await this.#method(this.#service(fmri), 'stop');
    this.#enter(live, 'offline');
    await this.#startWaiting();
  }

  /** Takes the edited properties into the running snapshot; the method runs only where the service is online. */
  async refresh(fmri: string): Promise<void> {
    const service = this.#service(fmri);
    await this.#save(() => (service.running = new Map(service.edited)));
    const live = this.#liveOf(fmri);
    if (live.state !== 'online' || service.definition.methods.refresh === undefined) return;
    await this.#log(fmri, 'Rereading configuration.');
    const exit = await this.#method(service, 'refresh');
    // What was loaded stays loaded: only the state tells of the failure.
    if (exit !== 0) this.#maintain(live, `Refresh method failed (exit status ${exit})`);
  }

  async clear(fmri: string): Promise<void> {
    const live = this.#liveOf(fmri);
    if (live.state !== 'maintenance') return;
    await this.#log(fmri, 'Leaving maintenance because clear requested.');
    live.restarts = 0;
    this.#enter(live, this.#wanted(fmri) ? 'offline' : 'disabled');
    await this.#startWaiting();
  }

  async mark(fmri: string): Promise<void> {
    await this.#log(fmri, 'Stopping because of administrative request for maintenance.');
    this.#maintain(this.#liveOf(fmri), 'Maintenance requested by an administrator');
  }

  /** A daemon's processes are gone without having been told. */
  async processesExited(fmri: string): Promise<void> {
    const live = this.#liveOf(fmri);
    if (live.state !== 'online') return;
    await this.#log(fmri, 'Stopping because all processes in service exited.');
    live.restarts += 1;
    if (live.restarts > RESTART_LIMIT) {
      await this.#log(fmri, 'Restarting too quickly, changing state to maintenance.');
      return this.#maintain(live, 'Restarting too quickly');
    }
    this.#enter(live, 'offline');
    await this.#startWaiting();
  }

  async setProperty(fmri: string, name: string, value: string): Promise<void> {
    await this.#save(() => this.#service(fmri).edited.set(name, value));
  }

  async import(definitions: readonly ServiceDefinition[], manifest: string): Promise<void> {
    for (const definition of definitions) {
      const known = this.#services.find((one) => one.definition.fmri === definition.fmri);
      const service = stored(definition, manifest);
      if (known !== undefined) service.enabled = known.enabled;
      this.#services = [...this.#services.filter((one) => one !== known), service];
      if (!this.#live.has(definition.fmri)) this.#live.set(definition.fmri, this.#fresh('disabled'));
      const live = this.#liveOf(definition.fmri);
      if (service.enabled && live.state === 'disabled') this.#enter(live, 'offline');
    }
    await this.#save(() => undefined);
    await this.#startWaiting();
  }

  async remove(fmri: string): Promise<void> {
    this.#services = this.#services.filter(({ definition }) => definition.fmri !== fmri);
    this.#live.delete(fmri);
    await this.#save(() => undefined);
  }

  get #repository(): string {
    return underRoot(this.host.root, REPOSITORY_PATH);
  }

  async #save(change: () => unknown): Promise<void> {
    change();
    await this.host.files.write(this.#repository, writeRepository(this.#services), 0o600);
  }

  #view(service: StoredService): Instance {
    const { fmri } = service.definition;
    const { state, since, reason } = this.#liveOf(fmri);
    return { fmri, state, since, reason, enabled: this.#wanted(fmri), stored: service };
  }

  #service(fmri: string): StoredService {
    const found = this.#services.find(({ definition }) => definition.fmri === fmri);
    if (found === undefined) throw new Error(`no service ${fmri}`);
    return found;
  }

  #liveOf(fmri: string): Live {
    const live = this.#live.get(fmri) ?? this.#fresh('uninitialized');
    this.#live.set(fmri, live);
    return live;
  }

  #fresh(state: ServiceState): Live {
    return { state, since: this.host.now(), temporary: undefined, reason: undefined, restarts: 0 };
  }

  #enter(live: Live, state: ServiceState): void {
    live.state = state;
    live.since = this.host.now();
    live.reason = undefined;
  }

  #maintain(live: Live, reason: string): void {
    this.#enter(live, 'maintenance');
    live.reason = reason;
  }

  #wanted(fmri: string): boolean {
    return this.#live.get(fmri)?.temporary ?? this.#service(fmri).enabled;
  }

  /** Starts every offline service that is wanted and may run, until none is left. */
  async #startWaiting(): Promise<void> {
    const life = this.#life;
    for (let next = this.#nextToStart(); next !== undefined; next = this.#nextToStart()) {
      await this.#start(next);
      if (life !== this.#life) return;
    }
  }

  #nextToStart(): StoredService | undefined {
    return this.#services.find(({ definition: { fmri } }) => {
      const live = this.#live.get(fmri);
      return (
        live?.state === 'offline' && this.#wanted(fmri) && this.#dependenciesOf(fmri).every((one) => this.#met(one))
      );
    });
  }

  /** A service's own and those that others put on it. */
  #dependenciesOf(fmri: string): Dependency[] {
    const put = this.#services.flatMap(({ definition }) =>
      definition.dependents
        .filter(({ fmris }) => fmris.includes(fmri))
        .map(({ grouping }) => ({ grouping, fmris: [definition.fmri] })),
    );
    return [...this.#service(fmri).definition.dependencies, ...put];
  }

  /** Services that this host does not have are taken to be there and running. */
  #met({ grouping, fmris }: Dependency): boolean {
    const states = fmris.map((fmri) => {
      const live = this.#live.get(fmri);
      return live === undefined ? 'online' : live.state === 'offline' && !this.#wanted(fmri) ? 'disabled' : live.state;
    });
    if (grouping === 'require_any') return states.includes('online');
    if (grouping === 'exclude_all') return !states.includes('online');
    // What is disabled or broken does not hold up those for whom it is optional.
    if (grouping === 'optional_all') return states.every((state) => state !== 'offline' && state !== 'uninitialized');
    return states.every((state) => state === 'online');
  }

  async #start(service: StoredService): Promise<void> {
    const { fmri } = service.definition;
    const live = this.#liveOf(fmri);
    for (let tries = 1; ; tries++) {
      const exit = await this.#method(service, 'start');
      if (this.#live.get(fmri) !== live || live.state !== 'offline') return;
      if (exit === 0) return this.#enter(live, 'online');
      if (FATAL_EXITS.includes(exit) || tries === START_TRIES) {
        return this.#maintain(live, `Start method failed (exit status ${exit})`);
      }
    }
  }

  async #method(service: StoredService, name: MethodName): Promise<number> {
    const { fmri, methods } = service.definition;
    const text = methods[name] ?? ':true';
    const command = text.replace(/%\{([^}]*)\}/g, (_, property: string) => service.running.get(property) ?? '');
    if (command === ':true') return 0;
    await this.#log(fmri, `Executing ${name} method ("${command}").`);
    if (command.startsWith(':kill')) {
      await this.host.signal(fmri, command.includes('HUP') ? 'HUP' : 'TERM');
      return 0;
    }
    const env = {
      SMF_FMRI: fmri,
      SMF_METHOD: name,
      SMF_RESTARTER: 'svc:/system/svc/restarter:default',
      SMF_ZONENAME: 'global',
    };
    const { exit, stdout, stderr } = await this.host.runMethod(command, env);
    await this.#append(fmri, withNewline(stdout) + withNewline(stderr));
    await this.#log(fmri, `Method "${name}" exited with status ${exit}.`);
    return exit;
  }

  async #log(fmri: string, text: string): Promise<void> {
    await this.#append(fmri, logLine(this.host.now(), text));
  }

  async #append(fmri: string, text: string): Promise<void> {
    if (text !== '') await this.host.files.append(underRoot(this.host.root, logPath(fmri)), text, 0o644);
  }
}

function withNewline(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}
