/** `verify`: whether hosts are what the inventory asks for, loaded policy, SAs, daemon and services included. */

import type { Argv, CommandModule } from 'yargs';

import { EXIT } from '../../errors.js';
import { isUnchanged } from '../../plan/host-plan.js';
import { verifyText } from '../../report/verify-text.js';
import { fleetOptions, RISKS, type FleetArguments } from '../arguments.js';
import { withContext, withLot } from '../context.js';
import { catchInterrupts } from '../interrupts.js';
import { makePlan } from '../make-plan.js';
import { planExit } from './plan.js';

export const verifyCommand: CommandModule<object, FleetArguments> = {
  command: 'verify [inventory]',
  describe: 'check that what is loaded on the hosts is what the inventory asks for',
  builder: (argv: Argv): Argv<FleetArguments> => fleetOptions(argv),
  handler: (args) =>
    withContext(args, async (context) => {
      const interrupts = catchInterrupts(context.output.note);
      try {
        return await withLot(context, async (lot) => {
          const { plan } = await makePlan(context, lot, RISKS, interrupts.signal);
          const chosen = new Set(context.selected.map((host) => host.name));
          const mine = { ...plan, hosts: plan.hosts.filter((host) => chosen.has(host.host)), pulledIn: [] };
          if (context.output.format === 'json') {
            for (const host of mine.hosts)
              context.output.json({
                event: 'verified',
                asWanted: isUnchanged(host),
                ...host,
              });
            for (const { host, outcome } of mine.excluded) context.output.json({ event: 'outcome', host, ...outcome });
          } else {
            context.output.print(verifyText(mine, context.output.paint));
          }
          return interrupts.signal.aborted ? EXIT.interrupted : planExit(mine);
        });
      } finally {
        interrupts.release();
      }
    }),
};
