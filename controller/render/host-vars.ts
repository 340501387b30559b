/** The vars of a host that the product itself understands, read and checked. All other vars are the templates' own. */

import type { Problem } from '../errors.js';
import type { Host, Value } from '../model/host.js';
import { suggestion } from '../inventory/suggest.js';
import { type Bypass, DNS_BYPASSES } from './bypass.js';
import { isFields, isValues, readBypasses, type Reject } from './bypass-vars.js';
import { DEFAULT_IKE, IKE_CHOICES, type IkeSettings } from './ike-settings.js';

export interface HostVars {
  /** `bypass` and `dns`. */
  readonly bypasses: readonly Bypass[];
  /** `extraRules`, one line each. */
  readonly extraRules: readonly string[];
  /** `others: refuse` drops what no rule of the host speaks of. */
  readonly refuseOthers: boolean;
  readonly ike: IkeSettings;
  readonly problems: readonly Problem[];
}

/** What a host without any vars has: also an end that is not ours. */
export const NO_VARS: HostVars = {
  bypasses: [],
  extraRules: [],
  refuseOthers: false,
  ike: DEFAULT_IKE,
  problems: [],
};

export function readHostVars(host: Host): HostVars {
  const problems: Problem[] = [];
  const reject: Reject = (path, what, todo) => {
    const whole = `vars.${path} of host "${host.name}" ${what}`;
    problems.push({ code: 'VAR_INVALID', severity: 'error', what: whole, at: host.at, todo });
  };
  const { bypass, dns, extraRules, others, ike } = host.vars;
  const bypasses = readBypasses(bypass, reject);
  return {
    bypasses: readFlag(dns, reject) ? [...bypasses, ...DNS_BYPASSES] : bypasses,
    extraRules: readLines(extraRules, reject),
    refuseOthers: readOthers(others, reject),
    ike: readIke(ike, reject),
    problems,
  };
}

function readFlag(value: Value | undefined, reject: Reject): boolean {
  if (value === undefined || typeof value === 'boolean') return value ?? false;
  reject('dns', 'is neither true nor false', 'write dns: true to let name service pass in the clear');
  return false;
}

function readOthers(value: Value | undefined, reject: Reject): boolean {
  if (value === undefined || value === 'clear' || value === 'refuse') return value === 'refuse';
  reject('others', 'is neither clear nor refuse', 'write others: refuse to drop what no link and no bypass speaks of');
  return false;
}

function readLines(value: Value | undefined, reject: Reject): readonly string[] {
  if (value === undefined || value === null) return [];
  const todo = 'write one rule a line, as in ipsecinit.conf';
  const lines = typeof value === 'string' ? value.split('\n') : isValues(value) ? value : undefined;
  if (lines === undefined) reject('extraRules', 'is no list of lines', todo);
  return (lines ?? []).flatMap((line, i) => {
    if (typeof line === 'string' && !/[\p{Cc}\u2028\u2029]/u.test(line)) return line.trim() === '' ? [] : [line.trim()];
    reject(`extraRules[${i}]`, 'is not one line of text', todo);
    return [];
  });
}

function readIke(value: Value | undefined, reject: Reject): IkeSettings {
  if (value === undefined || value === null) return DEFAULT_IKE;
  if (!isFields(value)) {
    reject('ike', 'is no record', 'write ike: { group: 14, encrAlg: aes(256..256) }');
    return DEFAULT_IKE;
  }
  const settings = { ...DEFAULT_IKE };
  for (const [key, given] of Object.entries(value)) {
    const choice = IKE_CHOICES.get(key);
    if (choice === undefined) {
      const known = [...IKE_CHOICES.keys()];
      reject(`ike.${key}`, 'is not known', suggestion(key, known, `use ${known.join(', ')}`));
    } else if (!choice.accepts(given)) {
      reject(`ike.${key}`, 'cannot be used', `use ${choice.allowed}`);
    } else Object.assign(settings, { [key]: given });
  }
  return settings;
}
