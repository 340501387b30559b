/** A policy of one entry, as a host that had none would then hold it. */

import { enterEntry, FIRST_PRIORITY } from '../enter-entry.js';
import type { Entry } from '../entry.js';
import { emptySpd, type Spd } from '../spd.js';
import { cloneToDraft, commitDraft } from '../spd-draft.js';

export function predictSpd(entry: Entry): Spd {
  const draft = cloneToDraft(emptySpd());
  let priority = FIRST_PRIORITY;
  enterEntry(draft, entry, { nextPriority: () => priority--, answered: () => undefined });
  return commitDraft(draft);
}
