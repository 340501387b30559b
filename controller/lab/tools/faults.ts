/** Faults that a test or a demonstration puts on a host's commands. Owns which call is hit and how often. */

export type Fault =
  /** Answers as if all were well, and does nothing. */
  | { readonly kind: 'lie' }
  /** Does nothing and fails. */
  | { readonly kind: 'fail'; readonly exit?: number; readonly stderr?: string }
  /** Does not answer until released. */
  | { readonly kind: 'hang' }
  /** Does its work only after a while, and answers then. */
  | { readonly kind: 'late'; readonly seconds: number }
  /** Answers at once and does its work after a while, as svcadm does on a busy host. */
  | { readonly kind: 'early'; readonly seconds: number }
  /** in.iked: starts well and is gone at once. */
  | { readonly kind: 'dies' }
  /** in.iked: starts, or reads again, with what its forerunner held. */
  | { readonly kind: 'stale' }
  /**
   * ikeadm: phase 1 is told to be up with every peer of the rules, while the kernel has lost the SAs that were negotiated, or those of
   * one direction; the daemon does not negotiate anew. Over when the daemon starts again.
   */
  | { readonly kind: 'out-of-step'; readonly lost?: 'in' | 'out' };

export interface FaultPlacing {
  /** Name of the command, or `*`. */
  readonly tool: string;
  readonly when?: (args: readonly string[]) => boolean;
  readonly fault: Fault;
  /** How many calls are hit; without it all. */
  readonly times?: number;
}

export interface PlacedFault {
  /** Calls hit so far. */
  readonly hits: number;
  /** Takes the fault away and lets calls that hang go on. */
  release(): void;
}

/** A call that is hit. */
export interface FaultHit {
  readonly fault: Fault;
  /** Resolves when the fault is taken away. */
  readonly released: Promise<void>;
}

interface Placed extends PlacedFault {
  readonly placing: FaultPlacing;
  hits: number;
}

export class FaultTable {
  #placed: Placed[] = [];
  readonly #waiting = new Map<Placed, (() => void)[]>();

  /** `watch` is told of each fault that is placed or taken away. */
  constructor(private readonly watch: (fault: Fault, is: 'placed' | 'gone') => void = () => undefined) {}

  place(placing: FaultPlacing): PlacedFault {
    const placed: Placed = { placing, hits: 0, release: () => this.#release(placed) };
    this.#placed.push(placed);
    this.watch(placing.fault, 'placed');
    return placed;
  }

  clear(): void {
    for (const placed of [...this.#placed]) placed.release();
  }

  has(kind: Fault['kind']): boolean {
    return this.#placed.some(({ placing }) => placing.fault.kind === kind);
  }

  /** Takes all faults of a kind away. */
  end(kind: Fault['kind']): void {
    for (const placed of this.#placed.filter(({ placing }) => placing.fault.kind === kind)) placed.release();
  }

  /** The fault that hits this call, counted. */
  take(tool: string, args: readonly string[]): FaultHit | undefined {
    const placed = this.#placed.find(
      ({ placing: { tool: wanted, when, times }, hits }) =>
        (wanted === tool || wanted === '*') && (times === undefined || hits < times) && (when?.(args) ?? true),
    );
    if (placed === undefined) return undefined;
    placed.hits += 1;
    const released = new Promise<void>((resolve) => {
      this.#waiting.set(placed, [...(this.#waiting.get(placed) ?? []), resolve]);
    });
    return { fault: placed.placing.fault, released };
  }

  #release(placed: Placed): void {
    if (this.#placed.includes(placed)) {
      this.#placed = this.#placed.filter((one) => one !== placed);
      this.watch(placed.placing.fault, 'gone');
    }
    for (const go of this.#waiting.get(placed) ?? []) go();
    this.#waiting.delete(placed);
  }
}
