/** What the commands of the lab have in common: their options, and how they say what was done. */

import type { Argv } from 'yargs';
import { ask, openControl } from '../../lab/control-client.js';
import { commonOptions, type CommonArguments } from '../arguments.js';
import { createOutput, type Output } from '../output.js';

export interface LabArguments extends CommonArguments {
  readonly folder: string;
}

export function labOptions<T>(argv: Argv<T>): Argv<T & LabArguments> {
  return commonOptions(argv).option('folder', {
    type: 'string',
    requiresArg: true,
    default: 'lab',
    describe: "the lab's folder: its inventory, keys and hosts",
  });
}

export type OneHost = LabArguments & { readonly host: string };

export function oneHost(argv: Argv): Argv<OneHost> {
  return labOptions(argv).positional('host', { type: 'string', demandOption: true, describe: 'a host of the lab' });
}

/** Asks the lab for something and says what it did. */
export async function act(
  args: LabArguments,
  word: 'reset' | 'boot' | 'power-cut',
  hosts: readonly string[],
  outcome: string,
): Promise<void> {
  const output = createOutput({ format: args.output, colour: args.color });
  const { done } = await ask(await openControl(args.folder), { do: word, hosts });
  const names = Array.isArray(done) ? done.map(String) : [];
  say(output, `${outcome}: ${names.join(', ')}`, { did: word, hosts: names });
}

export function say(output: Output, text: string, fields: Readonly<Record<string, unknown>>): void {
  if (output.format === 'json') output.json({ event: 'lab', ...fields });
  else output.print(`${text}\n`);
}
