/**
 * The lifetimes of an SA as `ipseckey get` and `dump` print them: what has been used, what is allowed, what is left.
 * Source: illumos libipsecutil ipsec_util.c (print_lifetimes, bytecnt2out, secs2out).
 */

import type { Lifetime, SaCurrent, SecurityAssociation } from '../../model/sa.js';

export function hasLimits({ allocations, bytes, addSeconds, useSeconds }: Lifetime): boolean {
  return allocations !== 0 || bytes !== 0n || addSeconds !== 0n || useSeconds !== 0n;
}

export const UNUSED: SaCurrent = { bytes: 0 };

/** What an SA has come to; `dying`: its soft limit has passed and it is used still. Limits by allocations are never reached. */
export function ageOf(sa: SecurityAssociation, current: SaCurrent, now: number): 'mature' | 'dying' | 'dead' {
  const since = (at: number | undefined, limit: bigint): boolean =>
    at !== undefined && limit !== 0n && BigInt(now) >= BigInt(at) + limit;
  const reached = ({ bytes, addSeconds, useSeconds }: Lifetime): boolean =>
    (bytes !== 0n && BigInt(current.bytes) >= bytes) ||
    since(sa.addedAt, addSeconds) ||
    since(current.firstUsedAt, useSeconds);
  const isIdle =
    current.lastUsedAt === undefined
      ? since(sa.addedAt, sa.idle.addSeconds)
      : since(current.lastUsedAt, sa.idle.useSeconds);
  if (reached(sa.hard) || isIdle) return 'dead';
  return reached(sa.soft) ? 'dying' : 'mature';
}

/** Seconds since 1970 at which its age may next be another by time alone; `undefined` = never. */
export function nextChange(sa: SecurityAssociation, current: SaCurrent, now: number): number | undefined {
  const ends = [sa.soft, sa.hard].flatMap(({ addSeconds, useSeconds }) => [
    after(sa.addedAt, addSeconds),
    after(current.firstUsedAt, useSeconds),
  ]);
  const idle =
    current.lastUsedAt === undefined
      ? after(sa.addedAt, sa.idle.addSeconds)
      : after(current.lastUsedAt, sa.idle.useSeconds);
  const ahead = [...ends, idle].filter((at) => at > now);
  return ahead.length === 0 ? undefined : Math.min(...ahead);
}

/** 0 = no such end. */
function after(at: number | undefined, limit: bigint): number {
  return at === undefined || limit === 0n ? 0 : at + Number(limit);
}

/** `now` left out: times show as `TIME`, and nothing has passed since the SA was added. */
export function lifetimeLines(sa: SecurityAssociation, now: Date | undefined, current: SaCurrent = UNUSED): string[] {
  const seconds = now === undefined ? sa.addedAt : Math.floor(now.getTime() / 1000);
  const time = (at: bigint | number): string => (now === undefined ? 'TIME' : timeText(new Date(Number(at) * 1000)));
  const used = BigInt(current.bytes);
  const { firstUsedAt } = current;
  const restOf = (at: number | undefined, limit: bigint): readonly bigint[] =>
    at === undefined || limit === 0n ? [] : [BigInt.asIntN(64, BigInt(at) + limit - BigInt(seconds))];
  const limitLines = (prefix: string, name: string, limits: Lifetime): string[] => {
    if (!hasLimits(limits)) return [];
    const { bytes, allocations, addSeconds, useSeconds } = limits;
    const lines = [
      `${name} lifetime information:`,
      `${bytes} bytes ${bytesInWords(bytes)}of lifetime, ${allocations} allocations.`,
      `${addSeconds} seconds ${secondsInWords(addSeconds, 'after')}of post-add lifetime.`,
      `${useSeconds} seconds ${secondsInWords(useSeconds, 'after')}of post-use lifetime.`,
    ];
    if (bytes !== 0n) {
      const more = bytes > used ? bytes - used : 0n;
      lines.push(`${more} bytes ${bytesInWords(more)}more can be protected.`);
    }
    const [one, other = one] = [...restOf(sa.addedAt, addSeconds), ...restOf(firstUsedAt, useSeconds)];
    if (one !== undefined && other !== undefined) {
      const rest = other < one ? other : one;
      const when = rest < 0n ? 'occurred' : `occurs in ${rest} seconds${secondsInWords(rest, 'before')}`;
      lines.push(`${name} expiration ${when}`, `Time of expiration: ${time(rest + BigInt(seconds))}.`);
    }
    return lines.map((line) => `${prefix}${line}`);
  };
  return [
    ' LT: Lifetime information',
    'CLT: Current lifetime information:',
    `CLT: ${used} bytes ${bytesInWords(used)}protected, 0 allocations used.`,
    `CLT: SA added at time: ${time(sa.addedAt)}`,
    ...(firstUsedAt === undefined ? [] : [`CLT: SA first used at time ${time(firstUsedAt)}`]),
    `CLT: Time now is ${time(seconds)}`,
    ...limitLines('SLT: ', 'Soft', sa.soft),
    ...limitLines('HLT: ', 'Hard', sa.hard),
    ...idleLines(sa.idle),
  ];
}

function idleLines(limits: Lifetime): string[] {
  if (!hasLimits(limits)) return [];
  const { addSeconds, useSeconds } = limits;
  return [
    'ILT: Idle lifetime information:',
    `ILT: ${addSeconds} seconds ${secondsInWords(addSeconds, 'after')}of post-add lifetime.`,
    `ILT: ${useSeconds} seconds ${secondsInWords(useSeconds, 'after')}of post-use lifetime.`,
  ];
}

const BYTE_UNITS = ['', 'K', 'M', 'G', 'T', 'P', 'E'];

/** `(1.50 MB) `, or nothing up to 1024. */
function bytesInWords(bytes: bigint): string {
  if (bytes <= 1024n) return '';
  let unit = 0;
  for (let rest = bytes; rest >= 1024n; rest /= 1024n) unit++;
  return `(${(Number(bytes) / 1024 ** unit).toFixed(2)} ${BYTE_UNITS[unit] ?? ''}B) `;
}

const TIME_UNITS = [
  [86_400, 'day'],
  [3_600, 'hour'],
  [60, 'minute'],
] as const;

/** `(1.50 hours)` with a blank after or before it, or nothing up to a minute. Only 32 bits are looked at. */
function secondsInWords(seconds: bigint, blank: 'before' | 'after'): string {
  const value = Number(BigInt.asUintN(32, seconds));
  const unit = TIME_UNITS.find(([least]) => value >= least);
  if (value <= 60 || unit === undefined) return '';
  const many = value / unit[0];
  const text = `(${many.toFixed(2)} ${unit[1]}${many >= 2 ? 's' : ''})`;
  return blank === 'after' ? `${text} ` : ` ${text}`;
}

/** `%c` in the C locale, in universal time. */
function timeText(date: Date): string {
  if (Number.isNaN(date.getTime())) return '<time conversion failed>';
  const [day = '', dayOfMonth = '', month = '', year = '', time = ''] = date.toUTCString().replace(',', '').split(' ');
  return `${day} ${month} ${String(Number(dayOfMonth)).padStart(2)} ${time} ${year}`;
}
