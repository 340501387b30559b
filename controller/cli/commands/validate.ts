/** `validate`: everything that can be found without touching a host, all at once; nothing is written. */

import type { Argv, CommandModule } from 'yargs';

import { EXIT, InputProblems, type ExitStatus, type Problem } from '../../errors.js';
import { unusedKeys } from '../../keys/generate.js';
import { jsonText } from '../../report/json-text.js';
import { validateSarif, validateText, type ValidatedCounts } from '../../report/validate-text.js';
import { validateFleet } from '../../run/validate-fleet.js';
import {
  colourOption,
  inventoryOperand,
  limitOption,
  logOption,
  riskOption,
  type FleetArguments,
  type RiskArguments,
} from '../arguments.js';
import { inventoryFile, keysForLooking, loadTemplates, withContext, type Context } from '../context.js';
import { createOutput, type Output } from '../output.js';
import { packageVersion } from '../package-files.js';
import { risksOf } from './plan.js';

interface ValidateArguments extends Omit<FleetArguments, 'output' | 'forks'>, RiskArguments {
  readonly output: 'text' | 'json' | 'sarif';
  readonly strict: boolean;
}

export const validateCommand: CommandModule<object, ValidateArguments> = {
  command: 'validate [inventory]',
  describe: 'check inventory, templates, rendered files, both ends of links, lock-out and tests, offline',
  builder: (argv: Argv): Argv<ValidateArguments> =>
    riskOption(logOption(limitOption(inventoryOperand(colourOption(argv)))))
      .option('output', {
        choices: ['text', 'json', 'sarif'] as const,
        default: 'text' as const,
        describe: 'text for people, json for programs, sarif for code hosts and editors',
      })
      .option('strict', { type: 'boolean', default: false, describe: 'warnings count as errors' }),
  handler: async (args) => {
    const format = args.output === 'json' ? 'json' : 'text';
    try {
      await withContext({ ...args, forks: undefined, output: format }, (context) => validate(context, args));
    } catch (error) {
      // As JSON an inventory that cannot be understood is an `error`, as with every command.
      if (!(error instanceof InputProblems) || format === 'json' || isUnread(args, error)) throw error;
      const output = createOutput({ format, colour: args.color });
      process.exitCode = await tell(output, args, await inventoryFile(args.inventory), error.problems, undefined);
    }
  },
};

/** Nothing was looked at that there could be findings about. */
function isUnread({ output }: ValidateArguments, { problems }: InputProblems): boolean {
  return output === 'text' && problems.every(({ code }) => code === 'FILE_UNREADABLE');
}

async function validate(context: Context, args: ValidateArguments): Promise<ExitStatus> {
  const { inventory, selected, warnings } = context;
  const { store, note } = await keysForLooking(context);
  const problems = validateFleet({
    inventory,
    selected,
    templates: await loadTemplates(context.settings),
    store,
    warnings,
    accepted: risksOf({ ...args }),
    today: context.clock.now().toISOString().slice(0, 10),
  });
  const { hosts, links, tests } = inventory;
  const counts = { hosts: hosts.length, links: links.length, tests: tests.length };
  const exit = await tell(context.output, args, await inventoryFile(args.inventory), problems, counts);
  if (note !== undefined) context.output.note(`note: ${note}\n`);
  const unused = unusedKeys(inventory, store);
  if (unused.length > 0) context.output.note(`keys of no link any more, kept in the store: ${unused.join(', ')}\n`);
  return exit;
}

async function tell(
  output: Output,
  args: ValidateArguments,
  path: string,
  problems: readonly Problem[],
  counts: ValidatedCounts | undefined,
): Promise<ExitStatus> {
  const of = (severity: Problem['severity']): number => problems.filter((one) => one.severity === severity).length;
  const [errors, warnings] = [of('error'), of('warning')];
  if (output.format === 'json') output.json({ event: 'validated', ...counts, errors, warnings, problems });
  else if (args.output === 'sarif')
    output.print(`${jsonText(validateSarif(path, problems, await packageVersion()), 2)}\n`);
  else output.print(validateText(path, problems, counts, output.paint));
  return errors > 0 || (args.strict && warnings > 0) ? EXIT.input : EXIT.ok;
}
