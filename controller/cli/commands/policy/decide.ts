/** `policy decide`: what a host with a policy would do with a packet. */

import type { CommandModule } from 'yargs';

export const decideCommand: CommandModule = {
  command: 'decide [file]',
  describe: 'what a host with this policy does with a packet, and which rule decides',
  handler: () => undefined,
};
