/** What ipseckey does with one command, from a file, a prompt or its own arguments. Source: illumos ipseckey.c, parseit(). */

import { SA_TYPE } from '../../model/sa.js';
import type { CommandOrigin, CommandReading } from '../../keys/parse-ipseckeys.js';
import type { AddressLookup } from '../../keys/parse-key-values.js';
import { SAVE_HEADER, saveText, showText, type ListingOptions } from './ipseckey-listing.js';
import { sendLookup, sendRequest, type Sent } from './ipseckey-send.js';
import { reportText, USAGE } from './ipseckey-texts.js';
import { flushSas, listSas, type Sad } from './sad.js';
import { resolveArgument, type ToolCall } from './tool.js';

/** One run of the tool: what it printed and the tables so far. */
export interface Run {
  readonly call: ToolCall;
  readonly fmri: string | undefined;
  readonly check: boolean;
  readonly listing: ListingOptions;
  readonly lookUp: AddressLookup;
  sad: Sad;
  stdout: string;
  stderr: string;
  parsed: number;
  done: number;
  seq: number;
}

export type Ending = 'ok' | 'badconf' | 'fatal' | { readonly exit: number };

export const seconds = (date: Date): number => Math.floor(date.getTime() / 1000);

export function usage(run: Run): Ending {
  run.stderr += USAGE;
  return 'fatal';
}

/** Carries out one command; an ending when the tool stops with it. */
export async function carryOut(
  run: Run,
  { command, reports }: CommandReading,
  origin: CommandOrigin,
  header: string,
): Promise<Ending | undefined> {
  for (const report of reports) say(run, reportText(report, header));
  const host = { addresses: run.call.addresses, now: seconds(run.call.now) };
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
    case 'save': {
      const ending = await save(run, command.type, command.file);
      return origin === 'line' ? ending : undefined;
    }
    case 'help':
      run.stdout += 'Commands\n--------\n';
      return undefined;
    case 'monitor':
      run.stdout += 'Passively monitoring the PF_KEY socket.\n';
      return undefined;
    case 'unknown':
      run.stderr += `ipseckey: Unknown command (${command.word.revealText()}).\n\n`;
      if (origin === 'line') return usage(run);
      run.stderr += 'Type help or ? for usage info\n';
      return undefined;
  }
}

/** Complaints about commands are not printed under SMF: they would put keys into a log that everyone may read. */
function say(run: Run, text: string): void {
  if (run.fmri === undefined) run.stdout += text;
}

function settle(run: Run, sent: Sent, origin: CommandOrigin, header: string): Ending | undefined {
  run.sad = sent.sad;
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

function flush(run: Run, type: number, origin: CommandOrigin): Ending | undefined {
  run.done += 1;
  if (run.check) return undefined;
  run.seq += 1;
  if (!KERNEL_TYPES.includes(type & 0xff)) {
    run.stderr += '  Diagnostic code 4:  Unknown Security Association type.\n';
    run.stderr += `ipseckey: Cannot flush SA type ${type}.\n`;
    run.stderr += 'ipseckey: return message (in doflush): Invalid argument\n';
    return origin === 'line' ? 'fatal' : undefined;
  }
  run.sad = flushSas(run.sad, type & 0xff);
  return undefined;
}

function dump(run: Run, type: number): Ending | undefined {
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

export async function save(run: Run, type: number, file: string | undefined): Promise<Ending> {
  run.seq += 1;
  const sas = listSas(run.sad, type & 0xff);
  const text = SAVE_HEADER + sas.map((sa) => saveText(sa, run.listing.hideKeys)).join('');
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
