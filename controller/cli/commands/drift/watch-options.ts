/** The words of a look that goes on: shared by `drift`, `drift watch` and what writes their service. */

import type { Argv } from 'yargs';

import { OperatorError } from '../../../errors.js';
import type { FleetArguments } from '../../arguments.js';

export interface WatchArguments extends FleetArguments {
  readonly schedule: string | undefined;
  readonly identity: string | undefined;
  readonly pending: boolean;
  readonly remediate: boolean;
}

export function watchOptions<T>(argv: Argv<T>) {
  return argv
    .option('schedule', {
      type: 'string',
      requiresArg: true,
      describe: "go on looking, as these cron words say: '*/15 * * * *'; `drift watch` goes by the inventory's",
    })
    .option('identity', {
      type: 'string',
      requiresArg: true,
      describe: "age identity that opens the key store, instead of the inventory's identityFile",
    })
    .option('pending', {
      type: 'boolean',
      default: true,
      describe: 'also look for what the inventory asks for and was not applied; --no-pending for drift alone',
    })
    .option('remediate', {
      type: 'boolean',
      default: false,
      describe: 'also put right what the inventory says, as drift.remediate there; goes with --once, or a schedule',
    });
}

export function noSchedule(): OperatorError {
  return new OperatorError('NO_SCHEDULE', {
    what: 'nothing says when hosts are to be looked at',
    todo: "write schedule: '*/15 * * * *' into the drift: section of the inventory, or give --schedule",
  });
}
