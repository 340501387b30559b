/**
 * What SMF keeps on disk: which services there are, whether they are enabled, their properties as edited and as the last
 * refresh saw them. One line a fact, words percent-encoded.
 */

import { readManifest } from './smf-manifest.js';
import { STOCK_SERVICES, type ServiceDefinition } from './smf-services.js';

export interface StoredService {
  readonly definition: ServiceDefinition;
  /** The manifest it came from; `undefined` for stock services. */
  readonly manifest: string | undefined;
  enabled: boolean;
  readonly edited: Map<string, string>;
  /** The running snapshot: what methods and svcprop see. */
  running: Map<string, string>;
}

/** Inside the host's root. */
export const REPOSITORY_PATH = '/var/svc/repository';

export function stockRepository(): StoredService[] {
  return STOCK_SERVICES.map((definition) => stored(definition, undefined));
}

export function stored(definition: ServiceDefinition, manifest: string | undefined): StoredService {
  return {
    definition,
    manifest,
    enabled: definition.enabled,
    edited: new Map(definition.properties),
    running: new Map(definition.properties),
  };
}

export function writeRepository(services: readonly StoredService[]): string {
  const lines = services.flatMap((service) => {
    const { fmri } = service.definition;
    return [
      ...(service.manifest === undefined ? [] : [['import', fmri, service.manifest]]),
      ['enabled', fmri, String(service.enabled)],
      ...[...service.edited].map(([name, value]) => ['edited', fmri, name, value]),
      ...[...service.running].map(([name, value]) => ['running', fmri, name, value]),
    ];
  });
  return lines.map((words) => `${words.map(encodeURIComponent).join(' ')}\n`).join('');
}

/** Services of a repository; lines that are not understood are left out. No text means a host as delivered. */
export function readRepository(text: string | undefined): StoredService[] {
  const services = stockRepository();
  for (const line of (text ?? '').split('\n')) {
    const [what, fmri = '', first = '', second = ''] = line.split(' ').map(decodeURIComponent);
    if (what === 'import') {
      const reading = readManifest(first);
      const found = reading.kind === 'services' ? reading.services.find((one) => one.fmri === fmri) : undefined;
      if (found !== undefined) services.push(stored(found, first));
      continue;
    }
    const service = services.find(({ definition }) => definition.fmri === fmri);
    if (service === undefined) continue;
    if (what === 'enabled') service.enabled = first === 'true';
    if (what === 'edited') service.edited.set(first, second);
    if (what === 'running') service.running.set(first, second);
  }
  return services;
}
