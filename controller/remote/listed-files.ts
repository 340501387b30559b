/** Lines of `ls -ldn`, with long dates or short ones, to what a file is and when it was changed. Pure. */

import { fileKind } from '../model/file-kind.js';
import type { DriftFile } from '../model/observation.js';
import { octalMode } from './host-listings.js';
import { printable } from './host-text.js';
import { ReplyError, numberValue } from './reply-error.js';

/** As in host-listings.ts, with the links and the three words of the date apart. */
const LS_LINE =
  /^([-bcdlpsD])([r-][w-][xsSlL-][r-][w-][xsSlL-][r-][w-][xtT-])[+@.]?\s+(\d+)\s+(\d+)\s+(\d+)\s+(?:\d+|\d+,\s*\d+)\s+(\S+)\s+(\S+)\s+(\S+)\s+(\/.*)$/;

/** Files by path. `now` is the host's clock: a short date has no year. @throws ReplyError */
export function listedFiles(
  lines: readonly string[],
  digests: ReadonlyMap<string, string>,
  now: Date,
): ReadonlyMap<string, DriftFile> {
  const files = new Map<string, DriftFile>();
  for (const line of lines.filter((text) => text !== '')) {
    const [, kind = '', mode = '', links, uid, gid, first = '', second = '', third = '', rest] =
      LS_LINE.exec(line) ?? [];
    if (rest === undefined) throw new ReplyError('a line of ls -ldn', line);
    const arrow = kind === 'l' ? rest.indexOf(' -> ') : -1;
    const path = arrow === -1 ? rest : rest.slice(0, arrow);
    const sha256 = digests.get(path);
    const modified = listedTime(first, second, third, now);
    files.set(path, {
      path,
      state: 'present',
      type: fileKind(kind),
      mode: octalMode(mode),
      uid: numberValue(uid, line),
      gid: numberValue(gid, line),
      links: numberValue(links, line),
      ...(arrow === -1 ? {} : { linkTo: printable(rest.slice(arrow + ' -> '.length)) }),
      ...(modified === undefined ? {} : { modified }),
      ...(sha256 === undefined ? {} : { sha256 }),
    });
  }
  return files;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const DAY = 86_400_000;

/**
 * `2026-11-22 10:15:00.123456789 +0000` of illumos `ls -E` and GNU `--full-time`; else `Nov 22 10:15`, within the last
 * half year, or `Nov 22 2025`. In universal time, as the agent asks for. `undefined` for what is neither.
 */
export function listedTime(first: string, second: string, third: string, now: Date): string | undefined {
  const clock = /^(\d\d:\d\d:\d\d)(?:\.\d+)?$/.exec(second)?.[1];
  if (/^\d{4}-\d\d-\d\d$/.test(first) && clock !== undefined) {
    const zone = /^([+-]\d\d)(\d\d)$/.exec(third);
    return iso(Date.parse(`${first}T${clock}${zone === null ? 'Z' : `${zone[1]}:${zone[2]}`}`));
  }
  const month = MONTHS.indexOf(first);
  if (month === -1 || !/^\d{1,2}$/.test(second)) return undefined;
  if (/^\d{4}$/.test(third)) return iso(Date.UTC(Number(third), month, Number(second)));
  const [, hours, minutes] = /^(\d\d):(\d\d)$/.exec(third) ?? [];
  if (hours === undefined || minutes === undefined) return undefined;
  const inYear = (year: number): number => Date.UTC(year, month, Number(second), Number(hours), Number(minutes));
  const year = now.getUTCFullYear();
  // Of the last half year; a clock that is a little behind counts as now.
  return iso(inYear(year) > now.getTime() + DAY ? inYear(year - 1) : inYear(year));
}

function iso(milliseconds: number): string | undefined {
  return Number.isFinite(milliseconds) ? new Date(milliseconds).toISOString().replace('.000Z', 'Z') : undefined;
}
