/** `apply`: the main job. Takes an inventory, or a plan that was saved by `plan --out` and does exactly that. */

import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Argv, CommandModule } from 'yargs';

import { EXIT, OperatorError, type ExitStatus } from '../../errors.js';
import { readText } from '../../files/workspace.js';
import { keyPart } from '../../plan/fill.js';
import { isUnchanged } from '../../plan/host-plan.js';
import { looksLikePlan, parsePlan, type SavedPlan } from '../../plan/plan-file.js';
import type { KeyStore } from '../../ports.js';
import { fleetOptions, RISKS, riskOption, type Risk, type FleetArguments, type RiskArguments } from '../arguments.js';
import { askYes } from '../ask.js';
import { carryOut } from '../carry-out.js';
import { withContext, withLot, type Context } from '../context.js';
import { catchInterrupts } from '../interrupts.js';
import { policiesOfPlan } from '../../run/plan-policies.js';
import { makePlan, provePlan } from '../make-plan.js';
import { printFleetPlan, refuse, risksOf, showPlan } from './plan.js';

export interface ApplyArguments extends FleetArguments, RiskArguments {
  readonly 'dry-run': boolean;
  readonly ask: boolean;
}

export const applyCommand: CommandModule<object, ApplyArguments> = {
  command: 'apply [inventory]',
  describe: 'bring hosts to what the inventory asks for, or carry out a saved plan',
  builder: (argv: Argv): Argv<ApplyArguments> =>
    riskOption(fleetOptions(argv))
      .option('dry-run', { type: 'boolean', default: false, describe: 'the same as plan' })
      .option('ask', { type: 'boolean', default: false, describe: 'show the plan and ask before carrying it out' }),
  handler: async (args) => {
    const saved = await savedPlan(args.inventory);
    if (saved === undefined) {
      await withContext(args, (context) => (args.dryRun ? showPlan(context, args) : applyInventory(context, args)));
    } else {
      if (args.limit !== undefined || args.dryRun) {
        throw new OperatorError('USAGE', {
          what: 'a saved plan is carried out whole: --limit and --dry-run do not go with it',
          todo: 'make another plan',
        });
      }
      const inventory = resolve(dirname(args.inventory), saved.inventory);
      await readText(inventory).catch((cause: unknown) => {
        throw new OperatorError('PLAN_INVENTORY', {
          what: `the inventory that this plan was made from is not at ${inventory}`,
          where: args.inventory,
          todo: 'keep the plan where it was saved, beside its inventory, or make it again',
          cause,
        });
      });
      await withContext({ ...args, inventory }, (context) => applySaved(context, saved, args.inventory, risksOf(args)));
    }
  },
};

/** A folder is an inventory's, as for every command. */
async function savedPlan(path: string): Promise<SavedPlan | undefined> {
  if ((await stat(path).catch(() => undefined))?.isDirectory() === true) return undefined;
  const text = await readText(path);
  return looksLikePlan(text) ? parsePlan(text, path) : undefined;
}

async function applyInventory(context: Context, args: { ask: boolean; [key: string]: unknown }): Promise<ExitStatus> {
  const interrupts = catchInterrupts(context.output.note);
  try {
    return await withLot(
      context,
      async (lot) => {
        const { plan, store, refusals } = await makePlan(context, lot, risksOf(args), interrupts.signal);
        if (interrupts.signal.aborted) return leftUnchanged(context);
        refuse(refusals());
        if (context.output.format === 'text' && (plan.groups.length > 0 || plan.pulledIn.length > 0))
          printFleetPlan(context, plan);
        if (args.ask && plan.groups.length > 0 && !(await askYes('Carry it out? [y/N] '))) {
          context.output.note('nothing was changed\n');
          return 0;
        }
        return carryOut(context, plan, store, lot, interrupts);
      },
      interrupts.ends,
    );
  } finally {
    interrupts.release();
  }
}

function leftUnchanged({ output }: Context): ExitStatus {
  output.note('interrupted before anything was changed\n');
  return EXIT.interrupted;
}

async function applySaved(
  context: Context,
  { plan, accepted }: SavedPlan,
  file: string,
  risks: readonly Risk[],
): Promise<ExitStatus> {
  const known = new Set(context.inventory.hosts.map((host) => host.name));
  const missing = plan.hosts.find((host) => !known.has(host.host));
  if (missing !== undefined) {
    throw new OperatorError('PLAN_STALE', {
      what: `the plan has host ${missing.host}, which the inventory no longer names`,
      where: file,
      todo: 'make the plan again',
    });
  }
  // What was accepted when the plan was made is part of what it does.
  const taken = RISKS.filter((risk) => risks.includes(risk) || accepted.includes(risk));
  refuse(provePlan(context, plan, policiesOfPlan(plan, context.inventory), taken));
  const store: KeyStore = plan.hosts.some((host) => host.keys.length > 0)
    ? await context.vault.read()
    : { salt: '', keys: new Map() };
  for (const host of plan.hosts.filter((one) => !isUnchanged(one))) {
    for (const key of host.keys) {
      const secret = keyPart(store, key.id, key.part);
      const sent = host.files.some(
        (one) =>
          'file' in one &&
          one.file.parts.some((part) => typeof part === 'object' && 'key' in part && part.key === key.id),
      );
      if (sent && secret?.fingerprint(store.salt) !== key.fingerprint) {
        throw new OperatorError('PLAN_STALE', {
          what: `the key store no longer holds the ${key.id} that the plan names`,
          where: file,
          todo: 'make the plan again',
        });
      }
    }
  }
  const interrupts = catchInterrupts(context.output.note);
  try {
    return await withLot(context, (lot) => carryOut(context, plan, store, lot, interrupts), interrupts.ends);
  } finally {
    interrupts.release();
  }
}
