/** `diff`: what differs between hosts and the inventory, or between two policy files; in text, or in meaning. */

import type { Argv, CommandModule } from 'yargs';

import { EXIT, OperatorError, type ExitStatus } from '../../errors.js';
import { readText } from '../../files/workspace.js';
import { outcomeExit } from '../../model/run.js';
import { flowChangeSummaries } from '../../plan/flow-changes.js';
import { isUnchanged } from '../../plan/host-plan.js';
import { predictLoad } from '../../policy/predict-load.js';
import { TangledPolicy } from '../../policy/partition.js';
import { semanticDiff } from '../../proof/semantic-diff.js';
import { fileFlowsText, filesPatch, patchText, semanticText, type NamedText } from '../../report/diff-text.js';
import { diffFleet, type HostDifference } from '../../run/diff-fleet.js';
import { commonOptions, limitOption, workOptions, type FleetArguments } from '../arguments.js';
import { lookAtFleet, withContext, withLot, type Context } from '../context.js';
import { catchInterrupts, NO_MORE_LOOKS } from '../interrupts.js';
import { createOutput, type Output } from '../output.js';
import { refuseKeys } from './policy/refuse-keys.js';

interface DiffArguments extends Omit<FleetArguments, 'inventory'> {
  readonly paths: readonly string[] | undefined;
  readonly semantic: boolean;
}

export const diffCommand: CommandModule<object, DiffArguments> = {
  command: 'diff [paths..]',
  describe: 'compare hosts with the inventory, or two policy files: nothing is changed',
  builder: (argv: Argv): Argv<DiffArguments> =>
    workOptions(limitOption(commonOptions(argv)))
      .positional('paths', {
        type: 'string',
        array: true,
        describe: 'an inventory (inventory.yaml unless given), or two ipsecinit.conf files',
      })
      .option('semantic', {
        type: 'boolean',
        default: false,
        describe: 'which flows are treated otherwise, instead of which lines differ',
      }),
  handler: async (args) => {
    const [first = 'inventory.yaml', second, ...more] = args.paths ?? [];
    if (more.length > 0)
      throw new OperatorError('USAGE', {
        what: 'diff takes one inventory or two files',
        todo: 'see ipsec-deploy diff --help',
      });
    if (second === undefined) {
      await withContext({ ...args, inventory: first }, (context) => diffHosts(context, args.semantic));
      return;
    }
    const output = createOutput({ format: args.output, colour: args.color });
    const texts = await Promise.all([first, second].map(async (path) => ({ path, text: await readText(path) })));
    for (const { path, text } of texts) refuseKeys('policy', path, text, 'name two ipsecinit.conf files');
    process.exitCode = diffFiles(output, texts, args.semantic);
  },
};

/** Exit 0: as wanted; 2: something differs; the worst outcome of a host that could not be looked at otherwise. */
async function diffHosts(context: Context, semantic: boolean): Promise<ExitStatus> {
  const { fleet, store } = await lookAtFleet(context);
  const interrupts = catchInterrupts(context.output.note, NO_MORE_LOOKS);
  try {
    const found = await withLot(
      context,
      (lot) =>
        diffFleet({
          inventory: context.inventory,
          fleet,
          hosts: context.selected,
          salt: store.salt,
          forks: context.settings.forks,
          lot,
          stop: interrupts.signal,
          emit: (event) => context.log.event('debug', event.event, { ...event }),
        }),
      interrupts.ends,
    );
    for (const one of found) tell(context.output, one, semantic);
    return interrupts.signal.aborted ? EXIT.interrupted : worst(found);
  } finally {
    interrupts.release();
  }
}

function tell({ format, json, print, paint }: Output, found: HostDifference, semantic: boolean): void {
  if (found.kind === 'failed') {
    const { host, outcome } = found;
    if (format === 'json') json({ event: 'outcome', host, ...outcome });
    else
      print(
        `${paint('bold', host)}: ${paint('red', outcome.status)}${'reason' in outcome ? `: ${outcome.reason}` : ''}\n`,
      );
    return;
  }
  const { plan } = found;
  if (format === 'text') print(semantic ? semanticText(plan, paint) : patchText(plan, paint));
  else {
    const { host, files, keyChanges, rulesAdded, rulesRemoved, flowChanges, flowNotes } = plan;
    json({
      event: 'diff',
      host,
      differs: !isUnchanged(plan),
      files,
      keyChanges,
      rulesAdded,
      rulesRemoved,
      flowChanges,
      flowNotes,
    });
  }
}

function worst(found: readonly HostDifference[]): ExitStatus {
  const exits = found.map((one): ExitStatus => {
    if (one.kind === 'failed') return outcomeExit(one.outcome);
    return isUnchanged(one.plan) ? EXIT.ok : EXIT.changes;
  });
  return exits.reduce((a, b) => (b > a ? b : a), EXIT.ok);
}

function diffFiles(output: Output, texts: readonly NamedText[], semantic: boolean): ExitStatus {
  const [before, after] = texts;
  if (before === undefined || after === undefined) throw new Error('two files');
  const isAsked = semantic || output.format === 'json';
  const found = isAsked ? flowChangesOf(before, after) : [];
  const changes = flowChangeSummaries(found, 'this host', { nameOf: () => undefined, addresses: [] });
  const same = semantic ? changes.length === 0 : before.text === after.text;
  if (output.format === 'json')
    output.json({ event: 'diff', before: before.path, after: after.path, differs: !same, flowChanges: changes });
  else if (semantic) output.print(fileFlowsText(changes, output.paint));
  else if (!same) output.print(filesPatch(before, after));
  return same ? EXIT.ok : EXIT.changes;
}

/** @throws OperatorError POLICY_TANGLED, POLICY_REFUSED */
function flowChangesOf(before: NamedText, after: NamedText): ReturnType<typeof semanticDiff> {
  const rules = [rulesOf(before), rulesOf(after)] as const;
  try {
    return semanticDiff(...rules);
  } catch (cause) {
    if (!(cause instanceof TangledPolicy)) throw cause;
    throw new OperatorError('POLICY_TANGLED', {
      what: 'the rules overlap too much to be compared by what they mean',
      where: `${before.path}, ${after.path}`,
      todo: 'compare the text: `diff` as it is on every system',
      cause,
    });
  }
}

/** @throws OperatorError POLICY_REFUSED: a file that the host would not load means nothing */
function rulesOf({ path, text }: NamedText) {
  const { accepted, messages, rules } = predictLoad(text);
  if (accepted) return rules;
  throw new OperatorError('POLICY_REFUSED', {
    what: `ipsecconf would refuse the file: ${messages.trim()}`,
    where: path,
    todo: 'mend it; `ipsec-deploy policy lint FILE` shows each place',
  });
}
