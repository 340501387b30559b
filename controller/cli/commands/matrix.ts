/** `matrix`: who can talk to whom and how, from the inventory alone. */

import type { Argv, CommandModule } from 'yargs';

import { EXIT, type ExitStatus } from '../../errors.js';
import { writeFileWhole } from '../../files/workspace.js';
import { askedTraffic, parseAskedFlow } from '../../proof/asked-flow.js';
import { flowMatrix, type FlowMatrix } from '../../proof/flow-matrix.js';
import { groupMatrix } from '../../proof/group-matrix.js';
import { matrixCsv } from '../../report/matrix-csv.js';
import type { PageTitle } from '../../report/matrix-page.js';
import { matrixText } from '../../report/matrix-text.js';
import type { OfflineFleet } from '../../run/offline-fleet.js';
import { colourOption, inventoryOperand, limitOption, type FleetArguments } from '../arguments.js';
import { lookAtFleet, withContext, type Context } from '../context.js';
import { readPageParts } from '../package-files.js';

const FORMATS = ['text', 'json', 'csv', 'html'] as const;

interface MatrixArguments extends Omit<FleetArguments, 'output' | 'forks' | 'log-file'> {
  readonly output: (typeof FORMATS)[number];
  readonly flow: string | undefined;
  readonly by: 'host' | 'group';
  readonly collapse: boolean | undefined;
  readonly out: string | undefined;
}

export const matrixCommand: CommandModule<object, MatrixArguments> = {
  command: 'matrix [inventory]',
  describe: 'show who can talk to whom and how: protected, clear, refused or broken',
  builder: (argv: Argv): Argv<MatrixArguments> =>
    limitOption(inventoryOperand(colourOption(argv)))
      .option('output', {
        choices: FORMATS,
        default: 'text' as const,
        describe: 'text for a terminal, csv for a spreadsheet, html for a page of its own, json for programs',
      })
      .option('flow', { type: 'string', requiresArg: true, describe: 'one kind of traffic only, e.g. tcp/443 or icmp' })
      .option('by', {
        choices: ['host', 'group'] as const,
        default: 'host' as const,
        describe: 'what a row stands for',
      })
      .option('collapse', {
        type: 'boolean',
        describe: 'text: hosts that behave alike become one row (from 13 hosts on, unless --no-collapse)',
      })
      .option('out', { type: 'string', requiresArg: true, describe: 'write to this file instead of stdout' }),
  handler: (args) =>
    withContext({ ...args, forks: undefined, output: args.output === 'json' ? 'json' : 'text' }, (context) =>
      showMatrix(context, args),
    ),
};

async function showMatrix(context: Context, args: MatrixArguments): Promise<ExitStatus> {
  const asked = args.flow === undefined ? undefined : parseAskedFlow(args.flow);
  const look = await lookAtFleet(context);
  const all = flowMatrix(
    shownEnds(look, context, args),
    context.inventory.links,
    asked && ((family) => askedTraffic(asked, family)),
  );
  const matrix = args.by === 'group' ? groupMatrix(all, context.inventory.groups) : all;
  const title = { fleet: context.inventory.fleet, flow: asked?.text, made: context.clock.now().toISOString() };
  if (args.output === 'json') {
    context.output.json(matrixEvent(matrix, context.inventory.fleet, asked?.text));
    return EXIT.ok;
  }
  const text = await matrixIn(args, matrix, title, context);
  if (args.out === undefined) context.output.print(text);
  else {
    await writeFileWhole(args.out, text, 0o644);
    context.output.note(`wrote ${args.out}\n`);
  }
  return EXIT.ok;
}

/** The hosts that `--limit` leaves; ends that are not ours are shown with the whole fleet. */
function shownEnds(
  { ends }: OfflineFleet,
  { selected, inventory }: Context,
  args: MatrixArguments,
): OfflineFleet['ends'] {
  if (args.limit === undefined || selected.length === inventory.hosts.length) return ends;
  const wanted = new Set(selected.map(({ name }) => name));
  return ends.filter(({ name }) => wanted.has(name));
}

async function matrixIn(
  args: MatrixArguments,
  matrix: FlowMatrix,
  title: PageTitle,
  { output }: Context,
): Promise<string> {
  switch (args.output) {
    case 'csv':
      return matrixCsv(matrix);
    case 'html': {
      const { matrixPage } = await import('../../report/matrix-page.js');
      return matrixPage(matrix, title, await readPageParts());
    }
    default: {
      const paint = args.out === undefined ? output.paint : undefined;
      const width = args.out === undefined ? process.stdout.columns || 110 : 110;
      const heading = title.flow === undefined ? title.fleet : `${title.fleet}, ${title.flow}`;
      return matrixText(matrix, { title: heading, width, collapse: args.collapse, ...(paint && { paint }) });
    }
  }
}

/** `rows[from][to]` is a place in `treatments`, -1 from an end to itself. */
function matrixEvent(matrix: FlowMatrix, fleet: string, flow: string | undefined): object {
  const ends = matrix.ends.map(({ name, kind, group }) => ({ name, kind, group }));
  return {
    event: 'matrix',
    fleet,
    flow,
    ends,
    treatments: matrix.treatments,
    rows: matrix.cells.map((row) => [...row]),
  };
}
