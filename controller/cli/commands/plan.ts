/** `plan`: what an apply would do, without doing it. */

import { resolve, relative, dirname } from 'node:path';
import type { Argv, CommandModule } from 'yargs';

import { EXIT, InputProblems, type ExitStatus, type Problem } from '../../errors.js';
import { writeFileWhole } from '../../files/workspace.js';
import type { FleetPlan } from '../../plan/fleet-plan.js';
import { isUnchanged } from '../../plan/host-plan.js';
import { printPlan } from '../../plan/plan-file.js';
import { outcomeExit } from '../../model/run.js';
import { planText } from '../../report/plan-text.js';
import { windowFor } from '../../run/apply-fleet.js';
import { fleetOptions, riskOption, type FleetArguments, type RiskArguments } from '../arguments.js';
import { withContext, withLot, type Context } from '../context.js';
import { catchInterrupts, NO_MORE_LOOKS } from '../interrupts.js';
import { makePlan } from '../make-plan.js';

export interface PlanArguments extends FleetArguments, RiskArguments {
  readonly out: string | undefined;
}

export const planCommand: CommandModule<object, PlanArguments> = {
  command: 'plan [inventory]',
  describe: 'show what apply would do: a diff for each host, nothing changed on any',
  builder: (argv: Argv): Argv<PlanArguments> =>
    riskOption(fleetOptions(argv)).option('out', {
      type: 'string',
      requiresArg: true,
      describe: 'save the plan, without any secret, for `apply PLAN`',
    }),
  handler: (args) => withContext(args, (context) => showPlan(context, args)),
};

interface PlanWords {
  readonly inventory: string;
  readonly out?: string | undefined;
  readonly acceptRisk: RiskArguments['accept-risk'];
}

/** Makes the plan, shows it, saves it when asked to. Exit 0: nothing to do; 1: refused by a proof; 2: changes; 4: some host could not be planned. */
export async function showPlan(
  context: Context,
  args: { [key: string]: unknown } & Omit<PlanWords, 'acceptRisk'>,
): Promise<ExitStatus> {
  const interrupts = catchInterrupts(context.output.note, NO_MORE_LOOKS);
  try {
    return await withLot(
      context,
      async (lot) => {
        const risks = risksOf(args);
        const { plan, refusals } = await makePlan(context, lot, risks, interrupts.signal);
        printFleetPlan(context, plan);
        // It lacks hosts that nobody looked at: nothing is to be said of it, and it is nothing to keep.
        if (interrupts.signal.aborted) return EXIT.interrupted;
        refuse(refusals());
        if (args.out !== undefined) {
          const inventory = relative(dirname(resolve(args.out)), resolve(args.inventory));
          await writeFileWhole(args.out, printPlan({ plan, inventory, accepted: risks }), 0o600);
          context.output.note(
            `the plan is in ${args.out}; \`ipsec-deploy apply ${args.out}\` carries out exactly that\n`,
          );
        }
        return planExit(plan);
      },
      interrupts.ends,
    );
  } finally {
    interrupts.release();
  }
}

/** @throws InputProblems unless the list is empty */
export function refuse(problems: readonly Problem[]): void {
  if (problems.length > 0) throw new InputProblems(problems);
}

export function risksOf(args: { [key: string]: unknown }): RiskArguments['accept-risk'] {
  const given = args['acceptRisk'];
  return Array.isArray(given) ? given : [];
}

export function printFleetPlan(context: Context, plan: FleetPlan): void {
  const window = (groupSize: number): number => windowFor(groupSize, context.settings);
  if (context.output.format === 'json') context.output.json({ event: 'plan', ...plan });
  else context.output.print(planText(plan, window, context.output.paint));
}

export function planExit(plan: FleetPlan): ExitStatus {
  const worst = Math.max(EXIT.ok, ...plan.excluded.map(({ outcome }) => outcomeExit(outcome)));
  if (worst > EXIT.changes) return worst === EXIT.unknown ? EXIT.unknown : EXIT.failed;
  return plan.hosts.every(isUnchanged) ? EXIT.ok : EXIT.changes;
}
