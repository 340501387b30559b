/** `drift --once`: one pass with memory, for cron. What is new is remembered and told as the service would. */

import { judgePass, passExit } from '../../../drift/judge-pass.js';
import { EXIT, type ExitStatus } from '../../../errors.js';
import { lockPasses } from '../../../history/drift-store.js';
import type { WatchEvent } from '../../../model/watch.js';
import { endedEvent, lookEvents } from '../../../report/drift-events.js';
import { driftText } from '../../../report/drift-text.js';
import { junitReport } from '../../../report/junit.js';
import { plain } from '../../../report/paint.js';
import { remediationText } from '../../../report/remediation-text.js';
import { isTrouble, watchRecord, watchText } from '../../../report/watch-text.js';
import type { Context } from '../../context.js';
import { catchInterrupts, NO_MORE_LOOKS } from '../../interrupts.js';
import type { PassWords } from './prepare-pass.js';
import { readyRound } from './ready-round.js';
import { remediator, remedyExit } from './remediate.js';

export interface OnceArguments extends PassWords {
  readonly output: 'text' | 'json' | 'junit';
  readonly strict: boolean;
  readonly remediate: boolean;
}

/**
 * Exit as a look without memory, where what was accepted does not count; 4 also when somebody could not be told.
 * @throws OperatorError DRIFT_RUNNING while another process checks the same fleet
 */
export async function once(context: Context, args: OnceArguments): Promise<ExitStatus> {
  const { output, clock, log, settings, selected, inventory } = context;
  const remediate = args.remediate ? remediator(context) : undefined;
  const release = await lockPasses(settings.drift.stateFile, clock.now());
  const interrupts = catchInterrupts(output.note, args.remediate ? undefined : NO_MORE_LOOKS);
  try {
    let isUnheard = false;
    const remedied: (WatchEvent & { event: 'watch-remediated' })[] = [];
    const emit = (event: WatchEvent): void => {
      const record = watchRecord(event);
      if (record !== undefined) log.event(isTrouble(event) ? 'warn' : 'info', event.event, { ...record });
      if (event.event === 'watch-remediated') remedied.push(event);
      if (event.event !== 'watch-told') return;
      isUnheard ||= !event.told;
      if (args.output === 'json') output.json(event);
      else if (!event.told)
        output.note(watchText(event, clock.now(), { paint: process.stderr.isTTY ? output.paint : plain }) ?? '');
    };
    // Cron, or a person, waits for the end: nothing is put off.
    const round = readyRound(context, { words: args, spreadSeconds: () => 0, emit, remediate });
    const { pass, memory } = await round(interrupts.signal);
    const judged = judgePass(pass, memory, clock.now());
    const found = [passExit(judged.looks, args.strict), ...remedied.map(remedyExit)];
    const exit = exitOf(found, isUnheard, interrupts.signal);
    const asked = selected.length;
    if (args.output === 'json') {
      judged.looks.flatMap(lookEvents).forEach(output.json);
      remedied.forEach(output.json);
      output.json(endedEvent(judged, asked, exit));
    } else if (args.output === 'junit') {
      output.print(junitReport(judged, { fleet: inventory.fleet, strict: args.strict }));
    } else {
      output.print(driftText(judged, { asked, pending: args.pending }, output.paint));
      remedied.forEach((news) =>
        output.print(remediationText(news, { inventory: args.inventory, paint: output.paint })),
      );
    }
    return exit;
  } finally {
    interrupts.release();
    await release();
  }
}

/** The worst one wins. */
function exitOf(exits: readonly ExitStatus[], isUnheard: boolean, stop: AbortSignal): ExitStatus {
  if (stop.aborted) return EXIT.interrupted;
  return [...exits, isUnheard ? EXIT.failed : EXIT.ok].reduce((worst, one) => (one > worst ? one : worst));
}
