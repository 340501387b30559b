/** A host in the middle of a transaction: that alone is told, as everything else on it is about to change. */

import type { DriftFinding } from '../model/drift.js';
import { DRILL_PREFIX } from '../model/drill.js';
import type { DriftReport } from '../model/observation.js';
import type { CompareSettings, HostView } from './compare-view.js';
import { count, finding, toolCommand } from './finding-words.js';

/**
 * Whether nobody seems to keep what was begun. So it looks for a moment as well where a transaction is just being confirmed: only
 * a second look tells the two apart.
 */
export function seemsAbandoned({ openTransaction: open, unarmed, keepers }: DriftReport): boolean {
  // What the host cannot tell counts as alive: it is no news that it does not list processes.
  const isKept = keepers.length === 0 || keepers.some(({ state }) => state !== 'gone');
  return !isKept && (open === undefined ? unarmed : open.state !== 'failed');
}

/** `undefined` where the host is settled, and can be compared. */
export function transactionFinding(view: HostView, settings: CompareSettings): DriftFinding | undefined {
  const { openTransaction: open, unarmed, settled } = view.report;
  if (open === undefined) return unarmed || !settled ? beginningOrOver(view, settings) : undefined;
  const { id, step, generation, state, revertsInSeconds } = open;
  const status = toolCommand('status', view, settings);
  if (state === 'failed') {
    return finding(view, 'transaction-failed', {
      subject: id,
      severity: 'critical',
      what: `transaction ${id} could not be taken back whole: the host may be between two generations`,
      cause: `it failed at step ${step}`,
      mend: `${status}; the host tries again by itself, at the latest at its next boot: look at it before anything else is applied`,
    });
  }
  if (seemsAbandoned(view.report)) {
    return finding(view, 'transaction-open', {
      subject: id,
      severity: 'warning',
      what: `transaction ${id} to generation ${generation} is ${state} at step ${step}, and nobody keeps it`,
      cause: 'its process and its dead-man are gone: killed, or the host was rebooted without its boot guard',
      mend: `${status}; asking takes it back`,
    });
  }
  return finding(view, 'transaction-open', {
    subject: id,
    class: 'pending',
    severity: 'info',
    what:
      `transaction ${id} to generation ${generation} is ${state} at step ${step}; ` +
      `it reverts in ${revertsInSeconds} s unless it is confirmed`,
    cause: id.startsWith(DRILL_PREFIX) ? 'a drill is at work' : 'an apply or a rollback is at work',
    mend: `wait until it is over; ${status} shows it`,
  });
}

function beginningOrOver(view: HostView, settings: CompareSettings): DriftFinding {
  const { unarmed, keepers } = view.report;
  const gone = keepers.filter(({ state }) => state === 'gone').length;
  const status = toolCommand('status', view, settings);
  if (seemsAbandoned(view.report)) {
    return finding(view, 'transaction-open', {
      subject: 'unarmed',
      severity: 'warning',
      what: 'a transaction was begun, changed nothing yet, and its maker is gone',
      cause: `the agent was killed before its dead-man was armed (${count(gone, 'process', 'processes')} gone)`,
      mend: `${status}; the next apply clears it away`,
    });
  }
  return finding(view, 'transaction-open', {
    subject: 'unarmed',
    class: 'pending',
    severity: 'info',
    what: unarmed ? 'a transaction is just beginning' : 'a transaction began or ended while the host was looked at',
    cause: 'an apply or a rollback is at work',
    mend: `look again; ${status} shows how it ended`,
  });
}
