/** `drift [inventory]`: one look at every host, told and forgotten. Nothing is written, here or there. */

import type { ArgumentsCamelCase, Argv, CommandModule } from 'yargs';

import { judgePass, judgeWith, passExit } from '../../../drift/judge-pass.js';
import { EXIT, type ExitStatus } from '../../../errors.js';
import type { HostLook } from '../../../model/drift.js';
import { endedEvent, lookEvents } from '../../../report/drift-events.js';
import { driftText } from '../../../report/drift-text.js';
import { junitReport } from '../../../report/junit.js';
import { gatherPass } from '../../../run/gather-pass.js';
import { colourOption, hostsOptions, type CommonArguments, type HostsArguments } from '../../arguments.js';
import { withContext, type Context } from '../../context.js';
import { catchInterrupts, NO_MORE_LOOKS } from '../../interrupts.js';
import { preparePass } from './prepare-pass.js';
import { watchCommand } from './watch-command.js';
import { watchOptions } from './watch-options.js';
import { memoryIfReadable } from './with-memory.js';

export interface LookArguments extends HostsArguments, Pick<CommonArguments, 'color'> {
  readonly output: 'text' | 'json' | 'junit';
  readonly pending: boolean;
  readonly strict: boolean;
  readonly once: boolean;
  readonly schedule: string | undefined;
  readonly identity: string | undefined;
  readonly remediate: boolean;
  readonly 'dry-run': boolean;
}

export const lookCommand: CommandModule<object, LookArguments> = {
  command: '$0 [inventory]',
  describe: 'look at every host once: what drifted, since when, and the command that mends it',
  builder: (argv: Argv): Argv<LookArguments> => lookOptions(argv),
  handler: async (args) => {
    // A report for a test runner is one document: nothing else may stand on standard output.
    const output = args.output === 'json' ? 'json' : 'text';
    checkWords(args);
    if (args.schedule !== undefined) {
      if (args.once) throw new Error('--once is one look, and --schedule goes on looking: give one of them');
      if (args.output === 'junit') throw new Error('--output junit is for one look, not for --schedule');
      return watchCommand.handler({ ...args, output });
    }
    const work = await workFor(args);
    await withContext({ ...args, output }, (context) => work(context, args));
  },
};

function lookOptions(argv: Argv): Argv<LookArguments> {
  return watchOptions(hostsOptions(colourOption(argv)))
    .option('output', {
      choices: ['text', 'json', 'junit'] as const,
      default: 'text' as const,
      describe: 'text for people, json for programs, junit for test runners',
    })
    .option('strict', {
      type: 'boolean',
      default: false,
      describe: 'exit 2 for pending changes too',
    })
    .option('once', {
      type: 'boolean',
      default: false,
      describe: 'remember what was found and tell what is new, as the service does: for cron',
    })
    .option('dry-run', {
      type: 'boolean',
      default: false,
      describe: 'with --remediate: say what would be put right; nothing is changed or remembered',
    });
}

function checkWords({ dryRun, remediate, schedule, once, output }: ArgumentsCamelCase<LookArguments>): void {
  if (!dryRun) return;
  if (!remediate || once || schedule !== undefined)
    throw new Error('--dry-run goes with --remediate, and not with --once or --schedule');
  if (output === 'junit') throw new Error('--output junit is for a look, not for --dry-run');
}

/** What puts right has to remember: without --once too. What is not asked for is not read in. */
async function workFor({ dryRun, once, remediate }: ArgumentsCamelCase<LookArguments>): Promise<typeof look> {
  if (dryRun) return (await import('./remediate.js')).previewRemediation;
  return once || remediate ? (await import('./once.js')).once : look;
}

/** Exit 0: every host is what was last confirmed on it; 2: some is not; 4: some could not be looked at; 130: ended early. */
async function look(context: Context, args: LookArguments): Promise<ExitStatus> {
  const { output, clock, log, selected } = context;
  const memory = await memoryIfReadable(context);
  const interrupts = catchInterrupts(output.note, NO_MORE_LOOKS);
  try {
    const ground = await preparePass(context, args, interrupts.ends);
    const judge = judgeWith(memory, clock.now());
    const emit = (seen: HostLook): void => {
      log.event('info', 'drift.look', { host: seen.host, state: seen.state, findings: seen.findings.length });
      if (args.output === 'json') lookEvents(judge(seen)).forEach(output.json);
    };
    const { pass } = await gatherPass({
      ...ground,
      lastGenerations: memory.generations,
      starts: selected.map((host) => ({ host, afterSeconds: 0 })),
      stop: interrupts.signal,
      onLook: emit,
    });
    // Told in the order in which they answered, and listed in that of the inventory.
    const seen = new Map(pass.looks.map((one) => [one.host, one]));
    const looks = selected.flatMap(({ name }) => seen.get(name) ?? []);
    const judged = judgePass({ ...pass, looks }, memory, clock.now());
    const exit = interrupts.signal.aborted ? EXIT.interrupted : passExit(judged.looks, args.strict);
    const asked = selected.length;
    if (args.output === 'json') output.json(endedEvent(judged, asked, exit));
    else if (args.output === 'junit')
      output.print(junitReport(judged, { fleet: context.inventory.fleet, strict: args.strict }));
    else output.print(driftText(judged, { asked, pending: ground.desired !== undefined }, output.paint));
    return exit;
  } finally {
    interrupts.release();
  }
}
