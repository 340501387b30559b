/** `policy predict`: what the real ipsecconf or ipseckey would do with a file, or with each of many on standard input. */

import type { Argv, CommandModule } from 'yargs';

import { EXIT, OperatorError } from '../../../errors.js';
import { predictFile } from '../../../keys/predict-file.js';
import { guessKind, type FileKind } from '../../../policy/guess-kind.js';
import { JsonField } from '../../../policy/json-fields.js';
import { REFERENCE_HOST, UNKNOWN_HOST, type Surroundings } from '../../../policy/reference-host.js';
import { predictText } from '../../../report/predict-text.js';
import { recordedAnswer } from '../../../report/recorded-answer.js';
import { answerLines } from '../../answer-lines.js';
import { createOutput } from '../../output.js';
import { refuseKeys } from './refuse-keys.js';
import {
  noFileBeside,
  readAsked,
  readSurroundings,
  surroundingsOptions,
  type SurroundingsArguments,
} from './surroundings.js';

interface PredictArguments extends SurroundingsArguments {
  readonly file: string | undefined;
  readonly kind: FileKind | undefined;
  readonly whole: boolean;
}

export const predictCommand: CommandModule<object, PredictArguments> = {
  command: 'predict [file]',
  describe: 'what the real tool would do with a policy or key file: messages, exit status, what is installed',
  builder: (argv: Argv): Argv<PredictArguments> =>
    surroundingsOptions(argv)
      .positional('file', { type: 'string', describe: 'the file; - is standard input' })
      .option('kind', {
        choices: ['policy', 'keys'] as const,
        describe: 'ipsecinit.conf or ipseckeys; guessed from the file unless said',
      })
      .option('whole', { type: 'boolean', default: false, describe: 'with --jsonl: cut no text and no list' }),
  handler: async (args) => {
    process.exitCode = args.jsonl ? await predictLines(args) : await predictOne(args);
  },
};

async function predictOne(args: PredictArguments): Promise<number> {
  const output = createOutput({ format: args.output, colour: args.color });
  const { name, text } = await readAsked(args.file, 'ipsec-deploy policy predict FILE, or - for standard input');
  const guess = args.kind === undefined ? guessKind(text, name) : undefined;
  const kind = args.kind ?? guess?.kind;
  if (kind === undefined) {
    throw new OperatorError('KIND_UNKNOWN', {
      what: 'neither the content nor the name of the file tells its kind',
      where: name,
      todo: 'say --kind policy or --kind keys',
    });
  }
  refuseKeys(kind, name, text, 'leave --kind out, or say --kind keys; `policy lint` reads ike.preshared too');
  const prediction = predictFile(kind, text, await readSurroundings(args, UNKNOWN_HOST), 'masked');
  const { verdict, check, load, installed, listError } = prediction;
  if (output.format === 'json') {
    output.json({
      event: 'predicted',
      file: name,
      kind,
      guessed: guess?.from ?? null,
      verdict,
      accept: check.exit === 0,
      check,
      load,
      installed: installed ?? null,
      listError,
    });
  } else {
    const namesUnknown = args.hosts === undefined;
    output.print(
      predictText({ file: name, ...(guess && { guessed: guess.from }), namesUnknown, prediction }, output.paint),
    );
  }
  return verdict === 'installs' || verdict === 'installs-nothing' ? EXIT.ok : EXIT.input;
}

async function predictLines(args: PredictArguments): Promise<number> {
  noFileBeside(args.file, 'predict');
  const around = await readSurroundings(args, REFERENCE_HOST);
  const { note } = createOutput({ format: 'json', colour: false });
  return answerLines({ input: process.stdin, output: process.stdout, note }, (asked) =>
    predictLine(asked, around, args),
  );
}

function predictLine(asked: unknown, around: Surroundings, { kind: said, whole }: PredictArguments): object {
  const line = new JsonField(asked, '');
  const id = line.get('id').id();
  const given = line.get('kind');
  const kind = given.isMissing && said !== undefined ? said : given.oneOf(['policy', 'keys']);
  return recordedAnswer(id, predictFile(kind, line.get('input').text(), around, 'written'), whole);
}
