/** svcadm(1M): asks for changes of state. It says nothing about whether a method worked, unless it is told to wait. */

import { readOptions } from './getopt.js';
import type { Instance, Smf } from './smf.js';
import type { ToolReply } from './tool.js';

const USAGE = `Usage: svcadm [-S|-v] [-Z | -z zone] [cmd [args ... ]]

\tsvcadm enable [-rst] [<service> ...]\t- enable and online service(s)
\tsvcadm disable [-st] [<service> ...]\t- disable and offline service(s)
\tsvcadm restart [-d] <service> ...\t- restart specified service(s)
\tsvcadm refresh <service> ...\t\t- re-read service configuration
\tsvcadm mark [-It] <state> [<service> ...] - set maintenance state
\tsvcadm clear [<service> ...]\t\t- clear maintenance state

\tServices can be specified using an FMRI, abbreviation, or fnmatch(5)
\tpattern, as shown in these examples for svc:/network/smtp:sendmail
`;

const EXIT = { ok: 0, failed: 1, usage: 2, notOnline: 3 } as const;

const OPTIONS: Readonly<Record<string, string>> = {
  enable: 'rst',
  disable: 'stc:',
  restart: 'sdT:',
  refresh: 'sT:',
  clear: 'sT:',
  mark: 'ItsT:',
};

function reply(exit: number, stderr = ''): ToolReply {
  return { exit, stdout: '', stderr };
}

/**
 * `fromMethod`: the caller is itself a method that runs now. The request is taken and left undone until that method
 * ends: waiting for it would wait for ever.
 */
export async function svcadm(args: readonly string[], smf: Smf, fromMethod: boolean): Promise<ToolReply> {
  const { operands: words, bad: badGlobal } = readOptions(args, 'SvZz:');
  const [command = '', ...rest] = words;
  const letters = OPTIONS[command];
  if (badGlobal !== undefined || letters === undefined) return reply(EXIT.usage, USAGE);
  const { options, operands, bad } = readOptions(rest, letters);
  const flags = new Set(options.map(({ letter }) => letter));
  const [state, ...marked] = operands;
  const patterns = command === 'mark' ? marked : operands;
  if (bad !== undefined || patterns.length === 0) return reply(EXIT.usage, USAGE);
  if (command === 'mark' && state !== 'maintenance') return reply(EXIT.usage, USAGE);
  const { targets, complaints } = findTargets(patterns, smf, 'svcadm');
  if (complaints !== '') return reply(EXIT.failed, complaints);
  let stderr = '';
  let exit: number = EXIT.ok;
  for (const target of targets) {
    if (command === 'clear' && target.state !== 'maintenance') {
      stderr += `svcadm: Instance "${target.fmri}" is not in a maintenance or degraded state.\n`;
      exit = EXIT.failed;
      continue;
    }
    if (command === 'enable' || command === 'disable') {
      await smf.wish(target.fmri, command === 'enable', flags.has('t'));
    }
    const job = smf.enqueue(() => carryOut(command, target.fmri, smf));
    // A script of the operator's may itself wait for the one who asks here.
    const isScript = target.stored.manifest !== undefined;
    if (fromMethod || (isScript && !flags.has('s'))) continue;
    await job;
    const now = smf.find(target.fmri)[0]?.state;
    if (!flags.has('s') || now === undefined) continue;
    if (command === 'enable' && now !== 'online') {
      stderr += problemText(target.fmri, now);
      exit = EXIT.notOnline;
    }
  }
  return reply(exit, stderr);
}

function problemText(fmri: string, state: Instance['state']): string {
  return state === 'maintenance'
    ? `svcadm: Instance "${fmri}" is in maintenance state.\n`
    : `svcadm: Instance "${fmri}" has unsatisfied dependencies.\n`;
}

async function carryOut(command: string, fmri: string, smf: Smf): Promise<void> {
  switch (command) {
    case 'enable':
    case 'disable':
      return smf.settle(fmri);
    case 'restart':
      return smf.restart(fmri);
    case 'refresh':
      return smf.refresh(fmri);
    case 'clear':
      return smf.clear(fmri);
    default:
      return smf.mark(fmri);
  }
}

/** Every instance the words mean; a word that means none, or too many, is complained about. */
export function findTargets(
  words: readonly string[],
  smf: Smf,
  tool: string,
  what = 'instances',
): { readonly targets: readonly Instance[]; readonly complaints: string } {
  const targets: Instance[] = [];
  let complaints = '';
  for (const word of words) {
    const found = smf.find(word);
    if (found.length === 0) complaints += `${tool}: Pattern '${word}' doesn't match any ${what}\n`;
    else if (found.length > 1 && !/[*?[]/.test(word) && tool === 'svcadm') {
      complaints += `${tool}: Pattern '${word}' matches multiple instances:\n`;
      complaints += found.map(({ fmri }) => `        ${fmri}\n`).join('');
    } else targets.push(...found.filter(({ fmri }) => !targets.some((one) => one.fmri === fmri)));
  }
  return { targets, complaints };
}
