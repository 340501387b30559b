/** `rollback`: a plan like any other, to a generation that the hosts keep. */

import type { Argv, CommandModule } from 'yargs';

import { EXIT } from '../../errors.js';
import { planRollBackFleet, type RollBackTarget } from '../../run/roll-back.js';
import { fleetOptions, riskOption, wholeNumber, type FleetArguments, type RiskArguments } from '../arguments.js';
import { carryOut } from '../carry-out.js';
import { withContext, withLot } from '../context.js';
import { catchInterrupts } from '../interrupts.js';
import { provePlan } from '../make-plan.js';
import { planExit, printFleetPlan, refuse, risksOf } from './plan.js';

interface RollbackArguments extends FleetArguments, RiskArguments {
  readonly to: number | undefined;
  readonly 'dry-run': boolean;
}

export const rollbackCommand: CommandModule<object, RollbackArguments> = {
  command: 'rollback [inventory]',
  describe: 'go back to an earlier generation; what one run changed on both ends of a link goes back on both',
  builder: (argv: Argv): Argv<RollbackArguments> =>
    riskOption(fleetOptions(argv))
      .option('to', {
        type: 'number',
        requiresArg: true,
        describe:
          'the generation; by default the one before the current. Numbers are a host’s own: use it with --limit',
        coerce: wholeNumber<number | undefined>('to', 0),
      })
      .option('dry-run', { type: 'boolean', default: false, describe: 'show the plan and stop' }),
  handler: (args) =>
    withContext(args, async (context) => {
      const interrupts = catchInterrupts(context.output.note);
      const target: RollBackTarget =
        args.to === undefined ? { kind: 'previous' } : { kind: 'generation', number: args.to };
      try {
        return await withLot(
          context,
          async (lot) => {
            const { plan, policies } = await planRollBackFleet({
              inventory: context.inventory,
              selected: context.selected,
              target,
              forks: context.settings.forks,
              lot,
              clock: context.clock,
              random: context.random,
              stop: interrupts.signal,
              emit: (event) => context.log.event('debug', event.event, { ...event }),
            });
            if (interrupts.signal.aborted) {
              context.output.note('interrupted before anything was changed\n');
              return EXIT.interrupted;
            }
            const refusals = provePlan(context, plan, policies, risksOf(args));
            if (context.output.format === 'text' || args.dryRun) printFleetPlan(context, plan);
            refuse(refusals);
            if (args.dryRun) return planExit(plan);
            return carryOut(context, plan, { salt: '', keys: new Map() }, lot, interrupts);
          },
          interrupts.ends,
        );
      } finally {
        interrupts.release();
      }
    }),
};
