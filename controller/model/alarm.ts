/** What `verify` finds that cannot wait: a host that lets pass what it should protect, or refuses what it should let pass. */

export const ALARM_KINDS = [
  /** No rule in force protects anything on a host that should protect. */
  'fail-open',
  /** The rules in force are right, and the next boot or refresh loads none that protects. */
  'fail-open-at-boot',
  /** What the inventory renders for a host that should protect, protects nothing. */
  'fail-open-rendered',
  /** Key daemon and kernel, or the kernels of two ends, do not agree on SAs, rules or keys: protected traffic is refused. */
  'out-of-step',
  /** The key daemon does not run, or does not answer. */
  'daemon-down',
] as const;

export type AlarmKind = (typeof ALARM_KINDS)[number];

/** Holds no secret. */
export interface Alarm {
  readonly host: string;
  readonly kind: AlarmKind;
  /** The other end, where it is about one. */
  readonly peer?: string;
  /** One sentence. */
  readonly what: string;
  /** The likely cause, where one can be told. */
  readonly cause?: string;
  /** The command that mends it, or what to change. */
  readonly mend: string;
  /** Rules, SAs or peers that it is about. */
  readonly details?: readonly string[];
}
