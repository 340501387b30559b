/** A run and its outcomes as lines a person reads; one line an event, one an outcome, and what to do next. */

import { EXIT, type ExitStatus } from '../errors.js';
import { countOutcomes, type HostOutcome, type RunEvent } from '../model/run.js';
import { groupProbedText, probeGapText, probeText } from './probe-text.js';
import { plain, printable, type Colour, type Paint } from './paint.js';

const COLOUR: Record<HostOutcome['status'], Colour> = {
  unchanged: 'dim',
  confirmed: 'green',
  reverted: 'yellow',
  failed: 'red',
  unreachable: 'red',
  unknown: 'red',
  skipped: 'yellow',
};

/** One host's outcome, and what is in force there. */
export function outcomeText(host: string, outcome: HostOutcome, paint: Paint = plain): string {
  const head = `${paint('bold', host)}: ${paint(COLOUR[outcome.status], outcome.status)}`;
  switch (outcome.status) {
    case 'unchanged':
      return `${head}${outcome.generation === undefined ? '' : `, generation ${outcome.generation}`}`;
    case 'confirmed':
      return `${head}, generation ${outcome.generation} is in force`;
    case 'reverted': {
      const before =
        outcome.generation === undefined
          ? 'the former state'
          : outcome.generation === 0
            ? 'the baseline'
            : `generation ${outcome.generation}`;
      return `${head} at step ${printable(outcome.step)}, ${before} is in force: ${printable(outcome.reason)}`;
    }
    case 'failed':
      return `${head}${outcome.touched ? '' : ', nothing was changed'}: ${printable(outcome.reason)}\n  ${printable(outcome.todo)}`;
    case 'unreachable':
      return `${head}, nothing was changed: ${printable(outcome.reason)}\n  ${printable(outcome.todo)}`;
    case 'unknown':
      return `${head}: transaction ${printable(outcome.transaction)} is open and reverts at ${outcome.revertsAt} unless it is confirmed: ${printable(outcome.reason)}\n  after that time run \`ipsec-deploy status --limit ${host}\``;
    case 'skipped':
      return `${head}, nothing was changed: ${printable(outcome.reason)}`;
  }
}

/** The line for an event of a run in progress, or nothing for those a log need not repeat. */
export function eventText(event: RunEvent, paint: Paint = plain): string | undefined {
  switch (event.event) {
    case 'run-started':
      return `run ${event.run}: ${event.hosts.length} ${event.hosts.length === 1 ? 'host' : 'hosts'}`;
    case 'host-phase':
      return undefined;
    case 'step':
      return stepLine(event, paint);
    case 'armed':
      return `${event.host}: verified; reverts at ${event.revertsAt} unless confirmed`;
    case 'probe':
      return event.state === 'broken' ? probeText(event, paint) : undefined;
    case 'probe-gap':
      // A link that was not tried would else pass for one that is as promised; what is not tried of a host is in the log.
      return event.link === undefined ? undefined : probeGapText(event, paint);
    case 'probed':
      return groupProbedText(event, paint);
    case 'outcome':
      return outcomeText(event.host, event, paint);
    case 'run-ended':
      return undefined;
  }
}

function stepLine(event: Extract<RunEvent, { event: 'step' }>, paint: Paint): string | undefined {
  if (event.state === 'begin') return undefined;
  const colour: Colour = event.state === 'failed' ? 'red' : event.state === 'skipped' ? 'dim' : 'green';
  // A rule without an address is loaded for both families: its text would stand here twice.
  const output = [...new Set(event.output)].map((line) => `\n    ${printable(line)}`).join('');
  const text = event.text === '' ? '' : ` ${printable(event.text)}`;
  return `${event.host}: ${event.name} ${paint(colour, event.state)}${text}${output}`;
}

const MEANING: Record<ExitStatus, string> = {
  [EXIT.ok]: 'every host is as asked',
  [EXIT.input]: 'the input must be mended',
  [EXIT.changes]: 'changes found',
  [EXIT.reverted]: 'some host went back to what it had',
  [EXIT.failed]: 'some host failed or could not be reached',
  [EXIT.unknown]: 'the state of some host is not known',
  [EXIT.interrupted]: 'interrupted',
};

/** The last line of a run: counts by outcome and what the exit status says. */
export function summaryText(outcomes: ReadonlyMap<string, HostOutcome>, exit: ExitStatus): string {
  const counts = Object.entries(countOutcomes(outcomes.values())).map(([status, number]) => `${number} ${status}`);
  return `${counts.length === 0 ? 'no hosts' : counts.join(', ')}: ${MEANING[exit]} (exit ${exit})`;
}
