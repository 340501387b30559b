/** `probe`: tries on the wire what links promise now. Changes nothing on any host. */

import type { Argv, CommandModule } from 'yargs';

import { EXIT, type ExitStatus } from '../../errors.js';
import { chooseLinks } from '../../inventory/choose-links.js';
import { countProbes, DEFAULT_PROBES, type ProbeGap, type ProbeResult } from '../../model/link-probe.js';
import { ownNetwork } from '../../remote/own-network.js';
import { probeJunit } from '../../report/probe-junit.js';
import { countsText, probeGapText, probeText } from '../../report/probe-text.js';
import { probeFleet, type FleetProbed } from '../../run/probe-fleet.js';
import { inventoryOption, colourOption, wholeNumber } from '../arguments.js';
import { lookAtFleet, withContext, type Context } from '../context.js';
import { catchInterrupts, NO_MORE_LOOKS, type Interrupts } from '../interrupts.js';

interface ProbeArguments {
  readonly links: readonly string[] | undefined;
  readonly inventory: string;
  readonly forks: number | undefined;
  readonly deadline: number | undefined;
  readonly output: 'text' | 'json' | 'junit';
  readonly color: boolean | undefined;
  readonly 'log-file': string | undefined;
}

export const probeCommand: CommandModule<object, ProbeArguments> = {
  command: 'probe [links..]',
  describe: 'try on the wire that links protect what they should, and that others are refused',
  builder: (argv: Argv): Argv<ProbeArguments> =>
    inventoryOption(colourOption(argv))
      .positional('links', {
        type: 'string',
        array: true,
        describe: 'two ends as web1-db1, or hosts, groups or patterns for all of their links; default all',
      })
      .option('deadline', {
        type: 'number',
        requiresArg: true,
        describe: 'seconds until what must work has to have worked',
        coerce: wholeNumber<number | undefined>('deadline', 2, 120),
      })
      .option('forks', {
        type: 'number',
        requiresArg: true,
        describe: 'hosts worked on at once',
        coerce: wholeNumber<number | undefined>('forks', 1, 500),
      })
      .option('output', {
        choices: ['text', 'json', 'junit'] as const,
        default: 'text' as const,
        describe: 'text for people, json for programs, junit for test runners',
      })
      .option('log-file', {
        type: 'string',
        requiresArg: true,
        describe: 'append events as JSON lines, without secrets',
      }),
  handler: (args) =>
    withContext({ ...args, limit: undefined, output: args.output === 'json' ? 'json' : 'text' }, async (context) => {
      const interrupts = catchInterrupts(context.output.note, NO_MORE_LOOKS);
      try {
        return await probe(args, context, interrupts);
      } finally {
        interrupts.release();
      }
    }),
};

async function probe(args: ProbeArguments, context: Context, { signal: stop, ends }: Interrupts): Promise<ExitStatus> {
  const { inventory, settings, output, log } = context;
  const links = chooseLinks(inventory, args.links ?? []);
  const { fleet } = await lookAtFleet(context);
  const wanted = settings.probes === undefined || settings.probes === 'off' ? DEFAULT_PROBES : settings.probes;
  const gaps: ProbeGap[] = [];
  const probed = await probeFleet({
    inventory,
    links,
    policies: fleet.policies,
    settings: { ...wanted, deadlineSeconds: args.deadline ?? wanted.deadlineSeconds },
    forks: settings.forks,
    link: await context.openLink(ends),
    own: ownNetwork,
    stop,
    onResult: (result) => {
      log.event(result.state === 'broken' ? 'warn' : 'info', 'probe', { ...result });
      if (args.output === 'json') output.json({ event: 'probe', ...result });
      else if (args.output === 'text') output.print(`${probeText(result, output.paint)}\n`);
    },
    onGap: (gap) => {
      gaps.push(gap);
      log.event('info', 'probe-gap', { ...gap });
      if (args.output === 'json') output.json({ event: 'probe-gap', ...gap });
      else if (args.output === 'text') output.print(`${probeGapText(gap, output.paint)}\n`);
    },
  });
  const exit = stop.aborted ? EXIT.interrupted : probeExit(probed);
  const counts = countProbes(probed.results);
  if (args.output === 'json') output.json({ event: 'probe-ended', links: links.length, ...counts, exit });
  else if (args.output === 'junit') output.print(probeJunit(probed.results, gaps, inventory.fleet));
  else output.print(`${countsText(counts, output.paint)} (exit ${exit})\n`);
  return exit;
}

/** Where not one flow could be tried, nothing is known: that is no success. */
function probeExit({ results, unreachable }: FleetProbed): ExitStatus {
  const isTried = (result: ProbeResult): boolean => result.state !== 'untried';
  if (unreachable.size > 0 || !results.some(isTried)) return EXIT.failed;
  return results.some(({ state }) => state === 'broken') ? EXIT.changes : EXIT.ok;
}
