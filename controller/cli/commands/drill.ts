/** `drill`: whether hosts really take back what nobody confirms, tried on them with a change that touches no traffic. */

import type { Argv, CommandModule } from 'yargs';

import { EXIT } from '../../errors.js';
import { drillExit } from '../../model/drill.js';
import { drillText } from '../../report/drill-text.js';
import { drillFleet } from '../../run/drill-fleet.js';
import { selectHosts } from '../../inventory/select.js';
import { inventoryOption, commonOptions, wholeNumber, type CommonArguments } from '../arguments.js';
import { withContext } from '../context.js';
import { catchInterrupts } from '../interrupts.js';

interface DrillArguments extends CommonArguments {
  readonly hosts: readonly string[];
  readonly inventory: string;
  readonly forks: number | undefined;
  readonly window: number;
  readonly 'log-file': string | undefined;
}

export const drillCommand: CommandModule<object, DrillArguments> = {
  command: 'drill <hosts..>',
  describe: 'make a harmless change on hosts, do not confirm it, and see that they take it back by themselves',
  builder: (argv: Argv): Argv<DrillArguments> =>
    inventoryOption(commonOptions(argv))
      .positional('hosts', {
        type: 'string',
        array: true,
        demandOption: true,
        describe: "hosts, groups or patterns, e.g. web1 or 'db*'; all for every host",
      })
      .option('window', {
        type: 'number',
        requiresArg: true,
        default: 15,
        describe: 'seconds until the hosts must take it back',
        coerce: wholeNumber<number>('window', 1, 3600),
      })
      .option('forks', {
        type: 'number',
        requiresArg: true,
        describe: 'hosts worked on at once',
        coerce: wholeNumber<number | undefined>('forks', 1, 500),
      })
      .option('log-file', {
        type: 'string',
        requiresArg: true,
        describe: 'append events as JSON lines, without secrets',
      }),
  handler: (args) =>
    withContext({ ...args, limit: undefined }, async (context) => {
      const { output, settings, clock, random } = context;
      const hosts = selectHosts(context.inventory, limitOf(args.hosts), 'drill');
      const interrupts = catchInterrupts(output.note);
      const open = new Map<string, string>();
      interrupts.lastWords = () => [...open.values()].join('');
      try {
        const results = await drillFleet({
          hosts,
          windowSeconds: args.window,
          keepGenerations: settings.keepGenerations,
          forks: settings.forks,
          link: await context.openLink(interrupts.ends),
          clock,
          random,
          stop: interrupts.signal,
          onChange: interrupts.beginChanges,
          emit: (event) => {
            context.log.event('info', event.event, { ...event });
            if (event.event === 'drill-armed')
              open.set(event.host, `${event.host}: transaction ${event.transaction} reverts at ${event.revertsAt}\n`);
            else open.delete(event.host);
            if (output.format === 'json') output.json(event);
            else if (event.event === 'drill') output.print(drillText(event.host, event, output.paint));
            else if (output.live) output.note(`${event.host}: changed; must be back by ${event.revertsAt}\n`);
          },
        });
        return interrupts.signal.aborted ? EXIT.interrupted : Math.max(EXIT.ok, ...results.map(drillExit));
      } finally {
        interrupts.release();
      }
    }),
};

/** `all` takes in every other word but those that leave hosts out. */
function limitOf(words: readonly string[]): string | undefined {
  const parts = words.flatMap((word) => word.split(',')).map((part) => part.trim());
  if (!parts.includes('all')) return words.join(',');
  const left = parts.filter((part) => part.startsWith('!'));
  return left.length === 0 ? undefined : left.join(',');
}
