/** svccfg(1M): properties, import, deletion and validation of services. */

import { readOptions } from './getopt.js';
import { readManifest } from './smf-manifest.js';
import { SSH, STOCK_SERVICES } from './smf-services.js';
import type { Instance, Smf } from './smf.js';
import { findTargets } from './svcadm.js';
import { resolveArgument, type ToolCall, type ToolReply } from './tool.js';

const USAGE = `Usage:\tsvccfg [-v] [-s FMRI] [-f file]
\tsvccfg [-v] [-s FMRI] <command> [args]
`;

const done: ToolReply = { exit: 0, stdout: '', stderr: '' };

function failed(text: string): ToolReply {
  return { exit: 1, stdout: '', stderr: `svccfg: ${text}\n` };
}

export async function svccfg(call: ToolCall, smf: Smf): Promise<ToolReply> {
  const { options, operands, bad } = readOptions(call.args, 'vs:f:');
  if (bad !== undefined) return { exit: 2, stdout: '', stderr: USAGE };
  const selected = options.find(({ letter }) => letter === 's')?.value;
  const script = options.find(({ letter }) => letter === 'f')?.value;
  if (operands.length > 0) return command(operands, selected, call, smf);
  const text =
    script === undefined || script === '-' ? call.stdin : await call.files.read(resolveArgument(call, script));
  if (text === undefined) return failed(`couldn't open file ${script ?? ''}`);
  let scope = selected;
  const replies: ToolReply[] = [];
  for (const line of text.split('\n')) {
    const words = wordsOf(line);
    if (words.length === 0) continue;
    if (words[0] === 'end' || words[0] === 'quit' || words[0] === 'exit') break;
    if (words[0] === 'select') scope = words[1];
    else replies.push(await command(words, scope, call, smf));
  }
  return {
    exit: replies.find(({ exit }) => exit !== 0)?.exit ?? 0,
    stdout: replies.map(({ stdout }) => stdout).join(''),
    stderr: replies.map(({ stderr }) => stderr).join(''),
  };
}

function wordsOf(line: string): string[] {
  const found = line.replace(/^\s*#.*/, '').matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g);
  return [...found].map(([, quoted, plain]) => quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '');
}

async function command(
  words: readonly string[],
  selected: string | undefined,
  call: ToolCall,
  smf: Smf,
): Promise<ToolReply> {
  const [name = '', ...rest] = words;
  if (name === 'import' || name === 'validate') return readFile(name, rest, call, smf);
  if (name === 'delete') return remove(rest, smf);
  const { targets, complaints } = findTargets([selected ?? ''], smf, 'svccfg');
  const [target] = targets;
  if (selected === undefined || complaints !== '' || target === undefined) {
    return failed(
      selected === undefined ? 'No entity selected' : `Pattern '${selected}' doesn't match any instances or services`,
    );
  }
  switch (name) {
    case 'setprop':
      return setProperty(rest, target, smf);
    case 'listprop':
      return { ...done, stdout: listProperties(rest[0] ?? '*', target) };
    case 'addpg':
    case 'select':
      return done;
    case 'refresh':
      await smf.enqueue(() => smf.refresh(target.fmri));
      return done;
    default:
      return { exit: 1, stdout: '', stderr: `svccfg: Unknown command "${name}".\n` };
  }
}

/** `group/name = [type:] value`, the equals sign and the type free-standing or not. */
async function setProperty(words: readonly string[], target: Instance, smf: Smf): Promise<ToolReply> {
  const found = /^(\S+?)\s*=\s*(?:\w+:\s+)?([\s\S]*)$/.exec(words.join(' '));
  const [, property, value] = found ?? [];
  if (property === undefined || value === undefined || !property.includes('/')) {
    return failed('Syntax error: setprop pg/name = [type:] value');
  }
  await smf.setProperty(target.fmri, property, value.replace(/^"([\s\S]*)"$/, '$1'));
  return done;
}

function listProperties(pattern: string, { stored }: Instance): string {
  const fits = new RegExp(`^${pattern.replace(/[.+^${}()|\\]/g, '\\$&').replaceAll('*', '.*')}$`);
  const rows = [...stored.edited].filter(([name]) => fits.test(name) || fits.test(name.split('/')[0] ?? ''));
  return rows.map(([name, value]) => `${name}  astring  ${value === '' ? '""' : value}\n`).join('');
}

async function readFile(
  name: 'import' | 'validate',
  operands: readonly string[],
  call: ToolCall,
  smf: Smf,
): Promise<ToolReply> {
  const [file] = operands;
  if (file === undefined) return failed(`Syntax error: ${name} file`);
  const text = await call.files.read(resolveArgument(call, file));
  if (text === undefined) return failed(`couldn't open file ${file}: No such file or directory`);
  const reading = readManifest(text);
  if (reading.kind === 'bad') return failed(`couldn't parse document: ${reading.reason}`);
  if (name === 'validate') return done;
  await smf.define(reading.services, text);
  // The services start behind our back, as svc.startd starts them.
  smf.startImported().catch(() => undefined);
  return done;
}

async function remove(operands: readonly string[], smf: Smf): Promise<ToolReply> {
  const { options, operands: patterns } = readOptions(operands, 'f');
  const { targets, complaints } = findTargets(patterns, smf, 'svccfg');
  if (complaints !== '' || targets.length === 0) return { exit: 1, stdout: '', stderr: complaints };
  for (const { fmri, state } of targets) {
    if (state === 'online' && options.length === 0) {
      return failed(`"${fmri}" is online: disable it first, or delete with -f`);
    }
    if (fmri === SSH || STOCK_SERVICES.some((one) => one.fmri === fmri))
      return failed(`"${fmri}" is delivered by the system`);
    await smf.remove(fmri);
  }
  return done;
}
