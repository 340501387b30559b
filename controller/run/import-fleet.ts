/** From live hosts to an inventory that asks for what they have: read them, let import/ decide, prove that it renders back. */

import { InputProblems, OperatorError, type Problem } from '../errors.js';
import { adoptFleet, type AdoptedFleet, type AdoptOptions } from '../import/adopt-fleet.js';
import type { CollectedHost } from '../import/collected-host.js';
import type { ImportedHost } from '../import/imported-host.js';
import { isName } from '../import/inventory-names.js';
import { parseInventory } from '../inventory/parse.js';
import { parsePrefix } from '../model/address.js';
import type { Host } from '../model/host.js';
import type { HostOutcome } from '../model/run.js';
import type { KeyStore } from '../ports.js';
import type { TemplateSource } from '../render/template-set.js';
import { collectHosts, type CollectInput } from './collect-hosts.js';
import { desireFleet } from './desire-fleet.js';
import { judgeImport } from './judge-import.js';
import { proveFleet, type Objection } from './prove-fleet.js';
import { withTrialKeys } from './trial-keys.js';

export interface ImportFleetInput extends CollectInput {
  /** Where it says no, the host itself tells its name. */
  readonly isNamed: (host: Host) => boolean;
  /** Addresses of this machine: a host that says it sees us come from one of them is believed. */
  readonly ownAddresses: readonly string[];
  /** What stands in `management:`; empty = where the hosts see us come from. */
  readonly options: GivenOptions;
  readonly builtIn: readonly TemplateSource[];
}

export interface ImportedFleet {
  readonly adopted: AdoptedFleet;
  readonly hosts: readonly ImportedHost[];
  /** Hosts that could not be read, or have nothing that can be adopted. */
  readonly missing: readonly { readonly host: string; readonly outcome: HostOutcome }[];
  readonly management: AdoptOptions['management'];
}

/** What is not found out by trying. */
type GivenOptions = Omit<AdoptOptions, 'withLinks' | 'heldBack'>;

/** @throws OperatorError IMPORT_NO_MANAGEMENT when nobody says where SSH comes from */
export async function importFleet(input: ImportFleetInput): Promise<ImportedFleet> {
  const readings = await collectHosts(input, input.options.withKeys);
  const missing = readings.flatMap((reading) => ('outcome' in reading ? [reading] : []));
  const collected = named(
    readings.flatMap((reading) => ('collected' in reading ? [reading.collected] : [])),
    new Set(input.targets.filter(input.isNamed).map(({ name }) => name)),
  );
  const { management, doubted } = managementOf(input, collected);
  const options = { ...input.options, management };
  if (collected.length === 0) return { adopted: NOTHING, hosts: [], missing, management };
  const sound = adoptSoundly(collected, options, input.builtIn);
  const leftOut = [...sound.leftOut].map(([host, reason]) => ({ host, outcome: leftOutOutcome(reason) }));
  const hosts = sound.hosts.map((host) => {
    const client = doubted.get(host.host);
    return client === undefined ? host : withNote(host, doubt(client));
  });
  return { adopted: sound.adopted, hosts, missing: [...missing, ...leftOut], management };
}

const NOTHING: AdoptedFleet = {
  inventory: '',
  templates: [],
  keys: [],
  links: [],
  notes: new Map(),
  leftOut: new Map(),
};

function leftOutOutcome(reason: string): HostOutcome {
  return { status: 'failed', touched: false, reason, todo: 'import it again when that is mended' };
}

/** A host that was given by its address alone is called what it calls itself, if nobody else is. */
function named(collected: readonly CollectedHost[], given: ReadonlySet<string>): readonly CollectedHost[] {
  const taken = new Set(given);
  return collected.map((host) => {
    if (given.has(host.name)) return host;
    const own = host.seen.facts.get('hostname') ?? '';
    const wanted = isName(own) ? own : `host-${host.name.replace(/[^A-Za-z0-9]+/g, '-')}`;
    let name = wanted;
    for (let i = 2; taken.has(name); i++) name = `${wanted}-${i}`;
    taken.add(name);
    return { ...host, name };
  });
}

interface Sources {
  readonly management: AdoptOptions['management'];
  /** By host: what it alone says, and is not believed. */
  readonly doubted: ReadonlyMap<string, string>;
}

/**
 * What stands there is open for SSH on every host, so no single host may put an address in for all: it is one of this machine's
 * own, or what most of the hosts see.
 */
function managementOf(
  { options, ownAddresses }: Pick<ImportFleetInput, 'options' | 'ownAddresses'>,
  collected: readonly CollectedHost[],
): Sources {
  const { management } = options;
  if (management.length > 0 || collected.length === 0) return { management, doubted: new Map() };
  const told = new Map(
    collected.flatMap(({ name, surroundings: { client } }) => (client === undefined ? [] : [[name, client] as const])),
  );
  const isBelieved = (client: string): boolean =>
    ownAddresses.includes(client) || [...told.values()].filter((other) => other === client).length * 2 > told.size;
  const doubted = new Map([...told].filter(([, client]) => !isBelieved(client)));
  const believed = new Set([...told.values()].filter(isBelieved));
  if (believed.size > 0) return { management: [...believed].flatMap((text) => parsePrefix(text) ?? []), doubted };
  throw new OperatorError('IMPORT_NO_MANAGEMENT', {
    what:
      doubted.size === 0
        ? 'no host can tell from which address this machine reaches it'
        : `the hosts do not agree from which address this machine reaches them: ${[...doubted].map(([host, client]) => `${client} says ${host}`).join(', ')}`,
    where: '--management',
    todo: 'give the addresses whose SSH must never be cut off: --management 10.0.0.5',
  });
}

function doubt(client: string): string {
  return `it says that this machine reaches it from ${client}, which is none of its addresses and what most hosts do not say: left out of management:, put it there if it is so`;
}

interface Sound {
  readonly adopted: AdoptedFleet;
  readonly hosts: readonly ImportedHost[];
  readonly leftOut: ReadonlyMap<string, string>;
}

function withNote(host: ImportedHost, note: string): ImportedHost {
  return { ...host, notes: [...host.notes, note] };
}

interface Attempt extends Omit<Sound, 'leftOut'> {
  /** By link id: why its two ends do not agree. */
  readonly disagreeing: ReadonlyMap<string, string>;
}

/**
 * What is written must pass `validate`. Links that spoil it are given up first, then the hosts whose own files do, each told
 * with its reason.
 */
function adoptSoundly(
  collected: readonly CollectedHost[],
  options: GivenOptions,
  builtIn: readonly TemplateSource[],
): Sound {
  const attempt = (hosts: readonly CollectedHost[], withLinks: boolean): Attempt | readonly Problem[] => {
    const once = (heldBack: ReadonlyMap<string, string>): Attempt | readonly Problem[] =>
      tryOut(hosts, adoptFleet(hosts, { ...options, withLinks, heldBack }), builtIn, options.created.slice(0, 10));
    const first = once(new Map());
    return 'adopted' in first && first.disagreeing.size > 0 ? once(first.disagreeing) : first;
  };
  const settle = (hosts: readonly CollectedHost[]): Attempt | readonly Problem[] => {
    const whole = attempt(hosts, true);
    if ('adopted' in whole) return whole;
    const apart = attempt(hosts, false);
    const note = `no link is written, because with them the inventory would not pass: ${whole[0]?.what ?? ''}`;
    return 'adopted' in apart ? { ...apart, hosts: apart.hosts.map((host) => withNote(host, note)) } : apart;
  };
  const leftOut = new Map<string, string>();
  let result = settle(collected);
  if (!('adopted' in result)) {
    const good = collected.filter((host) => {
      const alone = attempt([host], false);
      if (!('adopted' in alone)) leftOut.set(host.name, alone[0]?.what ?? 'it cannot be rendered');
      return 'adopted' in alone;
    });
    result = settle(good);
    if (!('adopted' in result)) throw new InputProblems(result);
  }
  for (const [host, why] of result.adopted.leftOut) leftOut.set(host, why);
  return { adopted: result.adopted, hosts: result.hosts, leftOut };
}

/** Everything that `validate` looks at, on the text that would be written. */
function tryOut(
  collected: readonly CollectedHost[],
  adopted: AdoptedFleet,
  builtIn: readonly TemplateSource[],
  today: string,
): Attempt | readonly Problem[] {
  const store: KeyStore = { salt: '', keys: new Map(adopted.keys.map((key) => [key.id, key])) };
  const own = adopted.templates.map(({ name, text }) => ({ path: `${name}.hbs`, file: `templates/${name}.hbs`, text }));
  if (adopted.templates.length === 0) return { adopted, hosts: [], disagreeing: new Map() };
  try {
    const { inventory } = parseInventory({ path: 'inventory.yaml', readFile: () => adopted.inventory });
    const fleet = desireFleet(inventory, inventory.hosts, [...builtIn, ...own], withTrialKeys(inventory, store));
    // Once for all: the picture of a host with a thousand links is drawn once.
    const objections = proveFleet(inventory, inventory.hosts, fleet.policies, fleet.rendered, today);
    const hosts = collected.flatMap((found) => {
      const host = inventory.hosts.find(({ name }) => name === found.name);
      return host === undefined
        ? []
        : [judgeImport({ host, collected: found, inventory, fleet, store, adopted, objections })];
    });
    return { adopted, hosts, disagreeing: disagreeingLinks(objections) };
  } catch (error) {
    if (error instanceof InputProblems) return error.problems.filter(({ severity }) => severity === 'error');
    throw error;
  }
}

/** Links whose ends the proof of a push would find at odds. */
function disagreeingLinks(objections: readonly Objection[]): ReadonlyMap<string, string> {
  const faults = objections.flatMap(({ link, problem }) =>
    link === undefined || problem.severity !== 'error' ? [] : [[link, problem.what] as const],
  );
  return new Map(faults.toReversed());
}
