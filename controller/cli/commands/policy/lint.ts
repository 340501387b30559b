/** `policy lint`: what the real tools would do with hand-written files, and what we think of them. */

import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Argv, CommandModule } from 'yargs';

import { EXIT, OperatorError, type ExitStatus } from '../../../errors.js';
import { readStream } from '../../../files/read-stream.js';
import { readText } from '../../../files/workspace.js';
import { guessKind } from '../../../keys/format-file.js';
import { isRefused, lintFile, type FileReport, type ToolVerdict } from '../../../keys/lint/lint-file.js';
import { LINT_KINDS, RULE_BOOK, type LintKind } from '../../../keys/lint/rule-book.js';
import { isDay } from '../../../policy/lint/suppressions.js';
import { UNKNOWN_HOST, type Surroundings } from '../../../policy/reference-host.js';
import { jsonText } from '../../../report/json-text.js';
import { countLint, lintSummary, lintText, type LintedFile } from '../../../report/lint-text.js';
import { ruleText } from '../../../report/lint-rule-text.js';
import { operatorErrorText } from '../../../report/problem-text.js';
import { sarifLog, type SarifLevel, type SarifResult, type SarifRule } from '../../../report/sarif.js';
import { clock } from '../../context.js';
import { createOutput, type Output } from '../../output.js';
import { packageVersion } from '../../package-files.js';
import { refuseKeys } from './refuse-keys.js';
import { localAddresses, readSurroundings, type SurroundingsArguments } from './surroundings.js';

interface LintArguments extends Pick<SurroundingsArguments, 'hosts' | 'local'> {
  readonly files: readonly string[];
  readonly kind: LintKind | undefined;
  readonly strict: boolean;
  readonly today: string | undefined;
  readonly explain: string | undefined;
  readonly output: 'text' | 'json' | 'sarif';
  readonly color: boolean | undefined;
}

export const lintCommand: CommandModule<object, LintArguments> = {
  command: 'lint [files..]',
  describe: 'what is wrong, weak or without effect in policy and key files, and what the real tools would say',
  builder: (argv: Argv): Argv<LintArguments> =>
    argv
      .positional('files', {
        type: 'string',
        array: true,
        default: [] as readonly string[],
        describe: 'ipsecinit.conf, ipseckeys, ike/config or ike.preshared files; - is standard input',
      })
      .option('kind', { choices: LINT_KINDS, describe: 'what the files are, where neither name nor content tells' })
      .option('hosts', {
        type: 'string',
        requiresArg: true,
        describe: 'names the host knows: the text of its /etc/hosts',
      })
      .option('local', {
        type: 'string',
        requiresArg: true,
        describe: "one of the host's own addresses; may be given several times",
        coerce: localAddresses,
      })
      .option('strict', { type: 'boolean', default: false, describe: 'exit 1 for warnings too' })
      .option('today', {
        type: 'string',
        requiresArg: true,
        describe: 'the day, YYYY-MM-DD, that decides which suppressions have expired',
      })
      .option('explain', {
        type: 'string',
        requiresArg: true,
        describe: 'what a code means, with a bad and a good example',
      })
      .option('output', {
        choices: ['text', 'json', 'sarif'] as const,
        default: 'text' as const,
        describe: 'text for people, json or SARIF 2.1.0 for programs',
      })
      .option('color', { type: 'boolean', describe: 'colours, also where stdout is no terminal; --no-color for none' }),
  handler: async (args) => {
    const output = createOutput({ format: args.output === 'json' ? 'json' : 'text', colour: args.color });
    process.exitCode = args.explain === undefined ? await lintFiles(args, output) : explain(args.explain, output);
  },
};

function explain(code: string, output: Output): ExitStatus {
  const rule = RULE_BOOK.get(code.toUpperCase());
  if (rule === undefined) {
    throw new OperatorError('LINT_CODE_UNKNOWN', {
      what: `no rule has the code "${code}"`,
      todo: 'docs/lint-rules.md lists the codes',
    });
  }
  output.print(ruleText(rule));
  return EXIT.ok;
}

/** yargs leaves a lone `-` out of a list: standard input comes last, wherever it was named. */
function filesAsked({ files }: LintArguments): ReadonlySet<string> {
  const named = files.filter((file) => file !== '' && file !== '-');
  return new Set([...named, ...(process.argv.includes('-') ? ['-'] : [])]);
}

async function lintFiles(args: LintArguments, output: Output): Promise<ExitStatus> {
  const files = filesAsked(args);
  if (files.size === 0) {
    throw new OperatorError('USAGE', {
      what: 'no file is named',
      todo: 'ipsec-deploy policy lint FILE…, or - for standard input',
    });
  }
  const around = await readSurroundings(args, UNKNOWN_HOST);
  const today = args.today ?? clock.now().toISOString().slice(0, 10);
  if (!isDay(today))
    throw new OperatorError('USAGE', { what: '--today takes a day, YYYY-MM-DD', todo: 'leave it out for today' });
  const linted: LintedFile[] = [];
  const unread: OperatorError[] = [];
  for (const file of files) {
    try {
      const one = await lintOne(file, args.kind, around, today);
      linted.push(one);
      if (args.output === 'text') output.print(lintText(one, output.paint));
      if (args.output === 'json') printEvents(one, output);
    } catch (error) {
      // The other files are looked at all the same.
      if (!(error instanceof OperatorError)) throw error;
      unread.push(error);
      if (args.output === 'json')
        output.json({
          event: 'error',
          code: error.code,
          what: error.what,
          where: error.where,
          todo: error.todo,
          exit: error.exit,
        });
      output.note(operatorErrorText(error, process.stderr.isTTY ? output.paint : (_colour, text) => text));
    }
  }
  const counts = countLint(linted.map(({ report }) => report));
  if (args.output === 'text') output.print(lintSummary(linted.length, counts));
  if (args.output === 'json')
    output.json({ event: 'linted', files: linted.length, unreadable: unread.length, ...counts });
  if (args.output === 'sarif') output.print(`${jsonText(await sarif(linted), 2)}\n`);
  const bad = unread.length > 0 || counts.refused > 0 || counts.error > 0 || (args.strict && counts.warning > 0);
  return bad ? EXIT.input : EXIT.ok;
}

async function lintOne(
  file: string,
  given: LintKind | undefined,
  around: Surroundings,
  today: string,
): Promise<LintedFile> {
  const input = file === '-';
  const name = input ? '<stdin>' : file;
  const text = input ? await readStream(process.stdin, name) : await readText(file);
  const kind = given ?? guessKind(file, text);
  if (kind === undefined || kind === 'algs') {
    throw new OperatorError('KIND_UNKNOWN', {
      what:
        kind === 'algs'
          ? 'lint has no rules for ipsecalgs'
          : 'neither the name nor the content tells what kind of file this is',
      where: name,
      todo: `say it with --kind ${LINT_KINDS.join('|')}`,
    });
  }
  refuseKeys(kind, name, text, 'leave --kind out, or say --kind keys|psk; keys have no place in other files');
  const mode = input ? undefined : await modeOf(file);
  const report = lintFile(kind, text, { names: around.names, local: around.addresses, today, mode });
  return { file: name, text, report };
}

/** Of a file proper: the bits of a pipe say nothing of where its text is kept. */
async function modeOf(file: string): Promise<number | undefined> {
  const found = await stat(file);
  return found.isFile() && basename(file) !== '' ? found.mode & 0o7777 : undefined;
}

function printEvents({ file, report }: LintedFile, output: Output): void {
  const { kind, tool, remarks, findings, silenced } = report;
  output.json({ event: 'tool-verdict', file, kind, ...tool, remarks });
  for (const finding of findings) output.json({ event: 'finding', file, kind, ...finding });
  for (const { finding, reason } of silenced) output.json({ event: 'silenced', file, kind, ...finding, reason });
}

const LEVELS = { error: 'error', warning: 'warning', info: 'note' } as const satisfies Record<string, SarifLevel>;

const TOOL_RULES: readonly SarifRule[] = [
  { id: 'TOOL_REFUSES', level: 'error', title: 'the real tool would refuse this' },
  { id: 'TOOL_WARNS', level: 'warning', title: 'the real tool would warn of this' },
];

async function sarif(linted: readonly LintedFile[]): Promise<object> {
  const rules = [...RULE_BOOK.values()].map(({ code, severity, title, why }): SarifRule => ({
    id: code,
    level: LEVELS[severity],
    title,
    why,
  }));
  const tool = { name: 'ipsec-deploy', version: await packageVersion(), rules: [...TOOL_RULES, ...rules] };
  return sarifLog(
    tool,
    linted.flatMap(({ file, report }) => resultsOf(file, report)),
  );
}

function resultsOf(file: string, { tool, remarks, findings, silenced }: FileReport): readonly SarifResult[] {
  const found = [
    ...findings.map((finding) => ({ finding })),
    ...silenced.map(({ finding, reason }) => ({ finding, suppressed: reason })),
  ];
  return [
    ...(isRefused(tool) && remarks.every(({ severity }) => severity === 'warning') ? [refusal(file, tool)] : []),
    ...remarks.map(({ severity, text, ...place }): SarifResult => {
      const error = severity === 'error';
      return {
        ruleId: error ? 'TOOL_REFUSES' : 'TOOL_WARNS',
        level: LEVELS[severity],
        message: `${tool.tool}: ${text}`,
        file,
        ...place,
      };
    }),
    ...found.map(({ finding, ...more }): SarifResult => {
      const { code, severity, line, column, endLine, what, todo, related = [] } = finding;
      return {
        ruleId: code,
        level: LEVELS[severity],
        message: `${what}. To do: ${todo}`,
        file,
        line,
        column,
        ...(endLine === undefined ? {} : { endLine }),
        related: related.map((one) => ({ line: one.line, column: one.column, message: one.what })),
        ...more,
      };
    }),
  ];
}

function refusal(file: string, { tool, verdict }: ToolVerdict): SarifResult {
  return {
    ruleId: 'TOOL_REFUSES',
    level: 'error',
    message: `${tool} would not load this file (${verdict})`,
    file,
    line: 1,
  };
}
