/** `drift`: whether hosts still are what was last confirmed on them. Each subcommand has a file of its own here; without one, hosts are looked at once. */

import type { Argv, CommandModule } from 'yargs';

import { acceptCommand, acceptedCommand, unacceptCommand } from './accept.js';
import { incidentsCommand } from './incidents.js';
import { installServiceCommand } from './install-service.js';
import { lookCommand } from './look.js';
import { notifyCommand } from './notify-test.js';
import { releaseCommand } from './release.js';
import { watchCommand } from './watch-command.js';

export const driftCommand: CommandModule = {
  command: 'drift',
  describe: 'whether hosts still are what was last confirmed on them; nothing is changed on any',
  builder: (argv: Argv) =>
    argv
      .command(lookCommand)
      .command(watchCommand)
      .command(installServiceCommand)
      .command(incidentsCommand)
      .command(acceptCommand)
      .command(acceptedCommand)
      .command(unacceptCommand)
      .command(releaseCommand)
      .command(notifyCommand(({ settings }) => settings.drift.notify)),
  handler: () => undefined,
};
