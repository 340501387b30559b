/**
 * The service management of one host: states, wishes, snapshots of properties, and the order in which work is done.
 * Source: smf(5), smf_method(5), svc.startd(1M).
 */

import { mayStart, type ServiceState } from './smf-dependencies.js';
import { matchesFmri } from './smf-fmri.js';
import { MethodRunner, type SmfHost } from './smf-methods.js';
import { readRepository, REPOSITORY_PATH, stored, writeRepository, type StoredService } from './smf-repository.js';
import type { ServiceDefinition } from './smf-services.js';
import { underRoot } from './tool.js';

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

interface Live {
  state: ServiceState;
  since: Date;
  /** `enable -t`, `disable -t`: until the next boot. */
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
  readonly #methods: MethodRunner;
  #services: StoredService[] = readRepository(undefined);
  #live = new Map<string, Live>();
  #jobs: Promise<void> = Promise.resolve();
  /** Changes when the power goes: jobs of an earlier life stop. */
  #life = 0;

  constructor(private readonly host: SmfHost) {
    this.#methods = new MethodRunner(host);
  }

  instances(): Instance[] {
    return this.#services.map((service) => {
      const { fmri } = service.definition;
      const { state, since, reason } = this.#liveOf(fmri);
      return { fmri, state, since, reason, enabled: this.#wanted(fmri), stored: service };
    });
  }

  find(word: string): Instance[] {
    return this.instances().filter(({ fmri }) => matchesFmri(word, fmri));
  }

  /** Does a job when those before it are done. */
  enqueue(job: () => Promise<void>): Promise<void> {
    const life = this.#life;
    const done = this.#jobs.then(async () => {
      if (life !== this.#life) return;
      try {
        await job();
      } catch (error) {
        // After a power cut the disk refuses the last words of a job.
        if (life === this.#life) throw error;
      }
    });
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

  /** Takes effect on what starts next at once, and is kept; `settle` does the rest. */
  async wish(fmri: string, wanted: boolean, temporary: boolean): Promise<void> {
    this.#liveOf(fmri).temporary = temporary ? wanted : undefined;
    if (!temporary) await this.#save(() => (this.#service(fmri).enabled = wanted));
  }

  /** Brings a service to what is wished of it. Maintenance is left only by `clear` or by disabling. */
  async settle(fmri: string): Promise<void> {
    const live = this.#liveOf(fmri);
    if (this.#wanted(fmri)) {
      if (live.state !== 'disabled' && live.state !== 'uninitialized') return;
      await this.#methods.log(fmri, 'Enabled.');
      this.#enter(live, 'offline');
      return this.#startWaiting();
    }
    if (live.state === 'online') {
      await this.#methods.log(fmri, 'Stopping because service disabled.');
      await this.#methods.run(this.#service(fmri), 'stop');
    }
    this.#enter(live, 'disabled');
  }

  /** Stop and start: a service whose stop flushes has nothing in between. */
  async restart(fmri: string): Promise<void> {
    const live = this.#liveOf(fmri);
    if (live.state !== 'online') return;
    await this.#methods.log(fmri, 'Stopping because service restarting.');
    await this.#methods.run(this.#service(fmri), 'stop');
    this.#enter(live, 'offline');
    await this.#startWaiting();
  }

  /** Takes the edited properties into the running snapshot; the method runs only where the service is online. */
  async refresh(fmri: string): Promise<void> {
    const service = this.#service(fmri);
    await this.#save(() => (service.running = new Map(service.edited)));
    const live = this.#liveOf(fmri);
    if (live.state !== 'online' || service.definition.methods.refresh === undefined) return;
    await this.#methods.log(fmri, 'Rereading configuration.');
    const exit = await this.#methods.run(service, 'refresh');
    // What was loaded stays loaded: only the state tells of the failure.
    if (exit !== 0) this.#maintain(live, `Refresh method failed (exit status ${exit})`);
  }

  async clear(fmri: string): Promise<void> {
    const live = this.#liveOf(fmri);
    if (live.state !== 'maintenance') return;
    await this.#methods.log(fmri, 'Leaving maintenance because clear requested.');
    live.restarts = 0;
    this.#enter(live, this.#wanted(fmri) ? 'offline' : 'disabled');
    await this.#startWaiting();
  }

  async mark(fmri: string): Promise<void> {
    await this.#methods.log(fmri, 'Stopping because of administrative request for maintenance.');
    this.#maintain(this.#liveOf(fmri), 'Maintenance requested by an administrator');
  }

  /** A daemon's processes are gone without having been told. */
  async processesExited(fmri: string): Promise<void> {
    const live = this.#liveOf(fmri);
    if (live.state !== 'online') return;
    await this.#methods.log(fmri, 'Stopping because all processes in service exited.');
    live.restarts += 1;
    if (live.restarts > RESTART_LIMIT) {
      await this.#methods.log(fmri, 'Restarting too quickly, changing state to maintenance.');
      return this.#maintain(live, 'Restarting too quickly');
    }
    this.#enter(live, 'offline');
    await this.#startWaiting();
  }

  async setProperty(fmri: string, name: string, value: string): Promise<void> {
    await this.#save(() => this.#service(fmri).edited.set(name, value));
  }

  /** Makes services known, or defines known ones anew; whether they are enabled stays. `startImported` starts them. */
  async define(definitions: readonly ServiceDefinition[], manifest: string): Promise<void> {
    for (const definition of definitions) {
      const known = this.#services.find((one) => one.definition.fmri === definition.fmri);
      const service = stored(definition, manifest);
      if (known !== undefined) service.enabled = known.enabled;
      this.#services = [...this.#services.filter((one) => one !== known), service];
      const live = this.#liveOf(definition.fmri);
      if (live.state === 'uninitialized') this.#enter(live, service.enabled ? 'offline' : 'disabled');
    }
    await this.#save(() => undefined);
  }

  startImported(): Promise<void> {
    return this.enqueue(() => this.#startWaiting());
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

  /** One that is offline and not wanted any more counts as disabled before that is settled. */
  #stateSeen(fmri: string): ServiceState | undefined {
    const live = this.#live.get(fmri);
    return live?.state === 'offline' && !this.#wanted(fmri) ? 'disabled' : live?.state;
  }

  /** Starts every offline service that is wanted and may run, until none is left. */
  async #startWaiting(): Promise<void> {
    const life = this.#life;
    const next = (): StoredService | undefined =>
      this.#services.find(
        (service) =>
          this.#stateSeen(service.definition.fmri) === 'offline' &&
          mayStart(service, this.#services, (fmri) => this.#stateSeen(fmri)),
      );
    for (let service = next(); service !== undefined; service = next()) {
      await this.#start(service);
      if (life !== this.#life) return;
    }
  }

  async #start(service: StoredService): Promise<void> {
    const { fmri } = service.definition;
    const live = this.#liveOf(fmri);
    for (let tries = 1; ; tries++) {
      const exit = await this.#methods.run(service, 'start');
      if (this.#live.get(fmri) !== live || live.state !== 'offline') return;
      if (exit === 0) return this.#enter(live, 'online');
      if (FATAL_EXITS.includes(exit) || tries === START_TRIES) {
        return this.#maintain(live, `Start method failed (exit status ${exit})`);
      }
    }
  }
}
