/** `policy decide`: what a host with a policy does with packets, for a person's questions or for lines of them. */

import type { Argv, CommandModule } from 'yargs';

import { EXIT, OperatorError } from '../../../errors.js';
import type { LoadedRule } from '../../../model/policy.js';
import { answerCase, playPolicy } from '../../../policy/decide-answers.js';
import { parsePacketWords } from '../../../policy/decide-packet.js';
import { readDecideCase } from '../../../policy/decide-questions.js';
import { decideWords, type Decided } from '../../../policy/decide-words.js';
import { JsonField } from '../../../policy/json-fields.js';
import type { NameTables } from '../../../policy/name-tables.js';
import { REFERENCE_HOST, UNKNOWN_HOST } from '../../../policy/reference-host.js';
import type { MarksOf } from '../../../policy/remembered-actions.js';
import { hostRules } from '../../../policy/spd.js';
import { decideText } from '../../../report/decide-text.js';
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

interface DecideArguments extends SurroundingsArguments {
  readonly file: string | undefined;
  readonly packet: readonly string[] | undefined;
}

export const decideCommand: CommandModule<object, DecideArguments> = {
  command: 'decide [file]',
  describe: 'what a host with this policy does with a packet, and which rule decides',
  builder: (argv: Argv): Argv<DecideArguments> =>
    surroundingsOptions(argv)
      .positional('file', { type: 'string', describe: 'the policy file; - is standard input' })
      .option('packet', {
        type: 'string',
        requiresArg: true,
        describe:
          "e.g. 'in tcp 192.0.2.9:40000 -> 10.0.1.11:22 clear', or '… esp aes sha256'; may be given several times",
        coerce: (value: string | readonly string[] | undefined): readonly string[] | undefined =>
          typeof value === 'string' ? [value] : value,
      }),
  handler: async (args) => {
    process.exitCode = args.jsonl ? await decideLines(args) : await decideOne(args);
  },
};

async function decideOne(args: DecideArguments): Promise<number> {
  const output = createOutput({ format: args.output, colour: args.color });
  const { name, text } = await readAsked(
    args.file,
    "ipsec-deploy policy decide FILE --packet 'in tcp A:1 -> B:22 clear'",
  );
  refuseKeys('policy', name, text, 'name the file with the rules');
  const around = await readSurroundings(args, UNKNOWN_HOST);
  if (args.packet === undefined) {
    throw new OperatorError('USAGE', {
      what: 'no packet is given',
      todo: "say --packet 'in tcp 192.0.2.9:40000 -> 10.0.1.11:22 clear'; it may be given several times",
    });
  }
  const asked = args.packet.map((words) => parsePacketWords(words, around));
  const { rules, marksOf } = rulesOf(name, text, around.names);
  if (rules.length === 0) output.note(`${name}: no rule is in force after loading this file\n`);
  for (const packet of asked) {
    const decided = decideWords(rules, packet, marksOf);
    if (output.format === 'json') output.json(decidedEvent(decided, name));
    else output.print(decideText(decided, name, output.paint));
  }
  return EXIT.ok;
}

/** @throws OperatorError POLICY_REFUSED: on such a host the earlier policy stays, and nothing can be said of packets */
function rulesOf(
  file: string,
  text: string,
  names: NameTables,
): { readonly rules: readonly LoadedRule[]; readonly marksOf: MarksOf } {
  const { spd, runs, marksOf } = playPolicy([{ options: ['-q', '-a'], text }], names);
  const failed = runs.find(({ exit }) => exit !== 0);
  if (failed === undefined) return { rules: hostRules(spd), marksOf };
  throw new OperatorError('POLICY_REFUSED', {
    what: `the real ipsecconf does not load this file (status ${failed.exit})\n${failed.stderr.trimEnd()}`,
    where: file,
    todo: 'mend it; `ipsec-deploy policy predict` tells all that the tool would say',
  });
}

function decidedEvent({ asked, decision, candidates, ...rest }: Decided, file: string): object {
  const place = (rule: LoadedRule) => ({
    text: rule.text,
    index: rule.index,
    priority: rule.priority,
    at: { file, line: rule.source.line, column: rule.source.column },
  });
  const { rule, verdict, doubtful } = decision;
  return {
    event: 'decided',
    packet: asked.words,
    dir: asked.dir,
    verdict,
    rule: rule === undefined ? null : place(rule),
    ...('wants' in decision ? { wants: decision.wants } : { alt: decision.alternative, why: decision.why }),
    ...('latched' in rest && rest.latched && { latched: rest.latched.verdict }),
    doubtful,
    remembered: rest.remembered,
    passedOver: candidates.passedOver.map(({ rule: other, misses }) => ({ ...place(other), misses })),
    outranked: candidates.outranked.map(place),
  };
}

async function decideLines(args: DecideArguments): Promise<number> {
  noFileBeside(args.file, 'decide');
  const { names } = await readSurroundings(args, REFERENCE_HOST);
  const { note } = createOutput({ format: 'json', colour: false });
  return answerLines({ input: process.stdin, output: process.stdout, note }, (asked) =>
    answerCase(readDecideCase(new JsonField(asked, '')), names),
  );
}
