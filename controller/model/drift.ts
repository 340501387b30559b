/** What moved by itself, in plain values: findings of one look, incidents over time, what was accepted, and how people are told. */

/** `drift`: against the last confirmed generation. `pending`: the inventory asks for something else today. */
export type DriftClass = 'drift' | 'pending';

export type DriftSeverity = 'critical' | 'warning' | 'info';

/** Stable names; docs/drift.md has a line for each. */
export const DRIFT_KINDS = [
  // the host itself
  'host-unreachable',
  'host-key-changed',
  'access-refused',
  'agent-outdated',
  'agent-fails',
  'clock-off',
  // its record of what we did
  'never-applied',
  'generation-moved',
  'transaction-open',
  'transaction-failed',
  'state-folder-open',
  'boot-guard-missing',
  // files
  'file-missing',
  'file-content',
  'file-mode',
  'file-owner',
  'file-type',
  'file-orphan',
  // loaded policy
  'policy-empty',
  'policy-file-empty',
  'rule-missing',
  'rule-foreign',
  'rule-order',
  'policy-stale',
  // SAs and keys
  'sa-missing',
  'sa-foreign',
  'sa-key-differs',
  'sa-expiring',
  'key-differs',
  'key-old',
  // services and the daemon
  'service-state',
  'service-settings',
  'daemon-down',
  'daemon-unexpected',
  'daemon-out-of-step',
  // against the inventory
  'pending-change',
] as const;

export type DriftKind = (typeof DRIFT_KINDS)[number];

/** Kinds that an apply of what the host has already confirmed puts right: all that remediation may be given. */
export const REMEDIABLE_KINDS = [
  'file-missing',
  'file-content',
  'file-mode',
  'file-owner',
  'policy-empty',
  'policy-file-empty',
  'rule-missing',
  'rule-foreign',
  'rule-order',
  'policy-stale',
  'sa-missing',
  'key-differs',
  'service-state',
  'daemon-down',
] as const satisfies readonly DriftKind[];

/** One thing that is not as it should be on one host. Holds no secret. */
export interface DriftFinding {
  readonly host: string;
  readonly class: DriftClass;
  readonly kind: DriftKind;
  /** What it is about: a path, a rule's text, an SA by type, SPI and destination, a service. Host, kind and subject name the finding. */
  readonly subject: string;
  readonly severity: DriftSeverity;
  /** One sentence. */
  readonly what: string;
  /** ISO 8601, UTC, and how that is known. */
  readonly since?: { readonly at: string; readonly by: 'file time' | 'service log' | 'host record' | 'first seen' };
  /** The likely cause, where one can be told. */
  readonly cause?: string;
  /** The command that mends it. */
  readonly mend: string;
  /** Lines of a masked diff or listing. */
  readonly details?: readonly string[];
}

/** What one look at one host gave. */
export interface HostLook {
  readonly host: string;
  readonly state: 'clean' | 'drift' | 'pending' | 'unreachable';
  readonly findings: readonly DriftFinding[];
  readonly generation: number | undefined;
  /** When that was confirmed, ISO 8601, by the host's own clock. */
  readonly confirmed?: string;
  readonly openTransaction: boolean;
  /** Age in seconds of the oldest key in force; absent where the host has none of ours. */
  readonly oldestKeySeconds?: number;
}

/** One pass over the selected hosts. */
export interface DriftPass {
  readonly id: string;
  /** ISO 8601, UTC. */
  readonly begun: string;
  readonly ended: string;
  readonly looks: readonly HostLook[];
}

/** A finding over time: one for host, kind and subject. */
export interface Incident {
  /** `findingId(finding)`: unique on its host. */
  readonly id: string;
  readonly finding: DriftFinding;
  readonly firstSeen: string;
  readonly lastSeen: string;
  /** ISO 8601 once a look did not find it any more. */
  readonly cleared?: string;
  /** Looks in a row that found it. */
  readonly seen: number;
  /** Times it came back within the damping time: it flaps, and is told of once. */
  readonly returns: number;
  /** Whether people know its present state, open or cleared, or need not be told of it. */
  readonly told: boolean;
  /** The worst severity that people were told it has; absent while they have never heard of it. */
  readonly toldAs?: DriftSeverity;
}

/** A finding that a person has accepted until a day. */
export interface Acceptance {
  readonly host: string;
  readonly id: string;
  /** ISO 8601; from then on the finding counts again. */
  readonly until: string;
  readonly reason: string;
  readonly by: string;
  readonly at: string;
}

/** A host that remediation leaves alone until a person releases it. */
export interface Quarantine {
  readonly host: string;
  readonly since: string;
  readonly reason: string;
}

/** One host that remediation worked on. */
export interface RemediationRecord {
  readonly host: string;
  readonly at: string;
  readonly outcome: string;
  /** SHA-256 of the generation's file digests: what was reverted is never pushed again by itself. */
  readonly planDigest: string;
}

/** The generation that a host was last seen on. */
export interface SeenGeneration {
  readonly host: string;
  readonly generation: number;
  /** When it was confirmed, ISO 8601, by the host's own clock, where its record tells. */
  readonly confirmed?: string;
}

/** Everything the drift service remembers. */
export interface DriftMemory {
  readonly incidents: readonly Incident[];
  readonly acceptances: readonly Acceptance[];
  readonly quarantines: readonly Quarantine[];
  readonly remediations: readonly RemediationRecord[];
  /** One for each host that was ever seen on one. */
  readonly generations: readonly SeenGeneration[];
  /** What a notifier could not be told yet, oldest first. */
  readonly backlog: readonly UntoldDigest[];
  readonly lastPass: { readonly id: string; readonly begun: string; readonly ended: string } | undefined;
}

export const EMPTY_MEMORY: DriftMemory = {
  incidents: [],
  acceptances: [],
  quarantines: [],
  remediations: [],
  generations: [],
  backlog: [],
  lastPass: undefined,
};

/** A digest that one notifier has still to be told. */
export interface UntoldDigest {
  /** Its name in the inventory. */
  readonly notifier: string;
  readonly digest: DriftDigest;
}

/** What changed between two passes, grouped by cause: all that a notifier is told. */
export interface DriftDigest {
  readonly fleet: string;
  readonly pass: string;
  readonly at: string;
  readonly opened: readonly IncidentGroup[];
  readonly cleared: readonly IncidentGroup[];
  readonly quarantined: readonly Quarantine[];
  /** What remediation put right since the last pass, and this pass did not find again. Told as cleared once it has stayed so. */
  readonly putRight?: readonly IncidentGroup[];
  /** What people knew of and a person has accepted since the last pass: it is still there. Of an earlier version there is none. */
  readonly accepted?: readonly AcceptedGroup[];
  /** Acceptances that ended since the last pass: what they covered counts again. */
  readonly lapsed?: readonly Acceptance[];
  /** Hosts by state after the pass. */
  readonly hosts: Readonly<Record<HostLook['state'], number>>;
  /** The inventory as the commands that it names have to name it. */
  readonly inventory?: string;
  /** A person asked whether the notifiers work: nothing happened, and it is sent though there is nothing to tell. */
  readonly test?: boolean;
}

/** The same kind, subject and cause on several hosts. */
export interface IncidentGroup {
  readonly kind: DriftKind;
  readonly severity: DriftSeverity;
  readonly what: string;
  readonly mend: string;
  readonly hosts: readonly string[];
  readonly ids: readonly string[];
}

/** Causes that were accepted together: as `Acceptance` has it, the same for all hosts. */
export interface AcceptedGroup extends IncidentGroup {
  readonly until: string;
  readonly reason: string;
  readonly by: string;
}

/** The `drift:` section of an inventory. */
export interface DriftSettings {
  /** Cron words; absent: only `--once` and plain `drift`. */
  readonly schedule: string | undefined;
  /** IANA name, e.g. `Europe/Berlin`. */
  readonly timeZone: string;
  /** Each host is looked at up to so many seconds after the scheduled time, always the same for one host. */
  readonly spreadSeconds: number;
  readonly stateFile: string;
  /** Where /metrics, /healthz and /readyz are served; absent: nowhere. */
  readonly listen: { readonly address: string; readonly port: number } | undefined;
  /** Days until a key counts as old; 0 = never. */
  readonly keyAgeDays: number;
  /** Seconds a host's clock may be off. */
  readonly clockSeconds: number;
  /** Looks in a row that must find something before people are told. */
  readonly confirmLooks: number;
  /** Seconds in which a finding that comes back is the same incident. */
  readonly dampingSeconds: number;
  readonly notify: readonly NotifierSettings[];
  readonly remediate: RemediationSettings | undefined;
}

export interface RemediationSettings {
  readonly kinds: readonly DriftKind[];
  /** Groups or hosts, as in `--limit`. */
  readonly groups: readonly string[];
  readonly hostsPerHour: number;
}

/** RFC 5424 §6.2.1, by the names that syslog.conf uses; the place in the list is the code. */
export const SYSLOG_FACILITIES = [
  'kern',
  'user',
  'mail',
  'daemon',
  'auth',
  'syslog',
  'lpr',
  'news',
  'uucp',
  'cron',
  'authpriv',
  'ftp',
  'ntp',
  'audit',
  'alert',
  'clock',
  'local0',
  'local1',
  'local2',
  'local3',
  'local4',
  'local5',
  'local6',
  'local7',
] as const;

/** Secrets are names of environment variables, never values. */
export type NotifierSettings = { readonly name: string; readonly least: DriftSeverity } & (
  | { readonly kind: 'webhook'; readonly url: string; readonly secretEnv: string | undefined }
  | { readonly kind: 'slack'; readonly urlEnv: string }
  | {
      readonly kind: 'email';
      readonly host: string;
      readonly port: number;
      readonly tls: 'required' | 'implicit' | 'none';
      readonly userEnv: string | undefined;
      readonly passwordEnv: string | undefined;
      readonly from: string;
      readonly to: readonly string[];
    }
  | {
      readonly kind: 'syslog';
      readonly address: string;
      readonly port: number;
      readonly protocol: 'udp' | 'tcp';
      readonly facility: string;
    }
  | { readonly kind: 'exec'; readonly command: readonly string[] }
);
