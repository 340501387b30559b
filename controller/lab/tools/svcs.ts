/** svcs(1) and svcprop(1): what services there are and how they fare. */

import { readOptions } from './getopt.js';
import { logPath, serviceName } from './smf-fmri.js';
import { stampText } from './smf-log.js';
import type { Instance, Smf } from './smf.js';
import { findTargets } from './svcadm.js';
import { underRoot, type ToolReply } from './tool.js';

const USAGE = `Usage: svcs [-aHpv] [-o col[,col ... ]] [-R restarter] [-sS col] [-Z | -z zone ] [<service> ...]
       svcs -d | -D [-Hpv] [-o col[,col ... ]] [-sS col] [-Z | -z zone ] [<service> ...]
       svcs [-l | -L] [-Z | -z zone] <service> ...
       svcs -x [-v] [-Z | -z zone] [<service> ...]
       svcs -?
`;

const STATE_ORDER: readonly Instance['state'][] = ['uninitialized', 'disabled', 'online', 'offline', 'maintenance'];

interface Column {
  readonly heading: string;
  readonly width: number;
  readonly text: (instance: Instance, now: Date) => string;
}

const COLUMNS: Readonly<Record<string, Column>> = {
  state: { heading: 'STATE', width: 14, text: ({ state }) => state },
  sta: { heading: 'STA', width: 3, text: ({ state }) => SHORT_STATES[state] },
  nstate: { heading: 'NSTATE', width: 14, text: () => '-' },
  s: { heading: 'S', width: 2, text: ({ state }) => SHORT_STATES[state] },
  stime: { heading: 'STIME', width: 8, text: timeText },
  fmri: { heading: 'FMRI', width: 50, text: ({ fmri }) => fmri },
  svc: { heading: 'SVC', width: 24, text: ({ fmri }) => serviceName(fmri) },
  inst: { heading: 'INST', width: 16, text: ({ fmri }) => fmri.split(':').at(-1) ?? '' },
  scope: { heading: 'SCOPE', width: 16, text: () => 'localhost' },
  zone: { heading: 'ZONE', width: 16, text: () => 'global' },
  ctid: { heading: 'CTID', width: 6, text: () => '-' },
  desc: { heading: 'DESC', width: 100, text: ({ fmri }) => serviceName(fmri) },
};

const SHORT_STATES: Readonly<Record<Instance['state'], string>> = {
  uninitialized: 'UN',
  offline: 'OFF',
  online: 'ON',
  disabled: 'DIS',
  maintenance: 'MNT',
};

/** The time of day, the day when it is longer ago. */
function timeText({ since }: Instance, now: Date): string {
  const old = now.getTime() - since.getTime() > 24 * 3_600_000;
  const stamp = stampText(since);
  return old ? `${stamp.slice(0, 3)}_${stamp.slice(4, 6).trim().padStart(2, '0')}` : stamp.slice(7);
}

export async function svcs(args: readonly string[], smf: Smf, root: string, now: Date): Promise<ToolReply> {
  const { options, operands, bad } = readOptions(args, 'aHpvo:R:s:S:dDlLxZz:?');
  if (bad !== undefined) return { exit: 2, stdout: '', stderr: `svcs: illegal option -- ${bad.letter}\n${USAGE}` };
  const flags = new Map(options.map(({ letter, value }) => [letter, value]));
  const { targets, complaints } =
    operands.length === 0 ? { targets: smf.instances(), complaints: '' } : findTargets(operands, smf, 'svcs');
  const exit = complaints === '' ? 0 : 1;
  if (flags.has('x'))
    return { exit, stdout: targets.map((one) => explain(one, operands.length > 0, root)).join(''), stderr: complaints };
  if (flags.has('l')) return { exit, stdout: targets.map((one) => details(one, root)).join('\n'), stderr: complaints };
  if (flags.has('L')) {
    const paths = targets.map(({ fmri }) => `${underRoot(root, logPath(fmri))}\n`);
    return { exit, stdout: paths.join(''), stderr: complaints };
  }
  const names = (flags.get('o') ?? 'state,stime,fmri').split(',');
  const columns: Column[] = [];
  for (const name of names) {
    const column = COLUMNS[name.toLowerCase()];
    if (column === undefined) return { exit: 2, stdout: '', stderr: `svcs: Unknown column "${name}".\n${USAGE}` };
    columns.push(column);
  }
  const all = flags.has('a') || operands.length > 0;
  const shown = targets
    .filter(({ enabled }) => all || enabled)
    .toSorted(
      (a, b) =>
        STATE_ORDER.indexOf(a.state) - STATE_ORDER.indexOf(b.state) ||
        a.since.getTime() - b.since.getTime() ||
        a.fmri.localeCompare(b.fmri),
    );
  const heading = flags.has('H') ? '' : line(columns, ({ heading: text }) => text);
  const rows = shown.map((one) => line(columns, (column) => column.text(one, now)));
  return { exit, stdout: heading + rows.join(''), stderr: complaints };
}

/** Columns are padded, the last one is not. */
function line(columns: readonly Column[], text: (column: Column) => string): string {
  const cells = columns.map((column, i) =>
    i === columns.length - 1 ? text(column) : text(column).padEnd(column.width),
  );
  return `${cells.join(' ')}\n`;
}

function explain({ fmri, state, since, reason, enabled }: Instance, asked: boolean, root: string): string {
  const fine = state === 'online' || (state === 'disabled' && !enabled);
  if (fine && !asked) return '';
  const why: Readonly<Record<Instance['state'], string>> = {
    online: 'None.',
    disabled: 'Disabled by an administrator.',
    offline: 'A dependency is not online.',
    uninitialized: 'Not yet considered by its restarter.',
    maintenance: `${reason ?? 'Unknown'}.`,
  };
  return [
    `${fmri} (${serviceName(fmri)})`,
    ` State: ${state} since ${since.toUTCString()}`,
    `${state === 'online' ? '' : `Reason: ${why[state]}\n`}   See: ${underRoot(root, logPath(fmri))}`,
    `Impact: ${fine ? 'None.' : 'This service is not running.'}`,
    '',
    '',
  ].join('\n');
}

function details({ fmri, state, since, enabled }: Instance, root: string): string {
  const rows: readonly (readonly [string, string])[] = [
    ['fmri', fmri],
    ['name', serviceName(fmri)],
    ['enabled', String(enabled)],
    ['state', state],
    ['next_state', 'none'],
    ['state_time', since.toUTCString()],
    ['logfile', underRoot(root, logPath(fmri))],
    ['restarter', 'svc:/system/svc/restarter:default'],
  ];
  return rows.map(([name, value]) => `${name.padEnd(12)} ${value}\n`).join('');
}

export async function svcprop(args: readonly string[], smf: Smf): Promise<ToolReply> {
  const { options, operands, bad } = readOptions(args, 'acCtqp:s:wfvz:');
  if (bad !== undefined || operands.length === 0) {
    const usage = 'Usage: svcprop [-aCqtvW] [-p [name/]name]... [-w] [-z zone] FMRI|pattern ...\n';
    return { exit: 2, stdout: '', stderr: usage };
  }
  const quiet = options.some(({ letter }) => letter === 'q');
  const wanted = options.flatMap(({ letter, value }) => (letter === 'p' && value !== undefined ? [value] : []));
  // -c looks at what was edited, not at the running snapshot.
  const edited = options.some(({ letter }) => letter === 'c');
  const { targets, complaints } = findTargets(operands, smf, 'svcprop', 'entities');
  let stdout = '';
  let stderr = complaints;
  for (const target of targets) {
    const all = propertiesOf(target, edited);
    const many = targets.length > 1;
    for (const name of wanted.length === 0 ? all.keys() : wanted) {
      const value = all.get(name);
      if (value === undefined) stderr += `svcprop: Couldn't find property \`${name}' for instance \`${target.fmri}'.\n`;
      else if (many) stdout += `${target.fmri}/:properties/${name} astring ${escaped(value)}\n`;
      else stdout += wanted.length === 1 ? `${escaped(value)}\n` : `${name} astring ${escaped(value)}\n`;
    }
  }
  return { exit: stderr === '' ? 0 : 1, stdout: quiet ? '' : stdout, stderr: quiet ? '' : stderr };
}

function propertiesOf({ stored, state, since, enabled }: Instance, edited: boolean): Map<string, string> {
  return new Map([
    ...(edited ? stored.edited : stored.running),
    ['general/enabled', String(enabled)],
    ['restarter/state', state],
    ['restarter/next_state', 'none'],
    ['restarter/state_timestamp', `${Math.floor(since.getTime() / 1000)}.000000000`],
  ]);
}

/** Characters that mean something to a shell are escaped; an empty value is a pair of quotes. */
function escaped(value: string): string {
  return value === '' ? '""' : value.replace(/[\s"'\\;&()|^<>$`*?~]/g, '\\$&');
}
