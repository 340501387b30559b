/** `policy fmt`: hand-written files in one style, printed, checked or replaced. Nothing that the tools read is changed. */

import { chmod, chown, lstat, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { Argv, CommandModule } from 'yargs';

import { EXIT, InputProblems, OperatorError, type ExitStatus, type Problem } from '../../../errors.js';
import { errorCode, readText, unreadable } from '../../../files/workspace.js';
import { FILE_KINDS, formatFile, guessKind, mayHoldKeys, type FileKind } from '../../../keys/format-file.js';
import { printable } from '../../../report/paint.js';
import { problemsText } from '../../../report/problem-text.js';
import { commonOptions, type CommonArguments } from '../../arguments.js';
import { createOutput, type Output } from '../../output.js';
import { refuseKeys } from './refuse-keys.js';

interface FmtArguments extends CommonArguments {
  readonly files: readonly string[];
  readonly kind: FileKind | undefined;
  readonly write: boolean;
  readonly check: boolean;
}

export const fmtCommand: CommandModule<object, FmtArguments> = {
  command: 'fmt <files..>',
  describe: 'policy and key files in one style: printed, or --check, or --write',
  builder: (argv: Argv): Argv<FmtArguments> =>
    commonOptions(argv)
      .positional('files', {
        type: 'string',
        array: true,
        demandOption: true,
        describe: 'ipsecinit.conf, ipseckeys, ike/config, ike.preshared or ipsecalgs files; - for standard input',
      })
      .option('kind', {
        choices: FILE_KINDS,
        describe: 'what the files are, where neither name nor content tells',
      })
      .option('write', { type: 'boolean', default: false, describe: 'replace the files; keys stay as they are' })
      .option('check', { type: 'boolean', default: false, describe: 'only name the files that would change; exit 2' }),
  handler: async (args) => {
    const output = createOutput({ format: args.output, colour: args.color });
    // yargs drops a lone dash from a list of positionals.
    const files = process.argv.includes('-') ? ['-', ...args.files] : args.files;
    process.exitCode = await formatFiles({ ...args, files }, output);
  },
};

interface FormattedFile {
  readonly path: string;
  readonly kind: FileKind;
  readonly before: string;
  readonly text: string;
  readonly shown: string;
  readonly problems: readonly Problem[];
}

/** Reads all files first: when one of them cannot be formatted, none is printed or replaced. */
async function formatFiles(args: FmtArguments, output: Output): Promise<ExitStatus> {
  if (args.write && args.check) {
    throw new OperatorError('USAGE', { what: '--write and --check are mutually exclusive', todo: 'give one of them' });
  }
  if (args.write && args.files.includes('-')) {
    throw new OperatorError('USAGE', {
      what: '--write has no file to replace: - is standard input',
      todo: 'name files',
    });
  }
  const formatted: FormattedFile[] = [];
  const refused: Problem[] = [];
  for (const path of new Set(args.files)) {
    const file = await formatOne(path, args.kind);
    if ('refused' in file) for (const problem of file.refused) refused.push(problem);
    else formatted.push(file);
  }
  if (refused.length > 0) throw new InputProblems(refused);
  for (const file of formatted) {
    if (!args.check) tell(file, output);
    if (args.write && file.text !== file.before) await replaceFile(file.path, file.text);
    if (output.format === 'json') output.json(eventOf(file, args));
  }
  const changed = formatted.filter(({ before, text }) => before !== text).map(({ path }) => path);
  if (output.format === 'text') printText(formatted, changed, args, output);
  return args.check && changed.length > 0 ? EXIT.changes : EXIT.ok;
}

async function formatOne(
  path: string,
  given: FileKind | undefined,
): Promise<FormattedFile | { readonly refused: readonly Problem[] }> {
  const name = path === '-' ? '<stdin>' : path;
  const before = path === '-' ? await readInput() : await readText(path);
  const kind = given ?? guessKind(path, before);
  if (kind === undefined) {
    throw new OperatorError('KIND_UNKNOWN', {
      what: 'neither the name nor the content tells what kind of file this is',
      where: name,
      todo: `say it with --kind ${FILE_KINDS.join('|')}`,
    });
  }
  refuseKeys(kind, name, before);
  const formatting = formatFile(kind, before, name);
  if (formatting.kind === 'refused') return { refused: formatting.problems };
  const { text, shown, problems } = formatting;
  return { path: name, kind, before, text, shown, problems };
}

async function readInput(): Promise<string> {
  if (process.stdin.isTTY) process.stderr.write('ipsec-deploy: reads standard input until it ends (Ctrl-D)\n');
  const bytes = await buffer(process.stdin).catch((cause: unknown) => {
    throw unreadable('<stdin>', cause);
  });
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    const what = 'the input is not UTF-8 text';
    throw new OperatorError('NOT_UTF8', { what, where: '<stdin>', todo: 'give it as UTF-8', cause });
  }
}

/** Notes for a person go to stderr; for a program they are in the event. */
function tell({ problems }: FormattedFile, output: Output): void {
  if (output.format === 'text' && problems.length > 0) {
    output.note(problemsText(problems, process.stderr.isTTY ? output.paint : (_colour, text) => text));
  }
}

function eventOf({ path, kind, before, text, shown, problems }: FormattedFile, args: FmtArguments): object {
  const changed = before !== text;
  const content = args.check || args.write ? {} : { text: shown, masked: mayHoldKeys(kind) };
  return { event: 'formatted', file: path, kind, changed, written: args.write && changed, ...content, problems };
}

function printText(
  formatted: readonly FormattedFile[],
  changed: readonly string[],
  { write, check }: FmtArguments,
  output: Output,
): void {
  if (check || write) {
    const said = changed.map((path) => `${path}\n`).join('');
    if (check) output.print(said);
    else if (said !== '') output.note(changed.map((path) => `formatted ${path}\n`).join(''));
    return;
  }
  for (const { path, shown, kind } of formatted) {
    if (formatted.length > 1) output.print(`==> ${path}\n`);
    // A terminal must not be steered by a file; anything else gets the text to the letter.
    output.print(process.stdout.isTTY ? shown.split('\n').map(printable).join('\n') : shown);
    if (mayHoldKeys(kind)) output.note(`${path}: keys are not shown; --write keeps them in the file\n`);
  }
}

/**
 * Replaces the file in one rename. Owner and mode are the old file's from the first byte on, so that a key is never more
 * open than it was; a link keeps pointing where it did.
 */
async function replaceFile(path: string, text: string): Promise<void> {
  const target = await realpath(path);
  const { uid, gid, mode, nlink } = await stat(target);
  if (nlink > 1) {
    throw new OperatorError('FILE_LINKED', {
      what: `the file has ${nlink} names (hard links), and the others would keep the text as it was`,
      where: path,
      todo: 'make it a file of its own: cp it, and mv the copy over this name',
    });
  }
  const temporary = join(dirname(target), `.${target.slice(target.lastIndexOf('/') + 1)}.${process.pid}.new`);
  try {
    const file = await open(temporary, 'wx', mode & 0o600);
    try {
      if (process.geteuid?.() === 0 || uid !== process.geteuid?.() || gid !== process.getegid?.()) {
        await chown(temporary, uid, gid);
      }
      await chmod(temporary, mode & 0o7777);
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  } catch (cause) {
    if ((await lstat(temporary).catch(() => undefined)) !== undefined && errorCode(cause) !== 'EEXIST') {
      await rm(temporary, { force: true });
    }
    const denied = errorCode(cause) === 'EPERM';
    throw new OperatorError('FILE_UNWRITABLE', {
      what: denied
        ? 'the file belongs to somebody else, and only root can keep it so'
        : `the file cannot be written (${errorCode(cause)})`,
      where: path,
      todo: denied ? 'run this as root' : 'check the folder, its mode and free space',
      cause,
    });
  }
}
