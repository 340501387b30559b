/** What run/ needs of the world. Types only: the edges implement them, tests fake them, cli/context.ts wires them. */

import type { Address } from './model/address.js';
import type { DriftDigest, DriftMemory, DriftPass } from './model/drift.js';
import type { Host } from './model/host.js';
import type {
  DriftReport,
  HostStatus,
  HostSurroundings,
  InstalledKey,
  Observation,
  StepReport,
  StoredGeneration,
  TransactionOutcome,
  TransactionRequest,
} from './model/observation.js';
import type { Probe, ProbeAnswer, ProbeReport, SaCount } from './model/probe.js';
import type { Secret } from './model/secret.js';
import type { DriftEvent, GaugeValues } from './report/drift-metrics.js';

/** A conversation with one host's agent over one SSH connection. Requests are answered one at a time. */
export interface HostSession {
  /** Jump hosts on the way, the inventory's or ssh_config(5)'s, the nearest first; none where the host is reached directly. */
  readonly through?: readonly string[] | undefined;
  observe(): Promise<Observation>;
  /** All that a check of drift wants to know, without any change on the host: not even what is half done is mended. */
  drift(): Promise<DriftReport>;
  /** A managed file's text; keys in it are replaced by `[key]` on the host. */
  read(path: string): Promise<string>;
  fingerprints(path: string, salt: string): Promise<readonly InstalledKey[]>;
  /**
   * A managed file as it is, keys and all; for `import` alone, never to be shown, logged or written but into the key store.
   * `undefined` when there is none.
   */
  collect(path: string): Promise<Secret | undefined>;
  surroundings(): Promise<HostSurroundings>;
  /**
   * Tries flows from this host, all at once, each again and again while nothing comes back, until `deadlineSeconds` are over (a whole
   * number, 2 to 120), at most `MOST_PROBES`. Replies are in the order of `probes`, one each. Changes nothing on the host. The answer may take a few seconds more.
   */
  probe(probes: readonly Probe[], deadlineSeconds: number): Promise<ProbeReport>;
  /** What each loaded SA has carried. Of a host that has very many, only those between two of the addresses `among`, where given. */
  counters(among?: readonly Address[]): Promise<readonly SaCount[]>;
  transact(request: TransactionRequest, onStep: (step: StepReport) => void): Promise<TransactionOutcome>;
  confirm(id: string, nonce: string, onStep: (step: StepReport) => void): Promise<TransactionOutcome>;
  abort(id: string, onStep: (step: StepReport) => void): Promise<TransactionOutcome>;
  extend(id: string, seconds: number): Promise<TransactionOutcome>;
  status(id?: string): Promise<HostStatus>;
  generation(number: number): Promise<StoredGeneration>;
  close(): Promise<void>;
}

/** Why a host could not be talked to; `lost` means after the agent had begun to answer. */
export interface LinkFailure {
  readonly kind: 'unreachable' | 'auth' | 'host-key' | 'privilege' | 'agent' | 'timeout' | 'lost';
  readonly reason: string;
  readonly todo: string;
}

/** Thrown by every method of a session and by `open`; what befell one host is turned into its outcome by run/. */
export class HostLinkError extends Error {
  override readonly name = 'HostLinkError';
  constructor(
    readonly failure: LinkFailure,
    options?: { cause?: unknown },
  ) {
    super(failure.reason, options);
  }
}

/** In the place of any other, once no more was to be looked at: nothing is known of the host, and nothing is wrong with it. */
export class LinkInterrupted extends HostLinkError {
  constructor(host: string, options?: { cause?: unknown }) {
    const reason = `interrupted before ${host} had answered`;
    super({ kind: 'lost', reason, todo: 'run the command again' }, options);
  }
}

export interface SessionMode {
  /**
   * Nothing on the host is written: an agent that is not there yet runs without being stored, requests that change
   * something are refused, and `observe` and `status` leave an abandoned transaction as it is.
   */
  readonly readOnly?: boolean;
}

export interface HostLink {
  /** Connects, authenticates, checks the host key and starts the agent. @throws HostLinkError */
  open(host: Host, how?: SessionMode): Promise<HostSession>;
}

/** What came of a connection of this machine's own. */
export interface OwnAnswer {
  readonly answer: ProbeAnswer;
  /** Why, where it is not plain. */
  readonly text: string;
}

/** This machine as a stranger to the hosts: it has no IPsec policy of ours. Nothing here throws. */
export interface OwnNetwork {
  /** Addresses of a name or literal; none when the network knows no such name. */
  addressesOf(name: string): Promise<readonly Address[]>;
  /** What packets to `destination` would leave with; `undefined` without a way there. Sends nothing. */
  sourceTowards(destination: Address): Promise<Address | undefined>;
  /** One TCP connection, closed at once. */
  connect(destination: Address, port: number, seconds: number, stop?: AbortSignal): Promise<OwnAnswer>;
}

/** One stored key with what it is for. */
export type StoredKey =
  | { readonly kind: 'psk'; readonly id: string; readonly created: string; readonly secret: Secret }
  | {
      readonly kind: 'sa';
      readonly id: string;
      readonly created: string;
      /** ≥ 256, unique for its destination. */
      readonly spi: number;
      readonly src: string;
      readonly dst: string;
      readonly encr: string;
      readonly encrAuth: string | undefined;
      /** Absent for the null cipher. */
      readonly encrKey: Secret | undefined;
      readonly authKey: Secret | undefined;
    };

export interface KeyStore {
  /** Salt of key fingerprints; made with the store. */
  readonly salt: string;
  readonly keys: ReadonlyMap<string, StoredKey>;
}

/** Secrets at rest: read and written whole. */
export interface Vault {
  read(): Promise<KeyStore>;
  /** Replaces the store in one rename, under a lock, refusing when it changed since it was read. */
  write(store: KeyStore): Promise<void>;
}

export interface Clock {
  now(): Date;
  /** Resolves after the time has passed; rejects when aborted. */
  after(seconds: number, signal?: AbortSignal): Promise<void>;
}

/** `crypto.randomBytes`, handed in. */
export type RandomBytes = (count: number) => Uint8Array;

/** A structured event for the log file; fields are redacted by the log edge. */
export interface Log {
  event(level: 'debug' | 'info' | 'warn' | 'error', name: string, fields: Readonly<Record<string, unknown>>): void;
}

/**
 * What is remembered between passes. Read it anew before each change: what is written is the difference to what this store
 * read last, so that an acceptance made by another process meanwhile stays.
 */
export interface DriftStore {
  read(): Promise<DriftMemory>;
  /** Makes the memory so and, when a pass is given, keeps its summary: all of it or nothing. */
  write(memory: DriftMemory, pass?: DriftPass): Promise<void>;
  close(): Promise<void>;
}

/** Tells people of a change of state. Rejects when it could not be told in the end, its own retries included. */
export interface Notifier {
  readonly name: string;
  tell(digest: DriftDigest, stop: AbortSignal): Promise<void>;
}

/** What the drift service says of itself to whoever scrapes it. */
export interface DriftMetrics {
  /** `metricsOf` after each pass, and once at the start with what was remembered. */
  show(values: GaugeValues): void;
  count(event: DriftEvent): void;
}

/** What the drift service knows of its own health when it is asked. */
export interface ServiceSigns {
  readonly started: Date;
  /** When the loop last gave a sign. */
  readonly beat: Date;
  /** In the middle of a pass or what follows from it: then a sign may take long to come, else it comes every half minute. */
  readonly working: boolean;
  readonly inventoryRead: boolean;
  /** Code of what the last pass failed of, e.g. because its state file could not be opened. */
  readonly failure: string | undefined;
  readonly lastPassEnded: Date | undefined;
  /** The longest time between two scheduled passes; absent without a schedule. */
  readonly periodSeconds: number | undefined;
}
