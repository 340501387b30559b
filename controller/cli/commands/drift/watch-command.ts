/** `drift watch`, or `drift --schedule`: what it is made of is read in only when it runs. */

import type { Argv, CommandModule } from 'yargs';

import { fleetOptions } from '../../arguments.js';
import { watchOptions, type WatchArguments } from './watch-options.js';

export const watchCommand: CommandModule<object, WatchArguments> = {
  command: 'watch [inventory]',
  describe: 'look at every host as often as the schedule says, until it is stopped',
  builder: (argv: Argv): Argv<WatchArguments> => watchOptions(fleetOptions(argv)),
  handler: async (args) => (await import('./watch.js')).watchInventory(args),
};
