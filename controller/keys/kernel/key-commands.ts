/**
 * What ipseckey does with one command, from a file, a prompt or its own arguments, and with a whole file. Saving to a
 * file is left to the caller. Source: illumos ipseckey.c, parseit(); libipsecutil do_interactive().
 */

import type { Address } from '../../model/address.js';
import { SA_TYPE } from '../../model/sa.js';
import { parseIpseckeys, type CommandOrigin, type CommandReading, type ParsedCommand } from '../parse-ipseckeys.js';
import type { AddressLookup } from '../parse-key-values.js';
import { helpText } from './ipseckey-help.js';
import { entryHeader, reportText, USAGE, type ShowWord } from './ipseckey-texts.js';
import { SAVE_HEADER, saveText, showText, type ListingOptions } from './sa-listing.js';
import { flushSas, listSas, type Sad, type SadDraft } from './sad.js';
import { sendLookup, sendRequest, type Sent } from './send-commands.js';

/** One run of the tool: what surrounds it, what it printed and the tables so far. */
export interface KeyRun {
  /** The service on whose behalf it runs. */
  readonly fmri: string | undefined;
  /** `-c`: nothing is sent to the kernel. */
  readonly check: boolean;
  readonly listing: ListingOptions;
  readonly lookUp: AddressLookup;
  /** The host's own addresses: they decide an SA's direction. */
  readonly addresses: readonly Address[];
  /** Seconds since 1970. */
  readonly now: number;
  /** How words of the file, which may be keys, are written in messages. */
  readonly show: ShowWord;
  /** The kernel's tables as this run leaves them. */
  readonly sad: SadDraft;
  stdout: string;
  stderr: string;
  parsed: number;
  done: number;
  seq: number;
}

export type Ending = 'ok' | 'badconf' | 'fatal' | { readonly exit: number };

/** A run that has done nothing yet. The tables given are left as they are. */
export function startRun(
  around: Omit<KeyRun, 'sad' | 'stdout' | 'stderr' | 'parsed' | 'done' | 'seq'> & { readonly sad: Sad },
): KeyRun {
  return { ...around, sad: new Map(around.sad), stdout: '', stderr: '', parsed: 0, done: 0, seq: 0 };
}

export function usage(run: KeyRun): Ending {
  run.stderr += USAGE;
  return 'fatal';
}

export function complain(run: KeyRun, text: string, ending: Ending): Ending {
  run.stdout += `ipseckey: ${text}\n`;
  return ending;
}

/** Every command but `save`, which reaches for files. */
export interface KernelReading extends CommandReading {
  readonly command: Exclude<ParsedCommand, { kind: 'save' }>;
}

/** Carries out one command; an ending when the tool stops with it. */
export function carryOut(
  run: KeyRun,
  { command, reports }: KernelReading,
  origin: CommandOrigin,
  header: string,
): Ending | undefined {
  sayReports(run, reports, header);
  const host = { addresses: run.addresses, now: run.now };
  switch (command.kind) {
    case 'refused':
      return origin === 'line' ? 'fatal' : undefined;
    case 'dies':
      return { exit: command.exit };
    case 'quit':
      return 'ok';
    case 'add-refused':
      run.stderr += "ipseckey: can't do ADD or UPDATE from the command line.\n\n";
      return { exit: 1 };
    case 'request':
      if (!run.check) return settle(run, sendRequest(command.request, run.sad, host), origin, header);
      run.done += 1;
      return undefined;
    case 'lookup':
      if (!run.check) return settle(run, sendLookup(command.lookup, run.sad), origin, '');
      run.done += 1;
      return undefined;
    case 'flush':
      return flush(run, command.type, origin);
    case 'dump':
      return dump(run, command.type);
    case 'help':
      run.stdout += helpText(command.topic);
      return undefined;
    case 'monitor':
      run.stdout += 'Passively monitoring the PF_KEY socket.\n';
      return undefined;
    case 'unknown':
      run.stderr += `ipseckey: Unknown command (${run.show(command.word)}).\n\n`;
      if (origin === 'line') return usage(run);
      run.stderr += 'Type help or ? for usage info\n';
      return undefined;
  }
}

export function sayReports(run: KeyRun, reports: CommandReading['reports'], header: string): void {
  for (const report of reports) say(run, reportText(report, header, run.show));
}

/** Complaints about commands are not printed under SMF: they would put keys into a log that everyone may read. */
function say(run: KeyRun, text: string): void {
  if (run.fmri === undefined) run.stdout += text;
}

function settle(run: KeyRun, sent: Sent, origin: CommandOrigin, header: string): Ending | undefined {
  run.done += sent.done;
  run.stderr += sent.stderr;
  run.seq += 1;
  for (const warning of sent.warnings) say(run, `${header}${warning}\n`);
  for (const sa of sent.found) run.stdout += showText(sa, 'GET', run.seq, run.listing);
  if (sent.errors.length === 0) return undefined;
  say(run, `${header}${sent.errors.join('')}\n`);
  return origin === 'line' ? 'fatal' : undefined;
}

const KERNEL_TYPES: readonly number[] = Object.values(SA_TYPE);

function flush(run: KeyRun, type: number, origin: CommandOrigin): Ending | undefined {
  run.done += 1;
  if (run.check) return undefined;
  run.seq += 1;
  if (!KERNEL_TYPES.includes(type & 0xff)) {
    run.stderr += '  Diagnostic code 4:  Unknown Security Association type.\n';
    run.stderr += `ipseckey: Cannot flush SA type ${type}.\n`;
    run.stderr += 'ipseckey: return message (in doflush): Invalid argument\n';
    return origin === 'line' ? 'fatal' : undefined;
  }
  flushSas(run.sad, type & 0xff);
  return undefined;
}

function dump(run: KeyRun, type: number): Ending | undefined {
  run.seq += 1;
  if (!KERNEL_TYPES.includes(type & 0xff)) {
    run.stderr += '  Diagnostic code 4:  Unknown Security Association type.\nipseckey: Dump failed: Invalid argument\n';
    return 'fatal';
  }
  for (const sa of listSas(run.sad, type & 0xff)) {
    run.stdout += `${showText(sa, 'DUMP', run.seq, run.listing)}\n`;
  }
  run.stdout += `Dump succeeded for SA type ${type}.\n`;
  return undefined;
}

/** The text of `save`: a file that loads again. */
export function savedText(run: KeyRun, type: number): string {
  run.seq += 1;
  const sas = listSas(run.sad, type & 0xff);
  return SAVE_HEADER + sas.map((sa) => saveText(sa, run.listing.hideKeys)).join('');
}

/** `-f` and `-c`: every command of a file, then what is to be said of the whole. */
export function runKeyFile(run: KeyRun, name: string, text: string): Ending {
  const { commands, stop } = parseIpseckeys(text, name, run.lookUp);
  for (const { command, reports, endLine, text: words } of commands) {
    run.parsed += 1;
    // Reading refuses `save` in a file.
    if (command.kind === 'save') continue;
    const ending = carryOut(run, { command, reports }, 'file', entryHeader(endLine, run.show(words)));
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

/** Status of smf_method(5) for a service that must not be tried again. */
const SMF_FATAL = 95;

/** Last words and exit status. */
export function finishRun(run: KeyRun, ending: Ending): number {
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
