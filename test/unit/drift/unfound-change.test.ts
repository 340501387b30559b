import { describe, expect, test } from 'vitest';

import { unfoundChange } from '../../../controller/drift/unfound-change.js';
import type { DriftFinding, DriftKind } from '../../../controller/model/drift.js';
import type { FileChange, HostPlan } from '../../../controller/plan/host-plan.js';
import { finding } from './memory-support.js';
import { hostPlan } from '../../support/host-plan.js';

const POLICY = '/etc/inet/ipsecinit.conf';
const KEYS = '/etc/inet/secret/ipseckeys';
const CONFIG = '/etc/inet/ike/config';

function stored(path: string): FileChange {
  return { kind: 'stored', path, mode: '0400', sha256: 'a'.repeat(64), from: 7, patch: '' };
}

function keep(path: string, modeWas?: string): FileChange {
  return { kind: 'keep', path, mode: '0400', sha256: 'a'.repeat(64), ...(modeWas === undefined ? {} : { modeWas }) };
}

function found(kind: DriftKind, subject = 'x'): DriftFinding {
  return finding({ kind, subject });
}

describe('a plan back is not carried out when it would do more than was found, and', () => {
  test.each<readonly [string, Partial<HostPlan>, DriftFinding, string]>([
    [
      'a key file that somebody wrote is not removed for a mode',
      { files: [keep(POLICY, '0644'), { kind: 'remove', path: KEYS, patch: '' }] },
      found('file-mode', POLICY),
      `remove ${KEYS}`,
    ],
    [
      'a file edited meanwhile is not replaced',
      { files: [stored(CONFIG)] },
      found('file-mode', POLICY),
      `replace ${CONFIG}`,
    ],
    [
      'the mode of another file stays',
      { files: [keep(CONFIG, '0640')] },
      found('file-mode', POLICY),
      `change mode or owner of ${CONFIG}`,
    ],
    [
      'a rule loaded meanwhile stays',
      { rulesAdded: ['a'], rulesRemoved: ['b'] },
      found('rule-missing'),
      'take the loaded rule away: b',
    ],
    ['a rule deleted meanwhile is not loaded', { rulesAdded: ['a'] }, found('file-mode', POLICY), 'load the rule: a'],
    ['SAs deleted meanwhile are not loaded', { steps: ['keys'] }, found('file-mode'), 'load SAs of the key file'],
    [
      'a daemon stopped meanwhile is not started',
      { steps: ['ike'], ike: 'start' },
      found('file-mode'),
      'start in.iked',
    ],
  ])('%s', (_, plan, one, words) => {
    expect(unfoundChange(hostPlan('web1', plan), [one])).toBe(words);
  });
});

describe('one finding speaks of all that has its cause:', () => {
  test.each<readonly [string, Partial<HostPlan>, DriftFinding]>([
    [
      'nothing loaded, of the policy file too',
      { files: [stored(POLICY)], rulesAdded: ['a'], steps: ['read', 'policy'] },
      found('policy-empty', 'loaded policy'),
    ],
    [
      'a policy file that was changed, of the rules it loads',
      { files: [stored(POLICY)], rulesAdded: ['a'], rulesRemoved: ['b'] },
      found('file-content', POLICY),
    ],
    [
      'rules that no generation has, of those they came for',
      { rulesAdded: ['a'], rulesRemoved: ['b'] },
      found('rule-foreign'),
    ],
    ['a service in maintenance, of the rules', { rulesAdded: ['a'], rulesRemoved: ['b'] }, found('service-state')],
    [
      'a changed file of IKE, of the daemon',
      { files: [stored(CONFIG)], steps: ['read', 'ike'], ike: 'restart' },
      found('file-content', CONFIG),
    ],
    [
      'a key file that was changed, of its SAs',
      { files: [stored(KEYS)], steps: ['read', 'keys'] },
      found('key-differs', KEYS),
    ],
    ['files that stay, of nothing', { files: [keep(POLICY)] }, found('sa-missing')],
  ])('%s', (_, plan, one) => {
    expect(unfoundChange(hostPlan('web1', plan), [one])).toBeUndefined();
  });
});
