/** `status`: each host's generation, open transaction and history, as the host itself tells it. */

import type { Argv, CommandModule } from 'yargs';

import { EXIT } from '../../errors.js';
import { statusText } from '../../report/status-text.js';
import { askStatus } from '../../run/ask-status.js';
import { outcomeExit } from '../../model/run.js';
import { fleetOptions, type FleetArguments } from '../arguments.js';
import { withContext } from '../context.js';
import { catchInterrupts, NO_MORE_LOOKS } from '../interrupts.js';

export const statusCommand: CommandModule<object, FleetArguments> = {
  command: 'status [inventory]',
  describe: 'what generation each host is on, and any transaction that is open',
  builder: (argv: Argv): Argv<FleetArguments> => fleetOptions(argv),
  handler: (args) =>
    withContext(args, async (context) => {
      const interrupts = catchInterrupts(context.output.note, NO_MORE_LOOKS);
      try {
        const link = await context.openLink(interrupts.ends);
        const answers = await askStatus(context.selected, link, context.settings.forks);
        for (const answer of answers) {
          if (context.output.format === 'json') context.output.json({ event: 'status', ...answer });
          else context.output.print(statusText(answer, context.clock.now(), context.output.paint));
        }
        if (interrupts.signal.aborted) return EXIT.interrupted;
        const exits = answers.map((answer) => ('outcome' in answer ? outcomeExit(answer.outcome) : EXIT.ok));
        return Math.max(EXIT.ok, ...exits);
      } finally {
        interrupts.release();
      }
    }),
};
