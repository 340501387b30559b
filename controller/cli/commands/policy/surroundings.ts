/** `--hosts` and `--local`: what a file is judged against besides its own text. */

import type { Argv } from 'yargs';

import { OperatorError } from '../../../errors.js';
import { readStream } from '../../../files/read-stream.js';
import { readText } from '../../../files/workspace.js';
import { parseAddress, type Address } from '../../../model/address.js';
import { readHosts } from '../../../policy/read-hosts.js';
import type { Surroundings } from '../../../policy/reference-host.js';
import { commonOptions, type CommonArguments } from '../../arguments.js';

export interface SurroundingsArguments extends CommonArguments {
  readonly hosts: string | undefined;
  readonly local: readonly Address[] | undefined;
  readonly jsonl: boolean;
}

export function surroundingsOptions<T>(argv: Argv<T>): Argv<T & SurroundingsArguments> {
  return commonOptions(argv)
    .option('hosts', {
      type: 'string',
      requiresArg: true,
      describe: "names the host knows: the text of its /etc/hosts (a fresh host's: localhost alone)",
    })
    .option('local', {
      type: 'string',
      requiresArg: true,
      describe: "one of the host's own addresses; may be given several times",
      coerce: localAddresses,
    })
    .option('jsonl', { type: 'boolean', default: false, describe: 'answer JSON lines on standard input, one each' });
}

export function localAddresses(value: string | readonly string[] | undefined): readonly Address[] | undefined {
  if (value === undefined) return undefined;
  const texts = typeof value === 'string' ? [value] : value;
  return texts
    .flatMap((text) => text.split(','))
    .map((text) => {
      const address = parseAddress(text.trim());
      if (address === undefined) throw new Error(`--local takes an address, and "${text}" is none`);
      return address;
    });
}

/** What was said replaces what is known otherwise, each by itself. */
export async function readSurroundings(
  args: Pick<SurroundingsArguments, 'hosts' | 'local'>,
  otherwise: Surroundings,
): Promise<Surroundings> {
  return {
    names: args.hosts === undefined ? otherwise.names : readHosts(await readText(args.hosts), args.hosts),
    addresses: args.local ?? otherwise.addresses,
  };
}

/** A file, or with `-` standard input. */
export async function readAsked(file: string | undefined, usage: string): Promise<{ name: string; text: string }> {
  if (file === undefined) {
    throw new OperatorError('USAGE', { what: 'no file is named', todo: usage });
  }
  if (!isStandardInput(file)) return { name: file, text: await readText(file) };
  return { name: 'standard input', text: await readStream(process.stdin, 'standard input') };
}

/** yargs hands a lone `-` over as empty text. */
function isStandardInput(file: string): boolean {
  return file === '-' || (file === '' && process.argv.includes('-'));
}

/** `--jsonl` reads standard input and nothing else. */
export function noFileBeside(file: string | undefined, command: string): void {
  if (file === undefined || isStandardInput(file)) return;
  throw new OperatorError('USAGE', {
    what: '--jsonl reads standard input, and a file is named as well',
    todo: `ipsec-deploy policy ${command} --jsonl < ${file}`,
  });
}
