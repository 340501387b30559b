/** `drift notify --test`: a marked message to the notifiers, so that a wrong address is found on a quiet day. */

import type { Argv, CommandModule } from 'yargs';

import { EXIT, OperatorError, type ExitStatus } from '../../../errors.js';
import type { NotifierSettings } from '../../../model/drift.js';
import { createNotifiers } from '../../../notify/create-notifiers.js';
import { testDigest } from '../../../notify/test-digest.js';
import type { NotifierWorld } from '../../../notify/world.js';
import { plain } from '../../../report/paint.js';
import { operatorErrorText } from '../../../report/problem-text.js';
import { commonOptions, type CommonArguments } from '../../arguments.js';
import { withContext, type Context } from '../../context.js';
import { notifierWorld } from '../../notifier-world.js';
import type { Output } from '../../output.js';

interface NotifyArguments extends CommonArguments {
  readonly inventory: string;
  readonly test: boolean;
  readonly only: readonly string[];
  readonly 'log-file': string | undefined;
}

/** @param settingsOf where an inventory says who is told */
export function notifyCommand(
  settingsOf: (context: Context) => readonly NotifierSettings[],
): CommandModule<object, NotifyArguments> {
  return {
    command: 'notify [inventory]',
    describe: 'send a test message to those who are told of drift',
    builder: (argv: Argv): Argv<NotifyArguments> =>
      commonOptions(argv)
        .positional('inventory', { type: 'string', default: 'inventory.yaml', describe: 'the inventory file' })
        .option('test', { type: 'boolean', demandOption: true, describe: 'send a marked message; nothing happened' })
        .option('only', {
          type: 'string',
          array: true,
          requiresArg: true,
          default: [] as readonly string[],
          describe: 'these notifiers alone',
        })
        .option('log-file', { type: 'string', requiresArg: true, describe: 'append events as JSON lines' })
        .check(({ test }) => {
          if (test) return true;
          throw new OperatorError('USAGE', { what: 'only a test message can be sent by hand', todo: 'give --test' });
        }),
    handler: (args) =>
      withContext({ ...args, limit: undefined, forks: undefined }, async (context) => {
        const stop = new AbortController();
        const onSignal = (): void => stop.abort();
        // Once: a second signal ends the process as it would end any.
        process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
        try {
          const chosen = chooseNotifiers(settingsOf(context), args.only);
          const { fleet } = context.inventory;
          return await notifyTest({ fleet, chosen, world: notifierWorld(context), stop: stop.signal }, context.output);
        } finally {
          process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
        }
      }),
  };
}

/** @throws OperatorError NO_NOTIFIER */
export function chooseNotifiers(
  settings: readonly NotifierSettings[],
  only: readonly string[],
): readonly NotifierSettings[] {
  const known = settings.map(({ name }) => name);
  const missing = only.find((name) => !known.includes(name));
  if (missing === undefined && settings.length > 0) {
    return only.length === 0 ? settings : settings.filter(({ name }) => only.includes(name));
  }
  throw new OperatorError('NO_NOTIFIER', {
    what: missing === undefined ? 'nobody is told of drift' : `there is no notifier ${JSON.stringify(missing)}`,
    todo:
      known.length === 0
        ? "name who is told under `notify:` of the inventory's `drift:` section"
        : `name one of ${known.join(', ')}`,
  });
}

export interface NotifyTest {
  readonly fleet: string;
  readonly chosen: readonly NotifierSettings[];
  readonly world: NotifierWorld;
  readonly stop: AbortSignal;
}

/** Tells all of them at the same time, and of each whether it was told. */
export async function notifyTest(
  { fleet, chosen, world, stop }: NotifyTest,
  output: Pick<Output, 'format' | 'paint' | 'print' | 'note' | 'json'>,
): Promise<ExitStatus> {
  const digest = testDigest(fleet, world.clock.now().toISOString());
  const kinds = new Map(chosen.map(({ name, kind }) => [name, kind]));
  const told = await Promise.all(
    createNotifiers(chosen, world).map(async (notifier): Promise<boolean> => {
      const { name } = notifier;
      const kind = kinds.get(name);
      try {
        await notifier.tell(digest, stop);
        if (output.format === 'json') output.json({ event: 'drift-notified', name, kind, told: true });
        else output.print(`${name}: told\n`);
        return true;
      } catch (error) {
        if (!(error instanceof OperatorError)) throw error;
        const { what, todo } = error;
        if (output.format === 'json') output.json({ event: 'drift-notified', name, kind, told: false, what, todo });
        output.note(operatorErrorText(error, process.stderr.isTTY ? output.paint : plain));
        return false;
      }
    }),
  );
  if (stop.aborted) return EXIT.interrupted;
  return told.every(Boolean) ? EXIT.ok : EXIT.failed;
}
