/** `policy`: questions about a hand-written file, with no inventory and no host. Each subcommand has a file of its own here. */

import type { Argv, CommandModule } from 'yargs';

import { decideCommand } from './decide.js';
import { fmtCommand } from './fmt.js';
import { lintCommand } from './lint.js';
import { predictCommand } from './predict.js';

export const policyCommand: CommandModule = {
  command: 'policy <command>',
  describe: 'ask about one policy or key file: what the real tools and the kernel would do',
  builder: (argv: Argv) =>
    argv
      .command(predictCommand)
      .command(decideCommand)
      .command(fmtCommand)
      .command(lintCommand)
      .demandCommand(1, 'Name what to ask; policy --help lists it.'),
  handler: () => undefined,
};
