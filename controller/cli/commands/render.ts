/** `render HOST`: the files a host would get, keys as fingerprints unless asked for in full. */

import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Argv, CommandModule } from 'yargs';

import { EXIT, OperatorError, type ExitStatus } from '../../errors.js';
import { makeFolder, writeFileWhole } from '../../files/workspace.js';
import { nearest } from '../../inventory/suggest.js';
import { holdsKeys, type ManagedFile } from '../../model/managed-file.js';
import { fillFile, keyNames } from '../../plan/fill.js';
import type { KeyStore } from '../../ports.js';
import { maskedText } from '../../render/masked-text.js';
import { commonOptions, inventoryOperand, logOption, wholeNumber, type FleetArguments } from '../arguments.js';
import { prepareFleet, withContext, type Context } from '../context.js';

interface RenderArguments extends Omit<FleetArguments, 'limit' | 'forks'> {
  readonly host: string;
  readonly 'show-secrets': boolean;
  readonly out: string | undefined;
  readonly generation: number;
}

export const renderCommand: CommandModule<object, RenderArguments> = {
  command: 'render <host> [inventory]',
  describe: 'show the files a host would get; keys show as fingerprints',
  builder: (argv: Argv): Argv<RenderArguments> =>
    logOption(inventoryOperand(commonOptions(argv)))
      .positional('host', {
        type: 'string',
        demandOption: true,
        describe: 'a host of the inventory, or an external end of a link',
      })
      .option('show-secrets', {
        type: 'boolean',
        default: false,
        describe: 'keys in full: only to a terminal, or with --out to files of mode 0600',
      })
      .option('out', {
        type: 'string',
        requiresArg: true,
        describe: 'write the files below this folder, as they lie on the host',
      })
      .option('generation', {
        type: 'number',
        requiresArg: true,
        default: 1,
        describe: 'the number in the banner',
        coerce: wholeNumber('generation', 0),
      }),
  handler: (args) =>
    withContext({ ...args, limit: undefined, forks: undefined }, async (context) => {
      const { store, fleet } = await prepareFleet(context);
      const files = fleet.desired.get(args.host)?.files ?? fleet.externals.get(args.host);
      if (files === undefined)
        throw notOneHost(context, args.host, [...fleet.desired.keys(), ...fleet.externals.keys()]);
      if (args.out !== undefined) return writeFiles(context, files, store, { ...args, out: args.out });
      if (args.showSecrets && !process.stdout.isTTY) {
        throw new OperatorError('SECRETS_NEED_A_TERMINAL', {
          what: 'keys are shown on a terminal only, and stdout is none',
          todo: 'use --out FOLDER, which writes files of mode 0600',
        });
      }
      return showFiles(context, files, store, args);
    }),
};

function notOneHost(context: Context, name: string, known: readonly string[]): OperatorError {
  const near = nearest(name, known);
  return new OperatorError('NOT_A_HOST', {
    what: `"${name}" is neither a host nor an external end`,
    where: context.inventory.fleet,
    todo: near === undefined ? 'name one host of the inventory' : `did you mean "${near}"?`,
  });
}

function shownText(file: ManagedFile, store: KeyStore, args: { generation: number; showSecrets: boolean }): string {
  if (args.showSecrets) return fillFile(store, file, args.generation).revealText();
  return maskedText(file, keyNames(store, [file]), args.generation);
}

function showFiles(
  context: Context,
  files: readonly ManagedFile[],
  store: KeyStore,
  args: { generation: number; showSecrets: boolean; host: string },
): ExitStatus {
  for (const file of files) {
    const text = shownText(file, store, args);
    if (context.output.format === 'json') {
      context.output.json({
        event: 'file',
        host: args.host,
        path: file.path,
        mode: file.mode,
        holdsKeys: holdsKeys(file.path),
        text,
      });
    } else {
      context.output.print(`${context.output.paint('bold', `==> ${file.path} (mode ${file.mode})`)}\n${text}\n`);
    }
  }
  return EXIT.ok;
}

async function writeFiles(
  context: Context,
  files: readonly ManagedFile[],
  store: KeyStore,
  args: { generation: number; showSecrets: boolean; out: string },
): Promise<ExitStatus> {
  for (const file of files) {
    const path = join(args.out, file.path);
    await makeFolder(dirname(path), 0o700);
    const there = await stat(path).catch(() => undefined);
    if (there !== undefined && !there.isFile()) {
      throw new OperatorError('FILE_UNWRITABLE', {
        what: 'something that is no file is in the way',
        where: path,
        todo: 'choose another folder',
      });
    }
    await writeFileWhole(path, shownText(file, store, args), 0o600);
    context.output.note(`wrote ${path}\n`);
  }
  return EXIT.ok;
}
