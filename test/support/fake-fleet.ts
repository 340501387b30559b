/** Hosts that keep the agent's promises in memory, and can be told to break them one at a time. */

import type { Host } from '../../controller/model/host.js';
import type {
  DriftReport,
  HostStatus,
  Observation,
  StepReport,
  TransactionOutcome,
  TransactionRequest,
} from '../../controller/model/observation.js';
import { HostLinkError, type Clock, type HostLink, type HostSession } from '../../controller/ports.js';

/** What goes wrong, once each unless said otherwise. */
export type Fault =
  | 'unreachable'
  | 'unreachable-after-activation'
  | 'verify-fails'
  | 'refuses'
  | 'transact-reply-lost'
  | 'confirm-reply-lost'
  | 'window-passed'
  | 'abort-unreachable';

export function fakeHost(name: string, faults: readonly Fault[] = []): FakeHost {
  return new FakeHost(name, new Set(faults));
}

export class FakeHost {
  generation: number | undefined;
  connections = 0;
  readonly requests: string[] = [];
  #open: { request: TransactionRequest; before: number | undefined } | undefined;
  #ended = new Map<string, TransactionOutcome>();

  constructor(
    readonly name: string,
    readonly faults: Set<Fault>,
  ) {}

  get hasOpenTransaction(): boolean {
    return this.#open !== undefined;
  }

  connect(): HostSession {
    this.connections++;
    if (this.faults.has('unreachable')) throw lost('unreachable', `${this.name}: connection refused`);
    if (this.#open !== undefined && this.faults.has('unreachable-after-activation')) {
      throw lost('unreachable', `${this.name}: no route to host`);
    }
    return {
      observe: () => Promise.resolve(observationOf({ generation: this.generation })),
      drift: () => Promise.resolve(driftReportOf({ generation: this.generation })),
      read: () => Promise.resolve(''),
      fingerprints: () => Promise.resolve([]),
      collect: () => Promise.resolve(undefined),
      surroundings: () => Promise.resolve({ client: undefined, hosts: '', addresses: [] }),
      // A host without means to try anything.
      probe: (probes) =>
        Promise.resolve({
          replies: probes.map(({ id }) => ({ id, answer: 'untried', means: '', text: 'not played' })),
          before: [],
          after: [],
        }),
      counters: () => Promise.resolve([]),
      transact: (request, onStep) => this.#transact(request, onStep),
      confirm: (id, nonce) => this.#confirm(id, nonce),
      abort: (id) => this.#abort(id),
      extend: (id) => Promise.resolve({ state: 'unknown', id, text: 'not played' }),
      status: () => Promise.resolve(this.#status()),
      generation: () => Promise.reject(new Error('not played')),
      close: () => Promise.resolve(),
    };
  }

  async #transact(request: TransactionRequest, onStep: (step: StepReport) => void): Promise<TransactionOutcome> {
    this.requests.push(`transact ${request.steps.join(',')}`);
    const { id, generation } = request;
    if (this.faults.has('refuses')) return { state: 'refused', id, text: 'the host has moved since the plan' };
    onStep({ name: 'preflight', state: 'done', text: '', output: [] });
    if (this.faults.has('verify-fails')) {
      const outcome: TransactionOutcome = {
        state: 'reverted',
        id,
        generation: this.generation,
        step: 'verify',
        text: '1 rule is missing',
      };
      this.#ended.set(id, outcome);
      return outcome;
    }
    this.#open = { request, before: this.generation };
    this.generation = generation;
    if (this.faults.delete('transact-reply-lost')) throw lost('lost', 'the connection closed in the middle of a reply');
    const gone = this.faults.has('window-passed') ? 5 : 0;
    return { state: 'verified', id, generation, revertsInSeconds: request.windowSeconds - gone };
  }

  async #confirm(id: string, nonce: string): Promise<TransactionOutcome> {
    this.requests.push('confirm');
    const ended = this.#ended.get(id);
    if (ended !== undefined) return ended;
    if (this.#open?.request.id !== id || this.#open.request.nonce !== nonce)
      return { state: 'unknown', id, text: 'no such transaction' };
    if (this.faults.has('window-passed')) return this.#takeBack(id, 'confirm', 'not confirmed in time');
    const outcome: TransactionOutcome = { state: 'confirmed', id, generation: this.#open.request.generation };
    this.#open = undefined;
    this.#ended.set(id, outcome);
    if (this.faults.delete('confirm-reply-lost')) throw lost('lost', 'the connection closed in the middle of a reply');
    return outcome;
  }

  async #abort(id: string): Promise<TransactionOutcome> {
    this.requests.push('abort');
    if (this.faults.has('abort-unreachable')) throw lost('unreachable', `${this.name}: no route to host`);
    const ended = this.#ended.get(id);
    if (ended !== undefined) return ended;
    if (this.#open?.request.id !== id) return { state: 'unknown', id, text: 'no such transaction' };
    return this.#takeBack(id, 'abort', 'asked to');
  }

  #takeBack(id: string, step: string, text: string): TransactionOutcome {
    this.generation = this.#open?.before;
    const outcome: TransactionOutcome = { state: 'reverted', id, generation: this.generation, step, text };
    this.#open = undefined;
    this.#ended.set(id, outcome);
    return outcome;
  }

  #status(): HostStatus {
    return {
      generation: this.generation,
      run: undefined,
      kept: [],
      openTransaction: undefined,
      history: [],
      outcome: undefined,
    };
  }
}

function lost(kind: 'lost' | 'unreachable', reason: string): HostLinkError {
  return new HostLinkError({ kind, reason, todo: 'look at the network' });
}

export function fakeLink(hosts: readonly FakeHost[]): HostLink {
  const byName = new Map(hosts.map((host) => [host.name, host]));
  return {
    open: async (host) => {
      const found = byName.get(host.name);
      if (found === undefined) throw new Error(`no fake host ${host.name}`);
      return found.connect();
    },
  };
}

/** Time that passes only when somebody waits for it. */
export function fakeClock(start = '2026-11-22T10:00:00.000Z'): Clock {
  let now = new Date(start).getTime();
  return {
    now: () => new Date(now),
    after: (seconds) => {
      now += seconds * 1000;
      return Promise.resolve();
    },
  };
}

export function hostNamed(name: string, addresses: Host['addresses'] = []): Host {
  return {
    name,
    addresses,
    groups: [],
    platform: 'auto',
    ssh: {
      host: '127.0.0.1',
      port: 22,
      user: 'deploy',
      privilege: 'none',
      auth: [{ kind: 'agent' }],
      connectTimeoutSeconds: 10,
      replyTimeoutSeconds: 60,
      hostKeys: [],
      knownHosts: [],
    },
    template: 'peer',
    vars: {},
    at: { file: 'inventory.yaml', line: 1, column: 1 },
  };
}

export function observationOf(changes: Partial<Observation> = {}): Observation {
  return {
    facts: new Map([
      ['platform', 'solaris-smf'],
      ['user', '0'],
    ]),
    generation: undefined,
    run: undefined,
    manifest: undefined,
    files: [],
    spd: [],
    sad: [],
    services: new Map([
      ['network/ipsec/policy', 'online'],
      ['network/ipsec/ike', 'disabled'],
      ['network/ipsec/manual-key', 'disabled'],
    ]),
    daemonRunning: false,
    logs: [],
    openTransaction: undefined,
    ...changes,
  };
}

/** A host of one generation on which nothing is amiss; `changes` says what is. */
export function driftReportOf(changes: Partial<DriftReport> = {}): DriftReport {
  return {
    ...observationOf(),
    time: '2026-11-22T10:15:00Z',
    files: [],
    sad: [],
    stateFolder: { path: '/var/ipsec-deploy', state: 'present', mode: '0700', uid: 0, gid: 0, type: 'folder' },
    agents: [],
    guard: { script: undefined, scriptIsShipped: true, manifest: 'same' },
    leftovers: [],
    serviceDetails: new Map(),
    daemon: { state: 'absent', phase1: undefined, rules: [], peers: [] },
    keepers: [],
    unarmed: false,
    history: [],
    settled: true,
    ...changes,
  };
}
