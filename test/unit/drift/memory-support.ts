/** Findings, looks and passes that tests of the drift memory are made of. */

import { advance, type AdvanceRules } from '../../../controller/drift/incidents.js';
import {
  EMPTY_MEMORY,
  type Acceptance,
  type DriftFinding,
  type DriftMemory,
  type DriftPass,
  type HostLook,
  type Incident,
} from '../../../controller/model/drift.js';

export const START = new Date('2026-11-22T10:00:00.000Z');

export function after(seconds: number, from = START): Date {
  return new Date(from.getTime() + seconds * 1000);
}

export function finding(parts: Partial<DriftFinding> = {}): DriftFinding {
  return {
    host: 'web1',
    class: 'drift',
    kind: 'file-mode',
    subject: '/etc/inet/ipsecinit.conf',
    severity: 'warning',
    what: '/etc/inet/ipsecinit.conf has mode 0644, not 0400',
    mend: 'ipsec-deploy apply inventory.yaml --limit web1',
    ...parts,
  };
}

export function look(host: string, findings: readonly DriftFinding[] = [], parts: Partial<HostLook> = {}): HostLook {
  return {
    host,
    state: findings.length === 0 ? 'clean' : 'drift',
    findings: findings.map((one) => ({ ...one, host, mend: one.mend.replace('--limit web1', `--limit ${host}`) })),
    generation: 7,
    openTransaction: false,
    ...parts,
  };
}

export function unreachable(host: string): HostLook {
  const contact = finding({ kind: 'host-unreachable', subject: 'ssh', what: 'no answer', mend: 'look at it' });
  return look(host, [contact], { state: 'unreachable', generation: undefined });
}

export function pass(looks: readonly HostLook[], at: Date): DriftPass {
  return { id: `pass-${at.toISOString()}`, begun: at.toISOString(), ended: at.toISOString(), looks };
}

export function acceptance(parts: Partial<Acceptance> = {}): Acceptance {
  return { host: 'web1', id: '', until: '', reason: 'a test', by: 'ops', at: START.toISOString(), ...parts };
}

/** A service that remembers: one call is one pass. */
export class Watch {
  memory: DriftMemory;
  readonly rules: AdvanceRules;
  /** Everything people were told: `+web1 file-mode-…` for opened, `-…` for cleared, `~…` for accepted. */
  readonly told: string[] = [];

  constructor(rules: Partial<AdvanceRules> = {}, memory: DriftMemory = EMPTY_MEMORY) {
    this.rules = { fleet: 'test', hosts: ['web1', 'web2', 'db1'], confirmLooks: 1, dampingSeconds: 0, ...rules };
    this.memory = memory;
  }

  /** What this pass told. */
  pass(seconds: number, ...looks: readonly HostLook[]): readonly string[] {
    const now = after(seconds);
    const { memory, digest } = advance(this.memory, pass(looks, now), this.rules, now);
    this.memory = memory;
    const words = [
      ...digest.opened.flatMap(({ hosts, kind }) => hosts.map((host) => `+${host} ${kind}`)),
      ...digest.cleared.flatMap(({ hosts, kind }) => hosts.map((host) => `-${host} ${kind}`)),
      ...(digest.accepted ?? []).flatMap(({ hosts, kind }) => hosts.map((host) => `~${host} ${kind}`)),
    ];
    this.told.push(...words);
    return words;
  }

  get open(): readonly Incident[] {
    return this.memory.incidents.filter(({ cleared }) => cleared === undefined);
  }
}
