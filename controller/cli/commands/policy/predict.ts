/** `policy predict`: what the real ipsecconf or ipseckey would do with a file. */

import type { CommandModule } from 'yargs';

export const predictCommand: CommandModule = {
  command: 'predict [file]',
  describe: 'what the real tool would do with a policy or key file',
  handler: () => undefined,
};
