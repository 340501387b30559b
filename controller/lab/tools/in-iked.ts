/**
 * in.iked: what the key daemon holds, how it starts, and what it reads again when told. The real one is closed source:
 * behaviour follows in.iked(1M) and ikeadm(1M), texts are plausible ones.
 */

import type { IkeConfig, PresharedKey } from '../../model/ike.js';
import { positionText, type Problem } from '../../errors.js';
import { parseIkeConfig } from '../../keys/parse-ike-config.js';
import { parseIkePreshared } from '../../keys/parse-ike-preshared.js';
import { readOptions } from './getopt.js';
import { resolveArgument, underRoot, type ToolCall, type ToolReply } from './tool.js';

export const IKE_CONFIG = '/etc/inet/ike/config';
export const IKE_PRESHARED = '/etc/inet/secret/ike.preshared';

/** 0 base: reading only; 1 modkeys; 2 keymat: keys may be seen. */
export type Privilege = 0 | 1 | 2;

export interface IkeDaemon {
  readonly pid: number;
  readonly startedAt: Date;
  readonly configFile: string;
  readonly config: IkeConfig;
  readonly preshared: readonly PresharedKey[];
  readonly privilege: Privilege;
}

export type ReadConfig =
  { readonly kind: 'config'; readonly config: IkeConfig } | { readonly kind: 'bad'; readonly text: string };

export async function readConfigFile(call: ToolCall, path: string, shown: string): Promise<ReadConfig> {
  const text = await call.files.read(path);
  if (text === undefined) return { kind: 'bad', text: `in.iked: Unable to open ${shown}: No such file or directory\n` };
  const { config, problems } = parseIkeConfig(text, shown);
  const errors = problems.filter(({ severity }) => severity === 'error');
  return errors.length === 0 ? { kind: 'config', config } : { kind: 'bad', text: problemLines(errors) };
}

export type ReadPreshared =
  { readonly kind: 'keys'; readonly keys: readonly PresharedKey[] } | { readonly kind: 'bad'; readonly text: string };

/** Without the file there are no keys, and that is no error. */
export async function readPresharedFile(call: ToolCall, path: string, shown: string): Promise<ReadPreshared> {
  const info = await call.files.stat(path);
  if (info === undefined) return { kind: 'keys', keys: [] };
  if (info.uid !== 0 || (info.mode & 0o077) !== 0) {
    return { kind: 'bad', text: `in.iked: ${shown}: insecure permissions\n` };
  }
  const { keys, problems } = parseIkePreshared((await call.files.read(path)) ?? '', shown);
  const errors = problems.filter(({ severity }) => severity === 'error');
  return errors.length === 0 ? { kind: 'keys', keys } : { kind: 'bad', text: problemLines(errors) };
}

function problemLines(problems: readonly Problem[]): string {
  return problems
    .map(({ at, what }) => `in.iked: ${at === undefined ? '' : `${positionText(at)}: `}${what}\n`)
    .join('');
}

const USAGE = 'Usage:\tin.iked [-d] [-f file] [-p level]\n\tin.iked -c [-f file]\n';

export interface DaemonStart {
  readonly reply: ToolReply;
  /** The daemon after the call: the one that ran before, or the new one. */
  readonly daemon: IkeDaemon | undefined;
}

/** `configured`: the file its service names, for a start without -f. */
export async function startIked(
  call: ToolCall,
  running: IkeDaemon | undefined,
  configured: string = IKE_CONFIG,
): Promise<DaemonStart> {
  const { options, operands, bad } = readOptions(call.args, 'cdf:p:');
  const flags = new Map(options.map(({ letter, value }) => [letter, value]));
  const failed = (stderr: string): DaemonStart => ({ reply: { exit: 1, stdout: '', stderr }, daemon: running });
  if (bad !== undefined || operands.length > 0) return failed(USAGE);
  const named = flags.get('f');
  const path = named === undefined ? underRoot(call.root, configured) : resolveArgument(call, named);
  const shown = named ?? configured;
  const reading = await readConfigFile(call, path, shown);
  if (reading.kind === 'bad') return failed(reading.text);
  if (flags.has('c')) {
    const stdout = `in.iked: Configuration file ${shown} syntactically checks out.\n`;
    return { reply: { exit: 0, stdout, stderr: '' }, daemon: running };
  }
  if (running !== undefined) return failed('in.iked: another instance is already running\n');
  const preshared = await readPresharedFile(call, underRoot(call.root, IKE_PRESHARED), IKE_PRESHARED);
  if (preshared.kind === 'bad') return failed(preshared.text);
  const level = flags.get('p');
  const daemon: IkeDaemon = {
    pid: call.pid,
    startedAt: call.now,
    configFile: path,
    config: reading.config,
    preshared: preshared.keys,
    privilege: level === '1' ? 1 : level === '2' ? 2 : 0,
  };
  return { reply: { exit: 0, stdout: '', stderr: '' }, daemon };
}

/** SIGHUP: the rules are read again, preshared keys are not. A bad file leaves the daemon as it was. */
export async function hangUp(call: ToolCall, daemon: IkeDaemon): Promise<IkeDaemon> {
  const reading = await readConfigFile(call, daemon.configFile, daemon.configFile);
  return reading.kind === 'config' ? { ...daemon, config: reading.config } : daemon;
}
