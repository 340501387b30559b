/** Reads `vars.bypass`: the rules that let traffic of a host pass in the clear. */

import { parsePrefix, type Prefix } from '../model/address.js';
import type { Value } from '../model/host.js';
import { suggestion } from '../inventory/suggest.js';
import type { Bypass, Direction } from './bypass.js';

/** Notes what is wrong with the var at `path`. */
export type Reject = (path: string, what: string, todo: string) => void;
export type Fields = { readonly [name: string]: Value };

const KEYS = ['lport', 'rport', 'ulp', 'laddr', 'raddr', 'dir'];
const DIRECTIONS: readonly Direction[] = ['in', 'out', 'both'];
/** The kernel reads ports of these only (ip_spd.c); with any other a rule with a port never matches. */
const WITH_PORTS = ['tcp', 'udp', 'sctp'];

export function isFields(value: Value | undefined): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isValues(value: Value | undefined): value is readonly Value[] {
  return Array.isArray(value);
}

export function readBypasses(value: Value | undefined, reject: Reject): readonly Bypass[] {
  if (value === undefined || value === null) return [];
  if (!isValues(value)) {
    reject('bypass', 'is no list', 'write bypass: [ { lport: 80, ulp: tcp } ]');
    return [];
  }
  return value.flatMap((entry, i) => {
    if (isFields(entry)) return readBypass(entry, `bypass[${i}]`, reject);
    reject(`bypass[${i}]`, 'is no rule', 'write { lport: 80, ulp: tcp }');
    return [];
  });
}

/** One rule, or none when anything about it is wrong. */
function readBypass(fields: Fields, path: string, report: Reject): readonly Bypass[] {
  let sound = true;
  const reject: Reject = (...why) => {
    sound = false;
    report(...why);
  };
  for (const key of Object.keys(fields)) {
    if (KEYS.includes(key)) continue;
    reject(`${path}.${key}`, 'is not a key of a bypass', suggestion(key, KEYS, `use ${KEYS.join(', ')}`));
  }
  if (Object.keys(fields).every((key) => key === 'dir')) {
    reject(path, 'would let everything pass in the clear', 'name a port, a protocol or an address');
  }
  const lport = readPort(fields, 'lport', path, reject);
  const rport = readPort(fields, 'rport', path, reject);
  const laddr = readAddress(fields, 'laddr', path, reject);
  const raddr = readAddress(fields, 'raddr', path, reject);
  const ulp = readProtocol(fields, path, reject);
  const dir = DIRECTIONS.find((one) => one === (fields['dir'] ?? 'both'));
  if (dir === undefined) reject(`${path}.dir`, 'is no direction', 'use in, out or both');
  if ((lport ?? rport) !== undefined && ulp !== undefined && !WITH_PORTS.includes(ulp)) {
    reject(path, `has a port, but ${ulp} has none`, 'use ulp: tcp or udp, or leave the port out');
  }
  if (laddr !== undefined && raddr !== undefined && laddr.address.family !== raddr.address.family) {
    reject(path, 'mixes IPv4 and IPv6', 'write one rule for each family');
  }
  if (!sound || dir === undefined) return [];
  return [
    {
      ...(laddr === undefined ? {} : { laddr }),
      ...(raddr === undefined ? {} : { raddr }),
      ...(lport === undefined ? {} : { lport }),
      ...(rport === undefined ? {} : { rport }),
      ...(ulp === undefined ? {} : { ulp }),
      dir,
    },
  ];
}

function readPort(fields: Fields, key: string, path: string, reject: Reject): number | undefined {
  const value = fields[key];
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 65536) return value;
  reject(`${path}.${key}`, 'is no port', 'use a number from 1 to 65535');
  return undefined;
}

function readAddress(fields: Fields, key: string, path: string, reject: Reject): Prefix | undefined {
  const value = fields[key];
  if (value === undefined) return undefined;
  const prefix = typeof value === 'string' ? parsePrefix(value) : undefined;
  if (prefix === undefined) {
    reject(`${path}.${key}`, 'is no address', 'use an IPv4 or IPv6 address, or a prefix such as 10.0.0.0/8');
  }
  return prefix;
}

function readProtocol(fields: Fields, path: string, reject: Reject): string | undefined {
  const value = fields['ulp'];
  if (value === undefined) return undefined;
  if (typeof value === 'string' && /^[a-z][a-z0-9-]*$/.test(value)) return value;
  if (typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 256) return String(value);
  reject(`${path}.ulp`, 'is no protocol', 'use tcp, udp, icmp, ipv6-icmp or a number from 1 to 255');
  return undefined;
}
