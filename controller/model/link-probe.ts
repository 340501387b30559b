/** What a policy promises of one flow between two ends, and what was seen of it on the wire. */

/** In the words of the pair analysis. */
export type FlowKind = 'protected' | 'clear' | 'refused';

/** The end that stands for this machine: its packets leave in the clear, as those of any stranger do. */
export const CONTROLLER = 'controller';

export interface ProbedFlow {
  /** Id of the link whose promise it is; absent for what no link speaks of. */
  readonly link?: string;
  /** Name of a host, or `controller`. */
  readonly from: string;
  readonly to: string;
  readonly source: string;
  readonly destination: string;
  /** `tcp/22`, `icmp`. */
  readonly flow: string;
  readonly expect: FlowKind;
  /** `tests`: a line of the inventory's `tests:` says so. `policy`: it follows from the rules. */
  readonly because: 'policy' | 'tests';
}

/**
 * Why a promise did not hold. The first two are what the pair analysis calls so. `no-answer`: nobody can tell more.
 * `in-the-clear`: answered without protection. `not-refused`: let in although it must not be.
 */
export type ProbeFault = 'key-mismatch' | 'missing-sa' | 'no-answer' | 'in-the-clear' | 'not-refused';

export type ProbeResult = ProbedFlow &
  (
    | { readonly state: 'held'; readonly evidence: string }
    | {
        readonly state: 'broken';
        readonly fault: ProbeFault;
        readonly evidence: string;
        readonly cause: string;
        readonly todo: string;
      }
    /** Nothing is known of it: no failure. */
    | { readonly state: 'untried'; readonly why: string }
  );

export type ProbeCounts = Readonly<Record<ProbeResult['state'], number>>;

export function countProbes(results: Iterable<ProbeResult>): ProbeCounts {
  const counts = { held: 0, broken: 0, untried: 0 };
  for (const { state } of results) counts[state]++;
  return counts;
}

/** A link, or a host, of which nothing or not all could be tried, and why. */
export interface ProbeGap {
  readonly link?: string;
  readonly host?: string;
  readonly why: string;
}

/** How links are probed (`settings.probes`). */
export interface ProbeSettings {
  /** Until a flow that must work has to have worked. */
  readonly deadlineSeconds: number;
  /** Links of one host that are probed in one run. */
  readonly mostLinks: number;
  /** TCP ports that are tried before others, where the policy's promise is the one to be tried. */
  readonly ports: readonly number[];
}

export const DEFAULT_PROBES: ProbeSettings = { deadlineSeconds: 10, mostLinks: 20, ports: [22] };
