/** From the facts a host reports to its adapter, or a refusal that says which fact is missing. Never a guess. */

import type { Host } from '../model/host.js';
import type { Adapter } from './adapter.js';
import { SOLARIS_SMF } from './solaris-smf.js';

export type Detection = { readonly adapter: Adapter } | { readonly refusal: string; readonly todo: string };

const ADAPTERS: readonly Adapter[] = [SOLARIS_SMF];

/** `wanted` is the inventory's word: `auto` takes what the host says, anything else must agree with it. */
export function detectPlatform(facts: ReadonlyMap<string, string>, wanted: Host['platform']): Detection {
  const said = facts.get('platform');
  const adapter = ADAPTERS.find(({ name }) => name === said);
  if (adapter === undefined) {
    const missing = facts.get('missing');
    const lack = missing === undefined ? '' : `: ${missing} is missing`;
    return {
      refusal: `the platform is not one this version knows${lack} (${facts.get('os') ?? 'no system name'})`,
      todo: 'a host needs the services network/ipsec/policy and its tools (illumos, Solaris 11)',
    };
  }
  if (wanted !== 'auto' && wanted !== adapter.name) {
    return {
      refusal: `the host is ${adapter.name}, the inventory says ${wanted}`,
      todo: 'correct platform: in the inventory',
    };
  }
  return { adapter };
}
