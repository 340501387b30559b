/** `lab controller`: a command on the wire of an enforcing lab, where the hosts' addresses are. */

import { spawn } from 'node:child_process';
import type { Argv, CommandModule } from 'yargs';
import { EXIT } from '../../errors.js';
import { ask, openControl } from '../../lab/control-client.js';
import { labOptions, type LabArguments } from './lab-words.js';

type ControllerArguments = LabArguments & { readonly words: readonly string[]; readonly '--'?: readonly string[] };

export const controller: CommandModule<object, ControllerArguments> = {
  command: 'controller [words..]',
  describe:
    'run a command where an enforcing lab is managed from, or a shell: lab controller -- ipsec-deploy plan lab/inventory.yaml',
  builder: (argv: Argv): Argv<ControllerArguments> =>
    labOptions(argv)
      .positional('words', { type: 'string', array: true, default: [] as readonly string[] })
      .parserConfiguration({ 'populate--': true, 'parse-positional-numbers': false }),
  handler: async (args) => {
    const { enter } = await ask(await openControl(args.folder), { do: 'wire' });
    const [program = '', ...rest] = [...(Array.isArray(enter) ? enter.map(String) : []), ...command(args)];
    const child = spawn(program, rest, { stdio: 'inherit' });
    process.exitCode = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve(code ?? EXIT.failed));
    });
  },
};

/** This program may be called what it likes where it is installed. */
function command(args: ControllerArguments): string[] {
  const words = [...args.words, ...(args['--'] ?? [])];
  const [program, ...rest] = words;
  if (program === undefined) return [process.env['SHELL'] ?? '/bin/sh'];
  return program === 'ipsec-deploy' ? [process.execPath, process.argv[1] ?? '', ...rest] : words;
}
