/** What came of a drill, as lines a person reads. */

import type { DrillResult, LastDrill } from '../model/drill.js';
import { plain, printable, type Colour, type Paint } from './paint.js';

const COLOUR: Record<DrillResult['status'], Colour> = {
  held: 'green',
  broken: 'red',
  failed: 'red',
  unreachable: 'red',
  unknown: 'red',
  skipped: 'yellow',
};

export function drillText(host: string, result: DrillResult, paint: Paint = plain): string {
  const head = `${paint('bold', host)}: ${paint(COLOUR[result.status], result.status)}`;
  switch (result.status) {
    case 'held':
      return `${head}: came back by itself after ${result.backAfterSeconds} s (window ${result.windowSeconds} s), and is as it was\n`;
    case 'broken':
    case 'failed':
    case 'unreachable':
      return `${head}: ${printable(result.reason)}\n  ${printable(result.todo)}\n`;
    case 'unknown':
      return `${head}: ${printable(result.reason)}; transaction ${result.transaction} reverts at ${result.revertsAt}\n  after that time run \`ipsec-deploy status --limit ${host}\`\n`;
    case 'skipped':
      return `${head}: ${printable(result.reason)}\n`;
  }
}

export function lastDrillText(drill: LastDrill, paint: Paint = plain): string {
  const what = drill.held
    ? paint('green', 'came back by itself')
    : paint('red', `did not hold: ${printable(drill.text)}`);
  return `last drill ${printable(drill.at)}: ${what}`;
}
