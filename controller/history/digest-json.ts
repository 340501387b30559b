/** A digest that was written as JSON, read back: what does not have the shape of one is none. */

import {
  DRIFT_KINDS,
  type Acceptance,
  type AcceptedGroup,
  type DriftDigest,
  type DriftKind,
  type DriftSeverity,
  type IncidentGroup,
  type Quarantine,
} from '../model/drift.js';

/** `undefined` for what is no digest, or tells of a kind that only a later version knows. */
export function readDigest(json: string): DriftDigest | undefined {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  return isDigest(value) ? value : undefined;
}

type Fields = Readonly<Record<string, unknown>>;
type Check = (value: unknown) => boolean;

const KINDS: readonly unknown[] = DRIFT_KINDS satisfies readonly DriftKind[];
const SEVERITIES: readonly unknown[] = ['critical', 'warning', 'info'] satisfies readonly DriftSeverity[];
const STATES = ['clean', 'drift', 'pending', 'unreachable'] satisfies readonly (keyof DriftDigest['hosts'])[];

const isText: Check = (value) => typeof value === 'string';
const isCount: Check = (value) => Number.isSafeInteger(value);
const isListOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const orAbsent =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);

function isDigest(value: unknown): value is DriftDigest {
  return has(value, {
    fleet: isText,
    pass: isText,
    at: isText,
    opened: isListOf(isGroup),
    cleared: isListOf(isGroup),
    quarantined: isListOf(isQuarantine),
    putRight: orAbsent(isListOf(isGroup)),
    accepted: orAbsent(isListOf(isAccepted)),
    lapsed: orAbsent(isListOf(isAcceptance)),
    hosts: (hosts) => has(hosts, Object.fromEntries(STATES.map((state) => [state, isCount]))),
    inventory: orAbsent(isText),
    test: orAbsent((test) => typeof test === 'boolean'),
  } satisfies Record<keyof DriftDigest, Check>);
}

const GROUP = {
  kind: (kind) => KINDS.includes(kind),
  severity: (severity) => SEVERITIES.includes(severity),
  what: isText,
  mend: isText,
  hosts: isListOf(isText),
  ids: isListOf(isText),
} satisfies Record<keyof IncidentGroup, Check>;

function isGroup(value: unknown): boolean {
  return has(value, GROUP);
}

function isAccepted(value: unknown): boolean {
  const fields = { ...GROUP, until: isText, reason: isText, by: isText };
  return has(value, fields satisfies Record<keyof AcceptedGroup, Check>);
}

function isQuarantine(value: unknown): boolean {
  return has(value, { host: isText, since: isText, reason: isText } satisfies Record<keyof Quarantine, Check>);
}

function isAcceptance(value: unknown): boolean {
  const fields = { host: isText, id: isText, until: isText, reason: isText, by: isText, at: isText };
  return has(value, fields satisfies Record<keyof Acceptance, Check>);
}

function has(value: unknown, checks: Readonly<Record<string, Check>>): boolean {
  return isFields(value) && Object.entries(checks).every(([field, check]) => check(value[field]));
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
