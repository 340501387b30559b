/** Which services hold up which, as pure questions. */

import type { Dependency } from './smf-services.js';
import type { StoredService } from './smf-repository.js';

export type ServiceState = 'uninitialized' | 'offline' | 'online' | 'disabled' | 'maintenance';

/** State of a service as others see it; `undefined` when the host does not have it. */
export type StateOf = (fmri: string) => ServiceState | undefined;

/** A service's own dependencies and those that others put on it. */
function dependenciesOf(service: StoredService, all: readonly StoredService[]): Dependency[] {
  const { fmri, dependencies } = service.definition;
  const put = all.flatMap(({ definition }) =>
    definition.dependents
      .filter(({ fmris }) => fmris.includes(fmri))
      .map(({ grouping }) => ({ grouping, fmris: [definition.fmri] })),
  );
  return [...dependencies, ...put];
}

export function mayStart(service: StoredService, all: readonly StoredService[], stateOf: StateOf): boolean {
  return dependenciesOf(service, all).every((one) => isMet(one, stateOf));
}

function isMet({ grouping, fmris }: Dependency, stateOf: StateOf): boolean {
  // Services that this host does not have are taken to be there and running.
  const states = fmris.map((fmri) => stateOf(fmri) ?? 'online');
  if (grouping === 'require_any') return states.includes('online');
  if (grouping === 'exclude_all') return !states.includes('online');
  // What is disabled or broken does not hold up those for whom it is optional.
  if (grouping === 'optional_all') return states.every((state) => state !== 'offline' && state !== 'uninitialized');
  return states.every((state) => state === 'online');
}
