/**
 * What templates see of a host. The shape is a promise to operators who write their own (docs/templates.md): values are
 * added, never renamed. Every name is there, `null` where there is nothing, so that a slip in a template is an error.
 */

import { formatAddress } from '../model/address.js';
import type { Suite, Value } from '../model/host.js';
import { endAddresses, endName, saId } from '../keys/address-pairs.js';
import { sizeSuite, suiteText } from '../keys/suite.js';
import { type Bypass, bypassPattern } from './bypass.js';
import { type HostView, type LinkView, pairText } from './host-view.js';
import type { InventoryIndex } from './inventory-index.js';
import { Placeholder, RawLine, type TemplateRecord, type TemplateValue } from './template-helpers.js';

/** The numbers of an SA that may be shown. */
export interface SaNumbers {
  readonly spi: number;
}

/** The public part of a stored SA; `undefined` when there is no such key yet. */
export type SaFor = (id: string) => SaNumbers | undefined;

/** Stored keys by id, as the templates of a host see them, and their bits; made once for all hosts (key-record.ts). */
export interface KeyRecord {
  /** Those that are for this host: no other is within reach of its templates. */
  readonly recordOf: (host: string) => TemplateRecord;
  /** By `part id`. */
  readonly bits: ReadonlyMap<string, number>;
}

export interface TemplateData {
  readonly root: TemplateRecord;
  /** Ids of SAs that the store does not have. */
  readonly missingSas: readonly string[];
  /** Bits of each key, by `part id`. */
  readonly keyBits: ReadonlyMap<string, number>;
}

export function templateData(view: HostView, index: InventoryIndex, saFor: SaFor, keys?: KeyRecord): TemplateData {
  const { subject } = view;
  const usual = usualSuite(view.links);
  const sas = manualSas(view, saFor);
  const root = {
    fleet: index.inventory.fleet,
    generation: new Placeholder({ generation: true }),
    host: {
      name: subject.name,
      template: subject.template,
      addresses: subject.addresses.map(formatAddress),
      groups: subject.groups,
    },
    vars: variables(subject.vars),
    management: view.management.map(bypassRecord),
    bypasses: view.bypasses.map(bypassRecord),
    mirrors: view.mirrors.map(bypassRecord),
    extraRules: subject.understood.extraRules,
    refuseOthers: subject.understood.refuseOthers,
    ipv6: view.links.some(({ pairs }) => pairs.some(({ local }) => local.family === 6)),
    suite: suiteRecord(usual),
    links: view.links.map((link) => linkRecord(link, usual, index)),
    ike: { rules: ikeRules(view), preshared: presharedKeys(view) },
    sas: sas.flatMap(({ record }) => (record === undefined ? [] : [record])),
    keys: keys?.recordOf(subject.name) ?? {},
    cr: new RawLine('\r'),
  };
  return {
    root,
    missingSas: sas.flatMap(({ id, record }) => (record === undefined ? [id] : [])),
    keyBits: keyLengths(view, sas),
  };
}

/** YAML values are template values; null stays, so that `{{vars.x}}` without a value is reported. */
function variables(vars: Readonly<Record<string, Value>>): TemplateRecord {
  return vars;
}

function bypassRecord(bypass: Bypass): TemplateRecord {
  return {
    pattern: bypassPattern(bypass),
    lport: bypass.lport ?? null,
    rport: bypass.rport ?? null,
    ulp: bypass.ulp ?? null,
    dir: bypass.dir,
  };
}

function suiteRecord(suite: Suite): TemplateRecord {
  return { text: suiteText(suite), encr: suite.encr, encrAuth: suite.encrAuth ?? null };
}

const DEFAULT_SUITE: Suite = { encr: 'aes(256)', encrAuth: 'sha256' };

/** The suite that most of the host's links have, the earliest of equals: what `{}` rules of a server ask for. */
function usualSuite(links: readonly LinkView[]): Suite {
  const counts = new Map<string, { count: number; readonly suite: Suite }>();
  for (const { link } of links) {
    const entry = counts.get(suiteText(link.suite)) ?? { count: 0, suite: link.suite };
    entry.count++;
    counts.set(suiteText(link.suite), entry);
  }
  let best: { readonly count: number; readonly suite: Suite } = { count: 0, suite: DEFAULT_SUITE };
  for (const entry of counts.values()) if (entry.count > best.count) best = entry;
  return best.suite;
}

function linkRecord(view: LinkView, usual: Suite, index: InventoryIndex): TemplateRecord {
  return {
    id: view.link.id,
    keying: view.link.keying,
    peer: {
      name: endName(view.peer),
      external: view.peer.kind === 'external',
      addresses: endAddresses(view.peer, index.hosts).map(formatAddress),
    },
    suite: suiteRecord(view.link.suite),
    usual: suiteText(view.link.suite) === suiteText(usual),
    pairs: view.pairs.map(pairRecord),
  };
}

function pairRecord(pair: LinkView['pairs'][number]): TemplateRecord {
  return { local: formatAddress(pair.local), remote: formatAddress(pair.remote), family: pair.local.family };
}

function ikeRules(view: HostView): readonly TemplateRecord[] {
  const { ike } = view.subject.understood;
  return view.links
    .filter(({ link }) => link.keying === 'ike-psk')
    .flatMap(({ link, pairs }) =>
      pairs.map((pair) => ({ label: `${link.id} ${pairText(pair)}`, link: link.id, ...pairRecord(pair), ...ike })),
    );
}

function presharedKeys(view: HostView): readonly TemplateRecord[] {
  return view.links
    .filter(({ link }) => link.keying === 'ike-psk')
    .flatMap((link) =>
      link.pairs.map((pair) => ({
        link: link.link.id,
        ...pairRecord(pair),
        key: new Placeholder({ key: link.pskId, part: 'psk' }),
      })),
    );
}

/** For reading the files back with keys that only have the right length. */
function keyLengths(
  view: HostView,
  sas: readonly { readonly id: string; readonly suite: Suite }[],
): ReadonlyMap<string, number> {
  const bits = new Map<string, number>();
  for (const { link, pskId } of view.links) if (link.keying === 'ike-psk') bits.set(`psk ${pskId}`, 256);
  for (const { id, suite } of sas) {
    const sized = sizeSuite(suite);
    if ('reasons' in sized) continue;
    bits.set(`encr ${id}`, sized.encr.keyBits);
    bits.set(`auth ${id}`, sized.encrAuth?.keyBits ?? 0);
  }
  return bits;
}

/** Sorted by id, so that both ends of a link hold the same lines in the same order. */
function manualSas(
  view: HostView,
  saFor: SaFor,
): readonly { readonly id: string; readonly suite: Suite; readonly record: TemplateRecord | undefined }[] {
  return view.links
    .filter(({ link }) => link.keying === 'manual')
    .flatMap(({ link, pairs }) =>
      pairs.flatMap(({ local, remote }) => {
        const [here, there] = [formatAddress(local), formatAddress(remote)];
        return [saEntry(link, here, there), saEntry(link, there, here)];
      }),
    )
    .sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
    .map(({ id, src, dst, link }) => {
      const numbers = saFor(id);
      return {
        id,
        suite: link.suite,
        record: numbers === undefined ? undefined : saRecord(id, src, dst, link.suite, numbers),
      };
    });
}

function saEntry(link: LinkView['link'], src: string, dst: string) {
  return { id: saId(link, src, dst), src, dst, link };
}

function saRecord(id: string, src: string, dst: string, suite: Suite, numbers: SaNumbers): TemplateRecord {
  const cipher = bareName(suite.encr);
  const integrity = suite.encrAuth === undefined ? null : bareName(suite.encrAuth);
  const key = (part: 'encr' | 'auth'): TemplateValue => new Placeholder({ key: id, part });
  return {
    spi: `0x${numbers.spi.toString(16)}`,
    src,
    dst,
    encr: cipher === 'null' ? null : cipher,
    encrKey: cipher === 'null' ? null : key('encr'),
    auth: integrity,
    authKey: integrity === null ? null : key('auth'),
  };
}

/** ipseckey takes the name alone: the key says how long it is. */
function bareName(algorithm: string): string {
  return algorithm.replace(/\(.*$/, '').toLowerCase();
}
