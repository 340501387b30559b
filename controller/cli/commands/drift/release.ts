/** `drift release`: a host that remediation leaves alone is given back to it. */

import type { Argv, CommandModule } from 'yargs';

import { RELEASED } from '../../../drift/remediation.js';
import { EXIT, OperatorError } from '../../../errors.js';
import type { Quarantine } from '../../../model/drift.js';
import { printable } from '../../../report/paint.js';
import { withContext } from '../../context.js';
import { memoryOptions, NO_HOSTS, type MemoryArguments } from './accept.js';
import { changeMemory } from './with-memory.js';

interface ReleaseArguments extends MemoryArguments {
  readonly host: string;
}

export const releaseCommand: CommandModule<object, ReleaseArguments> = {
  command: 'release <host> [inventory]',
  describe: 'let remediation work again on a host that it has left alone',
  builder: (argv: Argv): Argv<ReleaseArguments> =>
    memoryOptions(argv).positional('host', { type: 'string', demandOption: true, describe: 'the host' }),
  handler: (args) =>
    withContext({ ...args, ...NO_HOSTS }, async ({ output, ...context }) => {
      const record = { host: args.host, at: context.clock.now().toISOString(), outcome: RELEASED, planDigest: '' };
      let released: readonly Quarantine[] = [];
      await changeMemory(context, (memory) => {
        released = memory.quarantines.filter(({ host }) => host === args.host);
        if (released.length === 0) throw notQuarantined(args.host, memory.quarantines);
        return {
          ...memory,
          quarantines: memory.quarantines.filter(({ host }) => host !== args.host),
          remediations: [...memory.remediations, record],
        };
      });
      for (const { host, since, reason } of released) {
        if (output.format === 'json') output.json({ event: 'drift-released', host, since, reason });
        else output.print(`${host} is no longer left alone (it was since ${since}: ${printable(reason)})\n`);
      }
      return EXIT.ok;
    }),
};

function notQuarantined(host: string, quarantines: readonly Quarantine[]): OperatorError {
  const names = quarantines.map((one) => one.host);
  return new OperatorError('NOT_QUARANTINED', {
    what: `${JSON.stringify(host)} is not left alone`,
    todo: names.length === 0 ? 'no host is' : `these are: ${names.slice(0, 20).join(', ')}`,
  });
}
