/** `validate`: everything that can be proved without touching a host. */

import type { Argv, CommandModule } from 'yargs';

import { EXIT } from '../../errors.js';
import { unusedKeys } from '../../keys/generate.js';
import { count } from '../../report/plan-text.js';
import { fleetOptions, riskOption, type FleetArguments, type RiskArguments } from '../arguments.js';
import { prepareFleet, withContext } from '../context.js';
import { prove } from '../make-plan.js';
import { risksOf } from './plan.js';

type ValidateArguments = FleetArguments & RiskArguments;

export const validateCommand: CommandModule<object, ValidateArguments> = {
  command: 'validate [inventory]',
  describe: 'check inventory, templates, policies and tests offline',
  builder: (argv: Argv): Argv<ValidateArguments> => riskOption(fleetOptions(argv)),
  handler: (args) =>
    withContext(args, async (context) => {
      const { store, fleet } = await prepareFleet(context);
      prove(
        context,
        fleet.policies,
        context.selected.map((host) => host.name),
        risksOf(args),
      );
      const { hosts, links, tests } = context.inventory;
      if (context.output.format === 'json') {
        const problems = [...context.warnings, ...fleet.warnings];
        context.output.json({
          event: 'validated',
          hosts: hosts.length,
          links: links.length,
          tests: tests.length,
          problems,
        });
      } else {
        context.output.print(
          `${args.inventory}: ${count(hosts.length, 'host')}, ${count(links.length, 'link')}, ${count(tests.length, 'test')}: all is well\n`,
        );
      }
      const unused = unusedKeys(context.inventory, store);
      if (unused.length > 0) context.output.note(`keys of no link any more, kept in the store: ${unused.join(', ')}\n`);
      return EXIT.ok;
    }),
};
