/** One pass and all that follows from it: remembered, told, and where it is asked for, put right. */

import { advance, type AdvanceRules } from '../drift/incidents.js';
import { untold } from '../drift/untold.js';
import type { DriftDigest, DriftMemory, DriftPass, Quarantine, RemediationRecord } from '../model/drift.js';
import type { WatchEvent, WatchPassEnded } from '../model/watch.js';
import type { Clock, DriftStore, Notifier } from '../ports.js';
import { hasNews } from '../report/digest-text.js';
import { gatherPass, type GatherInput } from './gather-pass.js';
import { tellDigest } from './tell-digest.js';

export interface RoundInput {
  readonly gather: Omit<GatherInput, 'clock' | 'stop' | 'onLook'>;
  readonly rules: AdvanceRules;
  readonly notifiers: readonly Notifier[];
  /** Absent: nothing is put right by itself. */
  readonly remediate?: Remediate | undefined;
}

/** What was found, for those who put it right. */
export interface FoundDrift {
  readonly pass: DriftPass;
  /** As it is remembered after the pass. */
  readonly memory: DriftMemory;
  readonly stop: AbortSignal;
  /** Makes known what is about to be done, before it is: the record of the same host and moment that comes in the end replaces it. */
  readonly remember: (records: readonly RemediationRecord[]) => Promise<void>;
}

export interface Remedied {
  readonly records: readonly RemediationRecord[];
  readonly quarantines: readonly Quarantine[];
  /** Hosts that drifted and were not worked on, and why. */
  readonly left?: readonly { readonly host: string; readonly why: string }[];
  /** Why nothing was done at all. */
  readonly halted?: string;
}

/** Works on hosts that drifted; what it did is remembered and told with the next digest. What befalls one host is a record, not an error. */
export type Remediate = (found: FoundDrift) => Promise<Remedied>;

export interface RoundPorts {
  readonly clock: Clock;
  readonly stop: AbortSignal;
  readonly openStore: () => Promise<DriftStore>;
  readonly emit: (event: WatchEvent) => void;
}

/** Seconds that are left for telling once everything is to stop: what cannot be told by then is told after the next start. */
const LAST_WORDS_SECONDS = 3;

/** @throws OperatorError when nothing could be remembered; then nobody was told anything either */
export async function driftRound(input: RoundInput, ports: RoundPorts): Promise<WatchPassEnded> {
  const { clock, stop, emit } = ports;
  emit({ event: 'watch-pass-begun', at: clock.now().toISOString(), hosts: input.gather.starts.length });
  const beat = (): void => emit({ event: 'watch-beat', at: clock.now().toISOString() });
  const { pass, complete } = await gatherPass({ ...input.gather, clock, stop, onLook: beat });
  const store = await ports.openStore();
  try {
    // Read only now: acceptances that were made while hosts were looked at count already.
    const before = await store.read();
    const { memory, digest } = advance(before, pass, input.rules, clock.now());
    // News is remembered as told once somebody was told of it, so that a crash between the two loses no alarm.
    const isToBeTold = hasNews(digest) && input.notifiers.length > 0;
    const names = input.notifiers.map(({ name }) => name);
    const unheard = isToBeTold ? untold(memory, before, digest, names) : memory;
    await store.write(unheard, pass);
    const ended: WatchPassEnded = { event: 'watch-pass-ended', pass, complete, memory, digest };
    emit(ended);
    const { isUnheard, backlog } = await tell(input.notifiers, digest, before.backlog, ports);
    if (isToBeTold || before.backlog.length > 0) await store.write({ ...(isUnheard ? unheard : memory), backlog });
    if (input.remediate !== undefined && complete && !stop.aborted) {
      const done = await input.remediate({
        pass,
        // Read again: while everybody was told, a person may have accepted or released something.
        memory: await store.read(),
        stop,
        remember: (records) => remember(store, { records, quarantines: [] }),
      });
      await remember(store, done);
      emit({ event: 'watch-remediated', ...done });
    }
    return ended;
  } finally {
    await store.close();
  }
}

async function tell(
  notifiers: readonly Notifier[],
  digest: DriftDigest,
  backlog: DriftMemory['backlog'],
  { clock, stop, emit }: RoundPorts,
) {
  const hurry = new AbortController();
  const ended = new AbortController();
  const onStop = (): void => {
    void clock
      .after(LAST_WORDS_SECONDS, ended.signal)
      .then(() => hurry.abort())
      .catch(() => undefined);
  };
  if (stop.aborted) onStop();
  else stop.addEventListener('abort', onStop, { once: true, signal: ended.signal });
  try {
    return await tellDigest({ notifiers, digest, backlog, stop: hurry.signal, emit });
  } finally {
    ended.abort();
  }
}

/** Read again: a person may have accepted or released something while hosts were put right. */
async function remember(store: DriftStore, { records, quarantines }: Remedied): Promise<void> {
  if (records.length + quarantines.length === 0) return;
  const memory = await store.read();
  await store.write({
    ...memory,
    remediations: [
      ...memory.remediations.filter((old) => !records.some((one) => one.host === old.host && one.at === old.at)),
      ...records,
    ],
    quarantines: [
      ...memory.quarantines.filter(({ host }) => !quarantines.some((one) => one.host === host)),
      ...quarantines,
    ],
  });
}
