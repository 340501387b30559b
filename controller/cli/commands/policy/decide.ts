/** `policy decide`: what a host with a policy does with packets. */

import type { Argv, CommandModule } from 'yargs';

import { OperatorError } from '../../../errors.js';
import { answerCase } from '../../../policy/decide-answers.js';
import { readDecideCase } from '../../../policy/decide-questions.js';
import { JsonField } from '../../../policy/json-fields.js';
import { REFERENCE_HOST } from '../../../policy/reference-host.js';
import { answerLines } from '../../answer-lines.js';
import { createOutput } from '../../output.js';
import { readSurroundings, surroundingsOptions, type SurroundingsArguments } from './surroundings.js';

interface DecideArguments extends SurroundingsArguments {
  readonly file: string | undefined;
}

export const decideCommand: CommandModule<object, DecideArguments> = {
  command: 'decide [file]',
  describe: 'what a host with this policy does with a packet, and which rule decides',
  builder: (argv: Argv): Argv<DecideArguments> =>
    surroundingsOptions(argv).positional('file', { type: 'string', describe: 'the policy file; - is standard input' }),
  handler: async (args) => {
    process.exitCode = await decideLines(args);
  },
};

async function decideLines(args: DecideArguments): Promise<number> {
  if (args.file !== undefined && args.file !== '-') {
    throw new OperatorError('USAGE', {
      what: '--jsonl reads standard input, and a file is named as well',
      todo: `ipsec-deploy policy decide --jsonl < ${args.file}`,
    });
  }
  const { names } = await readSurroundings(args, REFERENCE_HOST);
  const { note } = createOutput({ format: 'json', colour: false });
  return answerLines({ input: process.stdin, output: process.stdout, note }, (asked) =>
    answerCase(readDecideCase(new JsonField(asked, '')), names),
  );
}
