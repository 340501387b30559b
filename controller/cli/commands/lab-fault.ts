/** `lab fault`: makes the commands of a lab host do wrong. */

import type { Argv, CommandModule } from 'yargs';
import { OperatorError } from '../../errors.js';
import { ask, openControl } from '../../lab/control-client.js';
import { FAULT_WORDS, SLOW_SECONDS, type FaultWord } from '../../lab/control-messages.js';
import { createOutput } from '../output.js';
import { oneHost, say, type OneHost } from './lab-words.js';

type FaultArguments = OneHost & {
  readonly tool: string;
  readonly kind: FaultWord;
  readonly args: string;
  readonly seconds: number;
};

export const fault: CommandModule<object, FaultArguments> = {
  command: 'fault <host> <tool> <kind>',
  describe: 'make a command of a host do wrong until told otherwise: lab fault web1 ipsecconf lie',
  builder: (argv: Argv): Argv<FaultArguments> =>
    oneHost(argv)
      .positional('tool', {
        type: 'string',
        demandOption: true,
        describe: 'ipsecconf, ipseckey, in.iked, svcadm …, or * for all',
      })
      .positional('kind', {
        choices: FAULT_WORDS,
        demandOption: true,
        describe:
          'lie: report success and do nothing; fail; hang; dies (in.iked); stale: keep what was held before; slow: do it after a while; out-of-step (ikeadm): phase 1 stays and the kernel loses the SAs, with --args=in or --args=out those of one direction; none: all is well again',
      })
      .option('args', {
        type: 'string',
        requiresArg: true,
        default: '',
        describe: 'only calls with this argument, e.g. --args=-F',
      })
      .option('seconds', {
        type: 'number',
        requiresArg: true,
        default: SLOW_SECONDS,
        describe: 'of slow: how long a call waits',
      }),
  handler: async ({ host, tool, kind, args: argument, seconds, ...args }) => {
    const output = createOutput({ format: args.output, colour: args.color });
    const only = kind === 'out-of-step' ? 'ikeadm' : kind === 'dies' || kind === 'stale' ? 'in.iked' : tool;
    if (only !== tool) {
      throw new OperatorError('USAGE', {
        what: `${kind} is a fault of ${only}, not of ${tool}`,
        todo: 'lie, fail, hang and slow go with every command',
      });
    }
    await ask(await openControl(args.folder), {
      do: 'fault',
      hosts: [host],
      tool,
      fault: kind,
      args: argument,
      seconds,
    });
    say(output, kind === 'none' ? `${host}: all is well again` : `${host}: the fault "${kind}" is on ${tool}`, {
      did: 'fault',
      hosts: [host],
      tool,
      kind,
    });
  },
};
