/**
 * The simulated ipsecconf(8): command line, files and the kernel's policy in; exit status, output and the policy
 * afterwards out. What it says and does is the real program's, slips included; the rules themselves are in policy/.
 */

import { listRules } from '../../policy/list-rules.js';
import { loadPolicy, type LoadRun } from '../../policy/load-policy.js';
import { flushSpd, type Scope } from '../../policy/spd.js';
import { STOCK_NAMES } from '../../policy/stock-names.js';
import { viewLog, withEntries, withoutAdded } from './ipsecconf-log.js';
import { readOptions, type Options } from '../../policy/ipsecconf-options.js';
import { deleteByIndex, removeByFile } from './ipsecconf-remove.js';
import { readInput, readLog, warn, writeLog, type Running, type ToolCall, type ToolResult } from './ipsecconf-run.js';
import { ADD_WARNING, CHECKED, SERVICE_WARNING, USAGE } from '../../policy/ipsecconf-texts.js';

export type { ToolCall, ToolFiles, ToolResult } from './ipsecconf-run.js';

/** Exit statuses the service framework understands (smf_method(7)). */
const SERVICE_EXIT = { fatal: 95, config: 95, permission: 100 } as const;

/** Without replacing all at once, tunnels of their own, listing of all tables and checking. */
const EARLY_LETTERS = 'nlfa:qd:r:';

export function ipsecconf(call: ToolCall): ToolResult {
  const service = call.argv.length === 0 ? undefined : call.env['SMF_FMRI'];
  const run: Running = { call, service, stdout: '', stderr: '', state: call.state, offered: [] };
  const exit = perform(run);
  const { stdout, stderr, state, offered } = run;
  // A crash loses what was printed but not yet written out.
  return { exit, stdout: exit === 139 ? '' : stdout, stderr, state, offered };
}

function perform(run: Running): number {
  const parsed = readOptions(run.call.argv, run.call.early === true ? EARLY_LETTERS : undefined);
  if (parsed.kind === 'bad') {
    const fatal = parsed.messages.at(-1) ?? '';
    for (const message of parsed.messages.slice(0, -1)) warn(run, message);
    if (parsed.usage && run.service === undefined) run.stderr += USAGE;
    return leave(run, 'fatal', fatal);
  }
  if (run.call.privileged === false) return leave(run, 'permission', 'Insufficient privilege to run ipsecconf.');
  const { options } = parsed;
  const { command } = options;
  switch (command.kind) {
    case 'view':
      run.stdout += viewLog(readLog(run) ?? '');
      return 0;
    case 'list':
      return list(run, options);
    case 'flush':
      warnOfService(run, options);
      return flush(run, options.scope) ? 0 : 1;
    case 'add':
      return add(run, options, command.file, command.replace);
    case 'delete':
      if (command.index === -1) {
        warn(run, 'Invalid index');
        return 1;
      }
      warnOfService(run, options);
      return emptyStandby(run, options.scope, deleteByIndex(run, command.index, options.scope));
    case 'remove':
      warnOfService(run, options);
      return removeByFile(run, command.file, options.quiet);
  }
}

/** Leaves with a reason; under a service the framework is told in its own way. */
function leave(run: Running, why: keyof typeof SERVICE_EXIT, message: string): number {
  warn(run, message);
  if (run.service === undefined) {
    warn(run, 'Fatal error - exiting.');
    return 1;
  }
  const said = {
    fatal: `Service ${run.service} fatal error.`,
    config: `Bad configuration of service ${run.service}.`,
    permission: `Permission error with ${run.service}.`,
  };
  warn(run, said[why]);
  return SERVICE_EXIT[why];
}

function warnOfService(run: Running, { quiet }: Options): void {
  if (run.service === undefined && !quiet && run.call.early !== true) run.stdout += SERVICE_WARNING;
}

function flush(run: Running, scope: Scope): boolean {
  const flushed = flushSpd(run.state, scope);
  if (flushed === undefined) {
    warn(run, 'Flush failed while reading reply');
    return false;
  }
  run.state = flushed;
  if (readLog(run) !== undefined) writeLog(run, '');
  return true;
}

/** The last step of a command that changes rules: it empties the standby table and trips over a tunnel nobody knows. */
function emptyStandby(run: Running, scope: Scope, exit: number): number {
  if (scope.kind !== 'tunnel' || run.state.tunnels.has(scope.name)) return exit;
  warn(run, 'Flush failed while reading reply');
  return 1;
}

function list(run: Running, { scope, numeric }: Options): number {
  const { rules, refusal } = listRules(run.state, scope, numeric ? undefined : (run.call.names ?? STOCK_NAMES));
  for (const { index, text } of rules) run.stdout += `#INDEX ${index}\n${text} \n`;
  if (refusal === undefined) return 0;
  warn(run, refusal);
  return 1;
}

function add(run: Running, options: Options, file: string, replace: boolean): number {
  warnOfService(run, options);
  const text = readInput(run, file);
  if (text === undefined) {
    if (run.service !== undefined) {
      run.stdout += `Policy configuration file (${file}) does not exist.\nIPsec policy not configured.\n`;
      return 0;
    }
    warn(run, `${file} : Policy config file cannot be opened: No such file or directory`);
    run.stderr += USAGE;
    return 1;
  }
  const { check, quiet, scope } = options;
  const loading = { check, quiet, ...(replace && { replace: scope }) };
  const loaded = loadPolicy(run.state, text, loading, run.call.names ?? STOCK_NAMES);
  for (const message of loaded.messages) warn(run, message);
  run.stdout += loaded.printed;
  run.state = loaded.spd;
  run.offered = loaded.offered;
  const log = withEntries(readLog(run) ?? '', loaded.logged);
  const { end } = loaded;
  const kept = end === 'crash' || end === 'exit' || end === 'no-tunnel' || (end === 'loaded' && !check);
  writeLog(run, kept ? log : withoutAdded(log, loaded.made, loaded.lineCount));
  const exit = conclude(run, loaded, options);
  return end === 'loaded' || end === 'stopped' ? emptyStandby(run, scope, exit) : exit;
}

function conclude(run: Running, { end, entries, good }: LoadRun, { check, quiet }: Options): number {
  switch (end) {
    case 'crash':
      return 139;
    case 'exit':
      return 1;
    case 'no-tunnel':
      warn(run, 'Flush failed while reading reply');
      return 1;
    case 'empty':
      warn(run, 'Policy file does not contain any valid rules.');
      return 0;
    case 'errors':
      return leave(run, 'config', `${entries - good} policy rule(s) contained errors.`);
    case 'stopped':
      if (check) run.stdout += CHECKED;
      return 1;
    case 'loaded':
      if (check) run.stdout += CHECKED;
      if (!check && !quiet) run.stdout += ADD_WARNING;
      if (!check && run.service !== undefined) warn(run, `${good} policy rules added.`);
      return 0;
  }
}
