/** What the drift service remembers, for people: incidents, what was accepted, hosts that are left alone. */

import { releaseCommand } from '../drift/finding-words.js';
import type { Acceptance, DriftSeverity, Incident, Quarantine } from '../model/drift.js';
import { plain, printable, type Colour, type Paint } from './paint.js';

const COLOURS: Readonly<Record<DriftSeverity, Colour>> = { critical: 'red', warning: 'yellow', info: 'cyan' };

/** @param accepted by a person: where the incident is open still, the next pass closes it */
export function incidentText(incident: Incident, accepted: Acceptance | undefined, paint: Paint = plain): string {
  const { id, finding, cleared } = incident;
  const { severity, host, what, mend } = finding;
  const over = accepted === undefined ? paint('green', 'cleared') : paint('cyan', 'accepted');
  const state = cleared === undefined ? paint(COLOURS[severity], severity) : over;
  const lines = [
    `${state} ${paint('bold', host)}: ${printable(what)}${accepted === undefined ? '' : ` (accepted until ${accepted.until})`}`,
    `  ${paint('dim', 'id:')}    ${id}`,
    `  ${paint('dim', 'since:')} ${sinceText(incident, accepted === undefined ? 'cleared' : 'accepted; counted until')}`,
    ...(cleared === undefined ? [`  ${paint('dim', 'mend:')}  ${printable(mend)}`] : []),
  ];
  return `${lines.join('\n')}\n`;
}

function sinceText({ finding, firstSeen, lastSeen, cleared, seen, returns }: Incident, over: string): string {
  const { since } = finding;
  const looks = `seen by ${seen} ${seen === 1 ? 'look' : 'looks'} in a row`;
  return [
    since === undefined || since.by === 'first seen'
      ? `first seen ${firstSeen}`
      : `${printable(since.at)} (${since.by}), first seen ${firstSeen}`,
    cleared === undefined ? `last seen ${lastSeen}, ${looks}` : `${over} ${cleared}`,
    ...(returns === 0 ? [] : [`came back ${returns} ${returns === 1 ? 'time' : 'times'}`]),
  ].join('; ');
}

export function acceptanceText(acceptance: Acceptance, now: Date, paint: Paint = plain): string {
  const { host, id, until } = acceptance;
  if (Date.parse(until) <= now.getTime()) return noLongerAcceptedText(acceptance, paint);
  return `${paint('cyan', 'accepted')} ${paint('bold', host)}: ${id} until ${until}\n${reasonLine(acceptance, paint)}`;
}

/** Of one that has ended, or that a person has just ended. */
export function noLongerAcceptedText(acceptance: Acceptance, paint: Paint = plain): string {
  const { host, id, until } = acceptance;
  const state = paint('yellow', 'no longer accepted');
  return `${state} ${paint('bold', host)}: ${id} (it was until ${until})\n${reasonLine(acceptance, paint)}`;
}

function reasonLine({ reason, by, at }: Acceptance, paint: Paint): string {
  return `  ${paint('dim', 'reason:')} ${printable(reason)} (${printable(by)}, ${at})\n`;
}

/** `inventory`: as the command that releases it has to name it; the default one needs no name. */
export function quarantineText(
  { host, since, reason }: Quarantine,
  { inventory, paint = plain }: { readonly inventory?: string | undefined; readonly paint?: Paint } = {},
): string {
  return (
    `${paint('red', 'left alone')} ${paint('bold', host)}: ${printable(reason)} (since ${since})\n` +
    `  ${paint('dim', 'mend:')}  look into it, then ${printable(releaseCommand(host, inventory))}\n`
  );
}
