/**
 * ipseckey(1M): options, files and their permissions, behaviour under SMF. What commands do to the kernel's tables is
 * in keys/kernel/. Source: illumos ipseckey.c main().
 */

import { addressLookup, nameOf } from '../../keys/kernel/address-lookup.js';
import {
  carryOut,
  complain,
  finishRun,
  runKeyFile,
  savedText,
  sayReports,
  startRun,
  usage,
  type Ending,
  type KeyRun,
} from '../../keys/kernel/key-commands.js';
import { EMPTY_SAD, withoutDead, type Sad } from '../../keys/kernel/sad.js';
import { splitKeyWords } from '../../keys/parse-key-lines.js';
import { readKeyCommand, type CommandOrigin, type CommandReading } from '../../keys/parse-ipseckeys.js';
import { SA_TYPE, type SaCurrent, type SecurityAssociation } from '../../model/sa.js';
import { readOptions } from './getopt.js';
import { resolveArgument, type SimulatedTool, type ToolCall } from './tool.js';

export { EMPTY_SAD, type Sad };

interface Run extends KeyRun {
  readonly call: ToolCall;
}

/** `currentOf`: what the kernel counts of an SA. */
export async function ipseckey(
  call: ToolCall,
  state: Sad,
  currentOf?: (sa: SecurityAssociation) => SaCurrent,
): ReturnType<SimulatedTool<Sad>> {
  const { options, operands, bad } = readOptions(call.args, 'pnvf:s:c:');
  const flags = new Set(options.map(({ letter }) => letter));
  const numeric = flags.has('n');
  const now = Math.floor(call.now.getTime() / 1000);
  const run: Run = {
    call,
    ...startRun({
      fmri: call.env['SMF_FMRI'],
      check: flags.has('c'),
      listing: {
        numeric,
        hideKeys: flags.has('p'),
        pid: String(call.pid),
        now: call.now,
        nameOf: (address) => nameOf(address, call.hostNames),
        ...(currentOf && { currentOf }),
      },
      lookUp: addressLookup(call.hostNames, numeric),
      addresses: call.addresses,
      now,
      show: (word) => word.revealText(),
      sad: withoutDead(state, now),
    }),
  };
  const exit = finishRun(run, await perform(run, options, operands, bad));
  return { exit, stdout: run.stdout, stderr: run.stderr, state: run.sad };
}

async function perform(
  run: Run,
  options: ReturnType<typeof readOptions>['options'],
  operands: readonly string[],
  bad: ReturnType<typeof readOptions>['bad'],
): Promise<Ending> {
  let file: { readonly name: string; readonly text: string } | undefined;
  let saveTo: string | undefined;
  for (const { letter, value = '' } of options) {
    if (letter === 'f' || letter === 'c') {
      if (saveTo !== undefined) return usage(run);
      const opened = await openKeyFile(run, value);
      if (typeof opened !== 'object' || !('text' in opened)) return opened;
      file = opened;
    } else if (letter === 's') {
      if (file !== undefined) return usage(run);
      saveTo = value;
    }
  }
  if (bad !== undefined) {
    const what = bad.lacksValue ? 'option requires an argument' : 'illegal option';
    run.stderr += `ipseckey: ${what} -- ${bad.letter}\n`;
    return usage(run);
  }
  if (saveTo !== undefined) return save(run, SA_TYPE.all, saveTo);
  if (run.fmri !== undefined && file !== undefined) {
    run.stdout += "Flushing existing SA's before adding new SA's\n";
    run.sad.clear();
    run.seq += 1;
  }
  if (file !== undefined) return runKeyFile(run, file.name, file.text);
  if (operands.length === 0) return prompt(run);
  const words = operands.map((text, i) => ({ text, line: 1, column: i + 1 }));
  return (await obey(run, readKeyCommand(words, 'line', run.lookUp), 'line')) ?? 'ok';
}

async function openKeyFile(run: Run, name: string): Promise<{ name: string; text: string } | Ending> {
  const path = resolveArgument(run.call, name);
  const info = await run.call.files.stat(path);
  if (info === undefined) return complain(run, `Invalid pathname: ${name}\n`, 'badconf');
  if (info.kind !== 'file') return complain(run, `${name} - Not a regular file\n`, 'badconf');
  const text = await run.call.files.read(path);
  if (text === undefined) return complain(run, `Unable to open configuration file: ${name}\n`, 'badconf');
  if (info.uid !== 0 || (info.mode & 0o077) !== 0) {
    if (run.fmri !== undefined) return complain(run, `Config file ${name} has insecure permissions.`, 'badconf');
    run.stderr += `Config file ${name} has insecure permissions, will be rejected in permanent config.\n`;
  }
  return { name, text };
}

/** Commands from standard input. */
async function prompt(run: Run): Promise<Ending> {
  for (const line of run.call.stdin.split('\n')) {
    run.stdout += 'ipseckey> ';
    const words = splitKeyWords(line, 1);
    if (words.length === 0) continue;
    const ending = await obey(run, readKeyCommand(words, 'prompt', run.lookUp), 'prompt');
    if (ending !== undefined) return ending;
  }
  run.stdout += '\n';
  return 'ok';
}

async function obey(
  run: Run,
  { command, reports }: CommandReading,
  origin: CommandOrigin,
): Promise<Ending | undefined> {
  if (command.kind !== 'save') return carryOut(run, { command, reports }, origin, '');
  sayReports(run, reports, '');
  const ending = await save(run, command.type, command.file);
  return origin === 'line' ? ending : undefined;
}

async function save(run: Run, type: number, file: string | undefined): Promise<Ending> {
  const text = savedText(run, type);
  if (file === undefined || file === '-') {
    run.stdout += text;
    return 'ok';
  }
  const path = resolveArgument(run.call, file);
  const there = await run.call.files.stat(path);
  if (there?.kind === 'file' && there.mode !== 0o400) {
    run.stderr += `ipseckey: WARNING: Save file already exists with permission ${there.mode.toString(8)}.\n`;
    run.stderr += 'ipseckey: Normal users may be able to read IPsec keying material.\n';
  }
  await run.call.files.write(path, text, 0o400);
  return 'ok';
}
