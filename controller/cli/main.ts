/** Words to workflows: sets up yargs, turns errors into text and an exit status. The only place that ends the process. */

import yargs, { type CommandModule } from 'yargs';

import { EXIT, InputProblems, OperatorError } from '../errors.js';
import { operatorErrorText } from '../report/problem-text.js';
import { applyCommand } from './commands/apply.js';
import { importCommand } from './commands/import.js';
import { diffCommand } from './commands/diff.js';
import { drillCommand } from './commands/drill.js';
import { driftCommand } from './commands/drift/drift.js';
import { explainCommand } from './commands/explain.js';
import { initCommand } from './commands/init.js';
import { matrixCommand } from './commands/matrix.js';
import { planCommand } from './commands/plan.js';
import { policyCommand } from './commands/policy/policy.js';
import { privilegesCommand } from './commands/privileges.js';
import { probeCommand } from './commands/probe.js';
import { renderCommand } from './commands/render.js';
import { rollbackCommand } from './commands/rollback.js';
import { statusCommand } from './commands/status.js';
import { validateCommand } from './commands/validate.js';
import { verifyCommand } from './commands/verify.js';
import { createOutput, surviveLostOutput } from './output.js';
import { packageVersion } from './package-files.js';
import { systemError } from './system-error.js';
import { usageError } from './usage-error.js';

export async function main(argv: readonly string[]): Promise<void> {
  surviveLostOutput();
  try {
    await yargs([...argv])
      .scriptName('ipsec-deploy')
      .usage('$0 COMMAND\n\nBrings IPsec policy and keys to a fleet of hosts over SSH, and keeps them there.')
      .command(initCommand)
      .command(importCommand)
      .command(validateCommand)
      .command(renderCommand)
      .command(matrixCommand)
      .command(explainCommand)
      .command(diffCommand)
      .command(planCommand)
      .command(applyCommand)
      .command(verifyCommand)
      .command(probeCommand)
      .command(statusCommand)
      .command(driftCommand)
      .command(drillCommand)
      .command(rollbackCommand)
      .command(privilegesCommand)
      .command(policyCommand)
      .command(await labCommand(argv))
      .demandCommand(1, 'no command is named')
      .recommendCommands()
      .strictCommands()
      .strictOptions()
      // It would leave before it is known whether help could be written.
      .exitProcess(false)
      .version(await packageVersion())
      .alias('help', 'h')
      .wrap(Math.min(110, process.stdout.columns || 110))
      .fail((message: string | null, error: Error | undefined) => {
        throw error ?? usageError(message ?? 'the command line is not understood', argv);
      })
      .parseAsync();
  } catch (error) {
    process.exitCode = report(error, argv);
  }
}

/** The lab is half of the program: it is read in only when it is asked for. */
async function labCommand(argv: readonly string[]): Promise<CommandModule> {
  if (argv.includes('lab')) return (await import('./commands/lab.js')).labCommand;
  return { command: 'lab <command>', describe: 'a fleet of simulated hosts on this machine', handler: () => undefined };
}

function report(error: unknown, argv: readonly string[]): number {
  const json = argv.some((word, i) => word === '--output=json' || (word === '--output' && argv[i + 1] === 'json'));
  const output = createOutput({
    format: json ? 'json' : 'text',
    colour: argv.includes('--no-color') ? false : undefined,
  });
  const known = error instanceof OperatorError ? error : (aboutWords(error, argv) ?? systemError(error));
  if (known === undefined) {
    output.note(
      `ipsec-deploy: this is a bug in ipsec-deploy, please report it\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    return EXIT.failed;
  }
  if (json) {
    const { code, what, where, todo, exit } = known;
    const problems = known instanceof InputProblems ? known.problems : undefined;
    output.json({ event: 'error', code, what, where, todo, exit, problems });
  }
  output.note(operatorErrorText(known, process.stderr.isTTY ? output.paint : (_colour, text) => text));
  return known.exit;
}

/** yargs throws plain errors named YError for words it does not accept; `coerce` functions of ours throw plain ones as well. */
function aboutWords(error: unknown, argv: readonly string[]): OperatorError | undefined {
  if (!(error instanceof Error) || (error.name !== 'YError' && !error.message.startsWith('--'))) return undefined;
  return usageError(error.message, argv);
}
