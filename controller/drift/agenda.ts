/** What a schedule asks for at a moment: to wait, to run, or to own up to times that were missed. Knows no clock: times are handed in. */

import { MOST_COUNTED, missedRuns, type MissedRuns, type Schedule } from './due.js';

export type Turn =
  | { readonly kind: 'wait'; readonly until: Date }
  /** `missed` are scheduled times before the one that is run now. */
  | { readonly kind: 'run'; readonly missed: MissedRuns | undefined }
  | { readonly kind: 'missed'; readonly missed: MissedRuns };

/** A clock that goes back by less was corrected, and no time is kept twice; by more, it was set, and counts as it is now. */
const CORRECTED_MS = 60_000;

export class Agenda {
  /** Scheduled times up to this one are done with. */
  #passed: Date;
  /** No run is made before; scheduled times until then are not missed but left out. */
  #notBefore = new Date(0);
  #next: { readonly from: number; readonly at: Date } | undefined;

  /** Nothing is due before `begun`. */
  constructor(
    private schedule: Schedule,
    begun: Date,
  ) {
    this.#passed = begun;
  }

  /** Times of a new schedule that were before `now` were nobody's; an unchanged one goes on, with what is due by it. */
  follow(schedule: Schedule, now: Date): void {
    const isSame = schedule.words === this.schedule.words && schedule.timeZone === this.schedule.timeZone;
    this.schedule = schedule;
    this.#next = undefined;
    if (!isSame && now > this.#passed) this.#passed = now;
  }

  /**
   * What is due. A run that is late is made all the same until half way to the next one: a machine that slept through a
   * nightly check makes it in the morning, one that slept through many quarters of an hour waits for the next.
   */
  at(now: Date): Turn {
    if (this.#passed.getTime() > now.getTime() + CORRECTED_MS) {
      this.#passed = now;
      this.#notBefore = new Date(0);
    }
    const due = this.#due();
    if (now < due) return { kind: 'wait', until: due };
    this.#passed = now;
    let run = due;
    let next = this.schedule.after(run);
    let earlier = 0;
    for (; next <= now && earlier < MOST_COUNTED; next = this.schedule.after(run)) {
      run = next;
      earlier += 1;
    }
    const isWorthMaking = now.getTime() - run.getTime() <= (next.getTime() - run.getTime()) / 2;
    if (next <= now || !isWorthMaking)
      return { kind: 'missed', missed: { count: Math.min(earlier + 1, MOST_COUNTED), since: due } };
    return { kind: 'run', missed: earlier === 0 ? undefined : { count: earlier, since: due } };
  }

  /** A run has ended. Answers the scheduled times that passed while it was made. */
  ran(ended: Date): MissedRuns | undefined {
    const missed = missedRuns(this.schedule, this.#passed, ended);
    if (ended > this.#passed) this.#passed = ended;
    return missed;
  }

  pauseUntil(time: Date): void {
    this.#notBefore = time;
  }

  #due(): Date {
    const from = Math.max(this.#passed.getTime(), this.#notBefore.getTime() - 1);
    if (this.#next?.from !== from) this.#next = { from, at: this.schedule.after(new Date(from)) };
    return this.#next.at;
  }
}
