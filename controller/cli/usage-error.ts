/** What is wrong with the words of a command line, in our words: the parser's own speak of arguments and do not say where help is. */

import { OperatorError } from '../errors.js';

/** Commands that have commands of their own. */
const GROUPS: ReadonlySet<string> = new Set(['policy', 'drift', 'lab']);

interface Said {
  readonly what: string;
  readonly todo?: string;
}

interface Words {
  readonly command: string | undefined;
  readonly subcommand: string | undefined;
}

/** @param message - as yargs words it, or a `coerce` or `check` of ours, which is passed on */
export function usageError(message: string, argv: readonly string[]): OperatorError {
  const words = commandWords(argv);
  const { what, todo } = inOurWords(message, words) ?? { what: message };
  return new OperatorError('USAGE', { what, todo: todo ?? seeHelp(words) });
}

function inOurWords(message: string, words: Words): Said | undefined {
  const { command, subcommand } = words;
  const of = (pattern: RegExp): string | undefined => pattern.exec(message)?.[1];
  const wrongCommand = `there is no command "${[command, subcommand].filter(Boolean).join(' ')}"`;
  const meant = of(/^Did you mean (.+)\?$/);
  if (meant !== undefined) return { what: wrongCommand, todo: `did you mean "${meant}"?` };
  const surplus = of(/^Unknown commands?: (.+)$/);
  if (surplus !== undefined && surplus.split(', ')[0] === command)
    return { what: wrongCommand, todo: 'ipsec-deploy --help lists the commands' };
  if (surplus !== undefined) return { what: `too many words: ${surplus}` };
  const unknown = of(/^Unknown arguments?: (.+)$/);
  if (unknown !== undefined) return { what: `there is no option ${optionNames(unknown)} here` };
  const empty = of(/^Not enough arguments following: (.+)$/);
  if (empty !== undefined) return { what: `${optionNames(empty)} needs a value` };
  const missing = of(/^Missing required arguments?: (.+)$/);
  if (missing !== undefined) return { what: `${optionNames(missing)} has to be given` };
  if (message.startsWith('Not enough non-option arguments'))
    return { what: `a word is missing after "${[command, subcommand].filter(Boolean).join(' ')}"` };
  const [, name = '', given = '', choices] =
    /^Invalid values:\s+Argument: (\S+), Given: (.*), Choices: (.*)$/.exec(message) ?? [];
  return choices === undefined
    ? undefined
    : { what: `${name} cannot be ${given}`, todo: `choose one of ${choices.replaceAll('"', '')}` };
}

/** yargs names an option with a dash a second time without it: `log-fil, logFil`. */
function optionNames(list: string): string {
  const names = list.split(', ');
  const again = new Set(names.filter((name) => name.includes('-')).map(withoutDashes));
  return names
    .filter((name) => !again.has(name))
    .map((name) => (name.length === 1 ? `-${name}` : `--${name}`))
    .join(', ');
}

function withoutDashes(name: string): string {
  return name.replace(/-([a-z])/g, (_dash, letter: string) => letter.toUpperCase());
}

function commandWords(argv: readonly string[]): Words {
  const [command, subcommand] = argv.slice(0, firstOption(argv));
  const isGroup = command !== undefined && GROUPS.has(command) && /^[a-z-]+$/.test(subcommand ?? '');
  return { command, subcommand: isGroup ? subcommand : undefined };
}

function firstOption(argv: readonly string[]): number {
  const at = argv.findIndex((word) => word.startsWith('-'));
  return at < 0 ? argv.length : at;
}

function seeHelp({ command, subcommand }: Words): string {
  return `see ${['ipsec-deploy', command, subcommand, '--help'].filter(Boolean).join(' ')}`;
}
