/** Whether a plan back to what was confirmed changes only what was found: between a look and a plan people go on working on hosts. */

import type { DriftFinding, DriftKind } from '../model/drift.js';
import type { ManagedPath } from '../model/managed-file.js';
import type { FileChange, HostPlan } from '../plan/host-plan.js';

const POLICY_FILE: ManagedPath = '/etc/inet/ipsecinit.conf';

/** By what changes besides files: the kinds of finding that speak of it. One finding may speak for many (docs/drift.md). */
const SPEAKS_OF = {
  added: ['rule-missing', 'rule-foreign', 'policy-stale', 'policy-empty', 'service-state'],
  removed: ['rule-foreign', 'policy-stale', 'service-state'],
  keys: ['sa-missing', 'key-differs', 'service-state'],
  ike: ['service-state', 'daemon-down'],
} as const satisfies Readonly<Record<string, readonly DriftKind[]>>;

const CONTENT: readonly DriftKind[] = ['file-content', 'policy-file-empty', 'file-missing', 'key-differs'];

/** @param found what may be put right; returns what else the plan would do, or nothing */
export function unfoundChange(plan: HostPlan, found: readonly DriftFinding[]): string | undefined {
  const isTold = (kinds: readonly DriftKind[]): boolean => found.some(({ kind }) => kinds.includes(kind));
  const isAbout = ({ path }: FileChange): boolean =>
    found.some(({ subject }) => subject === path) || (path === POLICY_FILE && isTold(['policy-empty']));
  const file = plan.files.find((one) => isChange(one) && !isAbout(one));
  if (file !== undefined) return inWords(file);
  const isPolicyChanged = found.some(({ kind, subject }) => subject === POLICY_FILE && CONTENT.includes(kind));
  const [removed] = isPolicyChanged || isTold(SPEAKS_OF.removed) ? [] : plan.rulesRemoved;
  if (removed !== undefined) return `take the loaded rule away: ${removed}`;
  const [added] = isPolicyChanged || isTold(SPEAKS_OF.added) ? [] : plan.rulesAdded;
  if (added !== undefined) return `load the rule: ${added}`;
  const isContent = plan.files.some(({ kind }) => kind !== 'keep');
  if (plan.steps.includes('keys') && !isContent && !isTold(SPEAKS_OF.keys)) return 'load SAs of the key file';
  if (plan.ike !== 'none' && !isContent && !isTold(SPEAKS_OF.ike)) return `${plan.ike} in.iked`;
  return undefined;
}

function isChange(file: FileChange): boolean {
  return file.kind !== 'keep' || file.modeWas !== undefined;
}

function inWords({ kind, path }: FileChange): string {
  if (kind === 'remove') return `remove ${path}`;
  return kind === 'keep' ? `change mode or owner of ${path}` : `replace ${path}`;
}
