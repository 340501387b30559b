/**
 * ipseckey(1M): options, files and their permissions, exit statuses, behaviour under SMF.
 * Source: illumos ipseckey.c main(), libipsecutil do_interactive() and ipsecutil_exit().
 */

import { inetAddr } from '../../policy/c-numbers.js';
import { sameAddress, parseAddress, type Address } from '../../model/address.js';
import { SA_TYPE } from '../../model/sa.js';
import { splitKeyWords } from '../../keys/parse-key-lines.js';
import { parseIpseckeys, readKeyCommand } from '../../keys/parse-ipseckeys.js';
import type { AddressLookup } from '../../keys/parse-key-values.js';
import { readOptions } from './getopt.js';
import { carryOut, save, seconds, usage, type Ending, type Run } from './ipseckey-commands.js';
import type { ListingOptions } from './ipseckey-listing.js';
import { entryHeader } from './ipseckey-texts.js';
import { EMPTY_SAD, withoutDead, type Sad } from './sad.js';
import { resolveArgument, type HostNames, type SimulatedTool } from './tool.js';

export { EMPTY_SAD, type Sad };

/** Status of smf_method(5) for a service that must not be tried again. */
const SMF_FATAL = 95;

export const ipseckey: SimulatedTool<Sad> = async (call, state) => {
  const { options, operands, bad } = readOptions(call.args, 'pnvf:s:c:');
  const flags = new Set(options.map(({ letter }) => letter));
  const listing: ListingOptions = {
    numeric: flags.has('n'),
    hideKeys: flags.has('p'),
    pid: call.pid,
    now: call.now,
    nameOf: (address) => nameOf(address, call.hostNames),
  };
  const run: Run = {
    call,
    fmri: call.env['SMF_FMRI'],
    check: flags.has('c'),
    listing,
    lookUp: addressLookup(call.hostNames, listing.numeric),
    sad: withoutDead(state, seconds(call.now)),
    stdout: '',
    stderr: '',
    parsed: 0,
    done: 0,
    seq: 0,
  };
  const exit = finish(run, await perform(run, options, operands, bad));
  return { exit, stdout: run.stdout, stderr: run.stderr, state: run.sad };
};

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
    run.sad = EMPTY_SAD;
    run.seq += 1;
  }
  if (file !== undefined) return runFile(run, file.name, file.text);
  if (operands.length === 0) return prompt(run);
  const words = operands.map((text, i) => ({ text, line: 1, column: i + 1 }));
  const reading = readKeyCommand(words, 'line', run.lookUp);
  return (await carryOut(run, reading, 'line', '')) ?? 'ok';
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

function complain(run: Run, text: string, ending: Ending): Ending {
  run.stdout += `ipseckey: ${text}\n`;
  return ending;
}

async function runFile(run: Run, name: string, text: string): Promise<Ending> {
  const { commands, stop } = parseIpseckeys(text, name, run.lookUp);
  for (const command of commands) {
    run.parsed += 1;
    const ending = await carryOut(run, command, 'file', entryHeader(command.endLine, command.text.revealText()));
    if (ending !== undefined) return ending;
  }
  if (stop?.kind === 'line-too-big') return complain(run, `Line ${stop.line} too big.`, 'fatal');
  if (stop?.kind === 'overrun') return complain(run, 'Command buffer overrun.', 'fatal');
  if (run.parsed !== 0 && run.done === 0) {
    return complain(run, 'Configuration file did not contain any valid SAs', 'badconf');
  }
  if (run.done < run.parsed) {
    if (run.fmri === undefined) return 'badconf';
    const errors = [
      `The configuration file contained ${run.parsed - run.done} errors.`,
      'Manually check the configuration with:',
      `ipseckey -c ${name}`,
      'Use svcadm(1M) to clear maintenance condition when errors are resolved.',
      '',
    ];
    return complain(run, errors.join('\n'), 'badconf');
  }
  return run.fmri === undefined ? 'ok' : complain(run, `${run.done} actions successfully processed.`, 'ok');
}

/** Commands from standard input. */
async function prompt(run: Run): Promise<Ending> {
  for (const line of run.call.stdin.split('\n')) {
    run.stdout += 'ipseckey> ';
    const words = splitKeyWords(line, 1);
    if (words.length === 0) continue;
    const ending = await carryOut(run, readKeyCommand(words, 'prompt', run.lookUp), 'prompt', '');
    if (ending !== undefined) return ending;
  }
  run.stdout += '\n';
  return 'ok';
}

function finish(run: Run, ending: Ending): number {
  if (typeof ending === 'object') return ending.exit;
  if (ending === 'ok') return 0;
  if (run.fmri === undefined) {
    run.stdout += 'ipseckey: Fatal error - exiting.\n';
    return 1;
  }
  const what = ending === 'badconf' ? `Bad configuration of service ${run.fmri}` : `Service ${run.fmri} fatal error`;
  run.stdout += `ipseckey: ${what}.\n`;
  return SMF_FATAL;
}

/** Literals as inet_addr(3C) and inet_pton(3C) read them, then the host's names. */
function addressLookup(names: HostNames, numeric: boolean): AddressLookup {
  return (text, v6only) => {
    const v6 = text.includes(':') ? parseAddress(text) : undefined;
    if (v6 !== undefined) return [mappedV4(v6) ?? v6];
    const v4 = inetAddr(text);
    if (v4 !== undefined) return v6only ? undefined : [{ family: 4, value: v4 }];
    if (numeric) return undefined;
    const found = names.get(text.toLowerCase());
    return v6only ? found?.filter(({ family }) => family === 6) : found;
  };
}

function mappedV4(address: Address): Address | undefined {
  return address.value >> 32n === 0xffffn ? { family: 4, value: address.value & 0xffffffffn } : undefined;
}

function nameOf(address: Address, names: HostNames): string | undefined {
  for (const [name, addresses] of names) if (addresses.some((one) => sameAddress(one, address))) return name;
  return undefined;
}
