/** The `drift:` section with its defaults, checked beyond its shape. */

import type { DriftSettings, RemediationSettings } from '../model/drift.js';
import { formatAddress, parseAddress } from '../model/address.js';
import type { Entry } from './check-shape.js';
import { rareFault } from './cron-times.js';
import { CRON_EXAMPLE, cronFault } from './cron-words.js';
import { type Directory, findHosts, reportUnknown } from './directory.js';
import type { DriftShape } from './drift-schema.js';
import { buildNotifiers } from './notifier-settings.js';
import { resolveBeside } from './paths.js';
import { problemError, type Report } from './problem-list.js';
import { positionOf } from './source-tree.js';
import { nearest } from './suggest.js';

/** What an inventory without `drift:` asks for. @param rootFile the file whose folder holds the state file */
export function defaultDrift(rootFile: string): DriftSettings {
  return {
    schedule: undefined,
    timeZone: 'UTC',
    spreadSeconds: 60,
    stateFile: resolveBeside(rootFile, '.ipsec-deploy/drift.db'),
    listen: undefined,
    keyAgeDays: 365,
    clockSeconds: 30,
    confirmLooks: 1,
    dampingSeconds: 3600,
    notify: [],
    remediate: undefined,
  };
}

interface Around {
  readonly rootFile: string;
  readonly directory: Directory;
  readonly report: Report;
  /** Silent while names may be missing because a file could not be read. */
  readonly reportNames: Report;
}

export function buildDrift(entry: Entry<DriftShape> | undefined, around: Around): DriftSettings {
  const defaults = defaultDrift(around.rootFile);
  if (entry === undefined) return defaults;
  const { report } = around;
  const given = entry.value;
  const { schedule, timeZone, stateFile } = given;
  if (schedule !== undefined) checkSchedule(schedule, entry, report);
  if (timeZone !== undefined) checkTimeZone(timeZone, entry, report);
  return {
    schedule,
    timeZone: timeZone ?? defaults.timeZone,
    spreadSeconds: given.spreadSeconds ?? defaults.spreadSeconds,
    stateFile: stateFile === undefined ? defaults.stateFile : resolveBeside(entry.at.file, stateFile),
    listen: given.listen === undefined ? undefined : listenAt(given.listen, entry, report),
    keyAgeDays: given.keyAgeDays ?? defaults.keyAgeDays,
    clockSeconds: given.clockSeconds ?? defaults.clockSeconds,
    confirmLooks: given.confirmLooks ?? defaults.confirmLooks,
    dampingSeconds: given.dampingSeconds ?? defaults.dampingSeconds,
    notify: buildNotifiers(entry, report),
    remediate: given.remediate === undefined ? undefined : remediation(given.remediate, entry, around),
  };
}

function checkSchedule(schedule: string, entry: Entry<DriftShape>, report: Report): void {
  const fault = cronFault(schedule) ?? rareFault(schedule);
  if (fault === undefined) return;
  const at = positionOf(entry.node, ['schedule']);
  report(problemError('BAD_SCHEDULE', at, `drift.schedule is no schedule: ${fault}`, CRON_EXAMPLE));
}

function checkTimeZone(timeZone: string, entry: Entry<DriftShape>, report: Report): void {
  if (/^[A-Z]/i.test(timeZone) && isTimeZone(timeZone)) return;
  const match = nearest(timeZone, ['UTC', ...Intl.supportedValuesOf('timeZone')]);
  const todo = match === undefined ? 'write a name such as Europe/Berlin, or UTC' : `did you mean "${match}"?`;
  const at = positionOf(entry.node, ['timeZone']);
  report(problemError('BAD_TIME_ZONE', at, `there is no time zone "${timeZone}"`, todo));
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).format(0) !== '';
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** `127.0.0.1:9464` or `[::1]:9464`: names are not resolved, so that it is plain who can ask. */
function listenAt(text: string | number, entry: Entry<DriftShape>, report: Report): DriftSettings['listen'] {
  if (typeof text === 'number') return { address: '127.0.0.1', port: text };
  const [, six, four, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const address = parseAddress(six ?? four ?? '');
  const port = Number(digits);
  if (address !== undefined && (six !== undefined) === (address.family === 6) && port >= 1 && port <= 65_535)
    return { address: formatAddress(address), port };
  const what = `drift.listen must be an address and a port, not "${text}"`;
  const todo = 'write 127.0.0.1:9464 for this machine alone, 0.0.0.0:9464 for every machine, or [::1]:9464';
  report(problemError('BAD_LISTEN', positionOf(entry.node, ['listen']), what, todo));
  return undefined;
}

function remediation(
  { kinds, groups, hostsPerHour }: NonNullable<DriftShape['remediate']>,
  entry: Entry<DriftShape>,
  { directory, reportNames }: Around,
): RemediationSettings {
  groups.forEach((part, i) => {
    const name = part.replace(/^!/, '').trim();
    const isKnown = name.startsWith('@')
      ? directory.groups.has(name.slice(1))
      : findHosts(directory, name) !== undefined;
    if (!isKnown) reportUnknown(directory, name, positionOf(entry.node, ['remediate', 'groups', i]), reportNames);
  });
  return { kinds, groups, hostsPerHour: hostsPerHour ?? 4 };
}
