/** `drift incidents`: what the drift service remembers of the fleet. No host is gone to. */

import type { Argv, CommandModule } from 'yargs';

import { isInForce } from '../../../drift/acceptance.js';
import { SEVERITY_RANK } from '../../../drift/group-findings.js';
import { EXIT } from '../../../errors.js';
import type { DriftMemory, Incident } from '../../../model/drift.js';
import { incidentText, quarantineText } from '../../../report/incident-text.js';
import { withContext } from '../../context.js';
import { memoryOptions, NO_HOSTS, type Listing, type MemoryArguments } from './accept.js';
import { readMemory } from './with-memory.js';

interface IncidentsArguments extends MemoryArguments {
  readonly all: boolean;
  readonly limit: string | undefined;
}

export const incidentsCommand: CommandModule<object, IncidentsArguments> = {
  command: 'incidents [inventory]',
  describe: 'what is found and not over yet, since when; and hosts that are left alone',
  builder: (argv: Argv): Argv<IncidentsArguments> =>
    memoryOptions(argv)
      .option('all', { type: 'boolean', default: false, describe: 'also what is over, as far as it is remembered' })
      .option('limit', { type: 'string', requiresArg: true, describe: "hosts or groups, e.g. 'web*,!web3'" }),
  handler: (args) =>
    withContext({ ...args, ...NO_HOSTS, limit: args.limit }, async (context) => {
      const memory = await readMemory(context);
      const chosen = new Set(context.selected.map(({ name }) => name));
      // Without a choice also hosts that are no more in the inventory.
      const isChosen = (host: string): boolean => args.limit === undefined || chosen.has(host);
      const incidents = memory.incidents
        .filter(({ finding, cleared }) => isChosen(finding.host) && (args.all || cleared === undefined))
        .sort(byState);
      showMemory(
        context,
        {
          ...memory,
          incidents,
          quarantines: memory.quarantines.filter(({ host }) => isChosen(host)),
        },
        args.inventory,
      );
      return EXIT.ok;
    }),
};

/** Prints what is remembered, in the order given. */
export function showMemory(
  { output, clock }: Listing,
  { incidents, acceptances, quarantines, lastPass }: DriftMemory,
  inventory?: string,
): void {
  if (output.format === 'json') {
    for (const { finding, ...incident } of incidents) output.json({ event: 'drift-incident', ...finding, ...incident });
    for (const quarantine of quarantines) output.json({ event: 'drift-quarantine', ...quarantine });
    return;
  }
  const inForce = acceptances.filter((one) => isInForce(one, clock.now()));
  for (const incident of incidents) {
    const { id, finding, cleared } = incident;
    // What was over before it was accepted is over; what was closed since is still there.
    const accepted = inForce.find(
      (one) => one.host === finding.host && one.id === id && (cleared === undefined || one.at <= cleared),
    );
    output.print(incidentText(incident, accepted, output.paint));
  }
  for (const quarantine of quarantines) output.print(quarantineText(quarantine, { inventory, paint: output.paint }));
  const open = incidents.filter(({ cleared }) => cleared === undefined).length;
  const looked =
    lastPass === undefined ? 'no pass is remembered: see `ipsec-deploy drift --once`' : `last pass ${lastPass.ended}`;
  output.print(`${open === 0 ? 'nothing' : open} open; ${looked}\n`);
}

/** What is over first, the worst that is open last: that is what stays on the screen. */
function byState(a: Incident, b: Incident): number {
  const over = Number(a.cleared === undefined) - Number(b.cleared === undefined);
  return over || SEVERITY_RANK[b.finding.severity] - SEVERITY_RANK[a.finding.severity] || byHost(a, b);
}

const NUMBERS_COUNT = new Intl.Collator('en', { numeric: true });

function byHost(a: Incident, b: Incident): number {
  return NUMBERS_COUNT.compare(a.finding.host, b.finding.host) || NUMBERS_COUNT.compare(a.id, b.id);
}
