/** A prediction for a person: the verdict first, then what is installed, then what the tool would say. */

import { isCrash, type PredictedVerdict, type Prediction, type ToolRun } from '../keys/predict-file.js';
import type { GuessedKind } from '../policy/guess-kind.js';
import { printable, type Colour, type Paint } from './paint.js';

const TOOLS = {
  policy: { name: 'ipsecconf', check: 'ipsecconf -c', load: 'ipsecconf -q -a', list: 'ipsecconf -Ln', one: 'rule' },
  keys: { name: 'ipseckey', check: 'ipseckey -c', load: 'ipseckey -f', list: 'ipseckey -n -s -', one: 'SA' },
} as const;

function verdictText({ verdict, kind, installed }: Prediction): readonly [Colour, string] {
  const { name, one } = TOOLS[kind];
  const count = installed?.length ?? 0;
  const many = `${count} ${one}${count === 1 ? '' : 's'}`;
  const texts: Record<PredictedVerdict, readonly [Colour, string]> = {
    crash: [
      'red',
      `CRASH: the real ${name} dies of a signal on this file, and ${count === 0 ? 'nothing of it is' : `${many} of what stands before that place are`} installed`,
    ],
    refused: ['red', 'refused: the check fails and nothing is installed'],
    'checks-only': ['red', 'the check passes, but the load fails and nothing is installed'],
    partly: ['red', `the load fails half-way: ${many} installed, the rest not`],
    'installs-nothing': ['yellow', 'accepted with status 0, but nothing is installed'],
    installs: [
      'green',
      installed === undefined ? 'accepted and installed, but it cannot be listed' : `accepted: ${many} installed`,
    ],
  };
  return texts[verdict];
}

export interface PredictedFile {
  readonly file: string;
  /** Left out when the kind was given. */
  readonly guessed?: GuessedKind['from'];
  /** Nobody said which names the host knows. */
  readonly namesUnknown?: boolean;
  readonly prediction: Prediction;
}

export function predictText({ file, guessed, namesUnknown, prediction }: PredictedFile, paint: Paint): string {
  const { kind, check, load, installed, listError } = prediction;
  const tool = TOOLS[kind];
  const [colour, verdict] = verdictText(prediction);
  const same = check.stdout === load.stdout && check.stderr === load.stderr;
  const lines = [
    `${printable(file)}: ${paint(colour, verdict)}`,
    `  read as a ${kind === 'policy' ? 'policy' : 'key'} file${guessed === undefined ? '' : ` (guessed from its ${guessed}; --kind says otherwise)`}`,
    `  ${tool.check} FILE: ${statusText(check)}`,
    `  ${tool.load} FILE: ${statusText(load)}`,
    ...block(
      `installed, as \`${tool.list}\` lists it:`,
      (installed ?? []).map((line) => `  ${printable(line)}`),
      paint,
    ),
    ...block(`\`${tool.list}\` fails:`, saidLines(listError ?? ''), paint),
    ...sayings(`${tool.check} says`, check, paint),
    ...(same ? [] : sayings(`${tool.load} says`, load, paint)),
  ];
  if (namesUnknown === true && (check.exit !== 0 || load.exit !== 0)) {
    lines.push('', 'names other than localhost count as unknown; --hosts gives those of the host');
  }
  if (kind === 'keys' && (check.exit !== 0 || load.exit !== 0)) {
    lines.push('', '[command] and [word] stand for words of the file, which may be keys');
  }
  return `${lines.join('\n')}\n`;
}

function statusText(run: ToolRun): string {
  return isCrash(run) ? `dies of a signal (status ${run.exit})` : `exit status ${run.exit}`;
}

function sayings(title: string, { stdout, stderr }: ToolRun, paint: Paint): string[] {
  return block(`${title}:`, [...saidLines(stderr), ...saidLines(stdout)], paint);
}

/** Spread into a list only, never into a call: there may be more lines than a call takes arguments. */
function block(title: string, lines: readonly string[], paint: Paint): string[] {
  return lines.length === 0 ? [] : ['', paint('bold', title), ...lines];
}

function saidLines(text: string): string[] {
  return text === ''
    ? []
    : text
        .trimEnd()
        .split('\n')
        .map((line) => `  ${printable(line)}`.trimEnd());
}
