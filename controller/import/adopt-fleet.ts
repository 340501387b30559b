/** Hosts that were set up by hand to an inventory, templates and keys that render what the hosts have. Decides everything; touches nothing. */

import type { Prefix } from '../model/address.js';
import type { HostFileTemplates } from '../model/host.js';
import type { ManagedPath } from '../model/managed-file.js';
import type { StoredKey } from '../ports.js';
import { bypassRules } from './bypass-rules.js';
import { type CollectedHost, PATHS } from './collected-host.js';
import { type FoundLink, findLinks } from './find-links.js';
import { type HostReading, readHost, settleAddresses } from './host-reading.js';
import { templateNames } from './inventory-names.js';
import { type AdoptedHost, inventoryText } from './inventory-text.js';
import { KeyShelf } from './key-shelf.js';
import { literalTemplate } from './literal-template.js';
import { policyOfLoaded } from './loaded-policy.js';
import { writableText } from './writable-text.js';

export interface AdoptOptions {
  readonly fleet: string;
  readonly management: readonly Prefix[];
  /** Of the new keys' entries; ISO 8601, UTC. */
  readonly created: string;
  /** Without keys their files are not made templates: the product's own are used, with new keys. */
  readonly withKeys: boolean;
  /** Without links every key is known by the host and file it stands in. */
  readonly withLinks: boolean;
  /** By link id: why the proof of both ends would refuse it. Such a link is written as a comment, its keys are kept under its name. */
  readonly heldBack: ReadonlyMap<string, string>;
  /** Whether the key store is opened by identity.txt, or by a passphrase. */
  readonly identityFile: boolean;
}

export interface AdoptedTemplate {
  /** Without folder and `.hbs`. */
  readonly name: string;
  readonly text: string;
}

export interface AdoptedFleet {
  readonly inventory: string;
  readonly templates: readonly AdoptedTemplate[];
  readonly keys: readonly StoredKey[];
  readonly links: readonly FoundLink[];
  /** By host, in words: what is not as one might think. */
  readonly notes: ReadonlyMap<string, readonly string[]>;
  /** Hosts that cannot stand in an inventory, and why. */
  readonly leftOut: ReadonlyMap<string, string>;
}

export function adoptFleet(collected: readonly CollectedHost[], options: AdoptOptions): AdoptedFleet {
  const notes = new Map<string, string[]>();
  const note = (host: string, text: string): void => void notes.set(host, [...(notes.get(host) ?? []), text]);
  const leftOut = new Map<string, string>();
  const all = settleAddresses(collected.map((host) => readHost(host, writableTexts(host, options, note))));
  const hosts = all.filter((reading) => {
    const why = whyNot(reading);
    if (why !== undefined) leftOut.set(reading.host.name, why);
    return why === undefined;
  });
  const found = findLinks(hosts);
  const links = options.withLinks ? found.links : [];
  const shelf = new KeyShelf(links, hosts, options.created);
  const templates = new Map<string, AdoptedTemplate>();
  const nameOf = templateNames();
  const adopted = hosts.map((reading): AdoptedHost => {
    const { host, names } = reading;
    const stem = nameOf(host.name);
    const make = (path: ManagedPath, name: string): string => {
      const text = templateText(path, reading, shelf);
      const same = path === PATHS.policy ? templates.get(text) : undefined;
      const template = same ?? { name, text };
      templates.set(path === PATHS.policy ? text : name, template);
      return template.name;
    };
    const template = make(PATHS.policy, stem);
    return {
      host,
      addresses: found.addresses.get(host.name) ?? [],
      template,
      files: otherFiles(reading, options, stem, make),
      asFound: hasOddModes(host),
      names,
      bypasses: bypassRules(reading.rules),
    };
  });
  for (const link of links) {
    const why = options.heldBack.get(link.id);
    if (why === undefined) continue;
    const text = `link ${link.id} is written as a comment only, because its ends do not agree: ${why}`;
    for (const end of link.external === undefined ? [link.host, link.peer] : [link.host]) note(end, text);
  }
  for (const reading of all) {
    for (const [path, why] of reading.refused) {
      if (path !== PATHS.policy) note(reading.host.name, `${path} is left as it is and not managed: ${why}`);
    }
  }
  for (const [host, texts] of [...(options.withLinks ? found.notes : []), ...shelf.notes])
    for (const text of texts) note(host, text);
  for (const [host, number] of shelf.loose) {
    const keys = number === 1 ? '1 key of its files belongs' : `${number} keys of its files belong`;
    note(host, `${keys} to no link (old ones in comments, ends that are unknown): kept in the store, never rotated`);
  }
  return {
    inventory: inventoryText(adopted, links, options),
    templates: [...templates.values()],
    keys: shelf.keys,
    links,
    notes,
    leftOut,
  };
}

/** The addresses of two hosts may turn out to be the same, and a host without a policy has nothing to adopt. */
function whyNot({ host, texts, refused, own }: HostReading): string | undefined {
  if (!texts.has(PATHS.policy) && host.seen.spd.length > 0)
    return `it has no ${PATHS.policy}, and no file could load the rules that are loaded: write it on the host, refresh network/ipsec/policy and import it again`;
  if (!texts.has(PATHS.policy))
    return `it has no ${PATHS.policy}: there is no policy to adopt; add it to the inventory like a new host`;
  const refusal = refused.get(PATHS.policy);
  if (refusal !== undefined)
    return `${PATHS.policy} cannot be adopted: ${refusal}; mend it on the host and import it again`;
  if (own.length > 0) return undefined;
  return `no address of it is known: name it in /etc/inet/hosts on ${host.name}, or connect to it by its address`;
}

function writableTexts(
  host: CollectedHost,
  { withKeys }: AdoptOptions,
  note: (host: string, text: string) => void,
): ReadonlyMap<ManagedPath, string> {
  const texts = new Map<ManagedPath, string>();
  for (const [path, secret] of host.texts) {
    const { text, mended } = writableText(path, secret.revealText());
    for (const what of mended) note(host.name, `${path}: ${what}`);
    texts.set(path, withKeys ? text : withDummyKeys(text));
  }
  const policy = texts.get(PATHS.policy) ?? '';
  const made = /^[ \t]*[^#\s]/m.test(policy) ? undefined : policyOfLoaded(host.seen.spd);
  if (made !== undefined) {
    texts.set(PATHS.policy, `${policy}${made}`);
    note(host.name, `${PATHS.policy} held no rule: the template was made from those that are loaded`);
  }
  return texts;
}

/** For finding links in files whose keys the host has masked: any key will do. */
function withDummyKeys(text: string): string {
  return text.replaceAll('[key]', '0123456789abcdef'.repeat(4));
}

function templateText(path: ManagedPath, reading: HostReading, shelf: KeyShelf): string {
  const text = reading.texts.get(path) ?? '';
  const heading = path === PATHS.policy ? '' : ` of ${reading.host.name}`;
  return `{{! ${path}${heading}, as it was found on the host. Change it here. }}\n${literalTemplate(text, shelf.slots(path, text, reading))}`;
}

function otherFiles(
  { texts, refused }: HostReading,
  { withKeys }: AdoptOptions,
  stem: string,
  make: (path: ManagedPath, name: string) => string,
): HostFileTemplates {
  const has = (path: ManagedPath): boolean => texts.has(path) && !refused.has(path);
  return {
    ...(has(PATHS.ikeConfig) ? { ikeConfig: make(PATHS.ikeConfig, `${stem}-ike-config`) } : {}),
    ...(withKeys && has(PATHS.presharedKeys)
      ? { presharedKeys: make(PATHS.presharedKeys, `${stem}-ike-preshared`) }
      : {}),
    ...(withKeys && has(PATHS.manualKeys) ? { manualKeys: make(PATHS.manualKeys, `${stem}-ipseckeys`) } : {}),
  };
}

const OUR_MODES: Readonly<Record<string, string>> = {
  [PATHS.policy]: '0400',
  [PATHS.manualKeys]: '0400',
  [PATHS.ikeConfig]: '0400',
  [PATHS.presharedKeys]: '0600',
};

/** Files whose mode or owner is another than the product gives them. */
export function oddModes({ seen, texts }: CollectedHost): readonly { readonly path: string; readonly mode: string }[] {
  const root = Number(seen.facts.get('user') ?? 0);
  return seen.files.flatMap(({ path, mode = 'unknown', uid }) => {
    const ours = OUR_MODES[path];
    const isKnown = [...texts.keys()].some((one) => one === path);
    return !isKnown || (mode === ours && (uid ?? root) === root) ? [] : [{ path, mode }];
  });
}

function hasOddModes(host: CollectedHost): boolean {
  return oddModes(host).length > 0;
}
