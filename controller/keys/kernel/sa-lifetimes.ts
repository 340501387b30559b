/**
 * The lifetimes of an SA as `ipseckey get` and `dump` print them: what has been used, what is allowed, what is left.
 * Source: illumos libipsecutil ipsec_util.c (print_lifetimes, bytecnt2out, secs2out).
 */

import type { Lifetime, SecurityAssociation } from '../../model/sa.js';

export function hasLimits({ allocations, bytes, addSeconds, useSeconds }: Lifetime): boolean {
  return allocations !== 0 || bytes !== 0n || addSeconds !== 0n || useSeconds !== 0n;
}

/** `now` left out: times show as `TIME`, and nothing has passed since the SA was added. */
export function lifetimeLines(sa: SecurityAssociation, now: Date | undefined): string[] {
  const seconds = now === undefined ? sa.addedAt : Math.floor(now.getTime() / 1000);
  const time = (at: bigint | number): string => (now === undefined ? 'TIME' : timeText(new Date(Number(at) * 1000)));
  const left = (limits: Lifetime): bigint => BigInt(sa.addedAt) + limits.addSeconds - BigInt(seconds);
  const limitLines = (prefix: string, name: string, limits: Lifetime): string[] => {
    if (!hasLimits(limits)) return [];
    const { bytes, allocations, addSeconds, useSeconds } = limits;
    const lines = [
      `${name} lifetime information:`,
      `${bytes} bytes ${bytesInWords(bytes)}of lifetime, ${allocations} allocations.`,
      `${addSeconds} seconds ${secondsInWords(addSeconds, 'after')}of post-add lifetime.`,
      `${useSeconds} seconds ${secondsInWords(useSeconds, 'after')}of post-use lifetime.`,
    ];
    if (bytes !== 0n) lines.push(`${bytes} bytes ${bytesInWords(bytes)}more can be protected.`);
    if (addSeconds !== 0n) {
      const rest = BigInt.asIntN(64, left(limits));
      const when = rest < 0n ? 'occurred' : `occurs in ${rest} seconds${secondsInWords(rest, 'before')}`;
      lines.push(`${name} expiration ${when}`, `Time of expiration: ${time(rest + BigInt(seconds))}.`);
    }
    return lines.map((line) => `${prefix}${line}`);
  };
  return [
    ' LT: Lifetime information',
    'CLT: Current lifetime information:',
    'CLT: 0 bytes protected, 0 allocations used.',
    `CLT: SA added at time: ${time(sa.addedAt)}`,
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
