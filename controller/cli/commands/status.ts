/** `status`: each host's generation, open transaction and history, as the host itself tells it. */

import type { Argv, CommandModule } from 'yargs';

import { EXIT } from '../../errors.js';
import { statusText } from '../../report/status-text.js';
import { askStatus } from '../../run/ask-status.js';
import { outcomeExit } from '../../model/run.js';
import { fleetOptions, type FleetArguments } from '../arguments.js';
import { withContext } from '../context.js';

export const statusCommand: CommandModule<object, FleetArguments> = {
  command: 'status [inventory]',
  describe: 'what generation each host is on, and any transaction that is open',
  builder: (argv: Argv): Argv<FleetArguments> => fleetOptions(argv),
  handler: (args) =>
    withContext(args, async (context) => {
      const answers = await askStatus(context.selected, await context.openLink(), context.settings.forks);
      for (const answer of answers) {
        if (context.output.format === 'json') context.output.json({ event: 'status', ...answer });
        else context.output.print(statusText(answer, context.clock.now(), context.output.paint));
      }
      return Math.max(
        EXIT.ok,
        ...answers.map((answer) => ('outcome' in answer ? outcomeExit(answer.outcome) : EXIT.ok)),
      );
    }),
};
