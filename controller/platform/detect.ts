/** From the facts a host reports to its adapter, or a refusal that says which fact is missing. Never a guess. */

import type { Host } from '../model/host.js';
import type { Adapter, PlatformName } from './adapter.js';
import { SOLARIS_LEGACY } from './solaris-legacy.js';
import { SOLARIS_SMF } from './solaris-smf.js';

export interface Refusal {
  readonly refusal: string;
  readonly todo: string;
}

export type Detection = { readonly adapter: Adapter } | Refusal;

const ADAPTERS: Readonly<Record<PlatformName, Adapter>> = {
  'solaris-smf': SOLARIS_SMF,
  'solaris-legacy': SOLARIS_LEGACY,
};

export function adapterOf(name: PlatformName): Adapter {
  return ADAPTERS[name];
}

/** `wanted` is the inventory's word: `auto` takes what the host says, anything else must agree with it. */
export function detectPlatform(facts: ReadonlyMap<string, string>, wanted: Host['platform']): Detection {
  const said = facts.get('platform');
  const adapter = Object.values(ADAPTERS).find(({ name }) => name === said);
  if (adapter === undefined) {
    const missing = facts.get('missing');
    const lack = missing === undefined ? '' : `: ${missing} is missing`;
    return {
      refusal: `the platform is not one this version knows${lack} (${facts.get('os') ?? 'no system name'})`,
      todo: 'a host needs Solaris or illumos with its IPsec tools: ipsecconf, ipseckey, in.iked',
    };
  }
  if (wanted !== 'auto' && wanted !== adapter.name) {
    return {
      refusal: `the host is ${adapter.name} (${WHY[adapter.name]}), the inventory says ${wanted}`,
      todo: `write platform: ${adapter.name} to the host, or take the line out: the host is asked`,
    };
  }
  return { adapter };
}

/**
 * Why a host of this kind cannot be brought to rules that it would take; `spd`: canonical lines. Where rules are listed with
 * `ipsecconf -l` those of tunnels are not among them: nobody could see them loaded, nor take them back.
 */
export function beyondPlatform({ name, replacesPolicy }: Adapter, spd: readonly string[]): Refusal | undefined {
  const rule = replacesPolicy === 'rule-by-rule' ? spd.find((line) => line.startsWith('{ tunnel ')) : undefined;
  if (rule === undefined) return undefined;
  return {
    refusal: `its policy has rules of tunnels, and a ${name} host does not list those: they could be neither verified nor taken back; the first is ${rule}`,
    todo: 'take the rules of tunnels out of the template that this host uses',
  };
}

/** The fact that decides. */
const WHY: Readonly<Record<PlatformName, string>> = {
  'solaris-smf': 'it has the service network/ipsec/policy',
  'solaris-legacy': 'it has no service network/ipsec/policy',
};
