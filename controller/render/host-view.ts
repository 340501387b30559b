/** One host (or an end that is not ours) as its files need it: its links with address pairs, and its bypasses. */

import { type Address, formatAddress, type Prefix, prefixContains, hostPrefix } from '../model/address.js';
import type { HostFileTemplates, Link, LinkEnd, Value } from '../model/host.js';
import { endAddresses, endName, pskId } from '../keys/address-pairs.js';
import { type Bypass, bypassPattern, managementBypasses, mirrorBypass } from './bypass.js';
import { type HostVars, NO_VARS } from './host-vars.js';
import type { InventoryIndex } from './inventory-index.js';

/** Whose files are rendered. */
export interface Subject {
  readonly name: string;
  readonly addresses: readonly Address[];
  readonly groups: readonly string[];
  readonly template: string;
  readonly files?: HostFileTemplates;
  readonly vars: Readonly<Record<string, Value>>;
  readonly understood: HostVars;
  readonly management: readonly Bypass[];
  readonly links: readonly Link[];
}

/** A link seen from the subject. */
export interface LinkView {
  readonly link: Link;
  readonly peer: LinkEnd;
  readonly pairs: readonly { readonly local: Address; readonly remote: Address }[];
  readonly pskId: string;
  /** The other end's bypasses as this end must write them. */
  readonly mirrors: readonly Bypass[];
  /** What the other end's vars ask of IKE; ours, for an end that is not ours to say. */
  readonly peerVars: HostVars;
}

export interface HostView {
  readonly subject: Subject;
  readonly links: readonly LinkView[];
  /** Management first, then its own, then the mirrors; none twice. */
  readonly management: readonly Bypass[];
  readonly bypasses: readonly Bypass[];
  readonly mirrors: readonly Bypass[];
}

export function hostView(subject: Subject, index: InventoryIndex): HostView {
  const links = subject.links.map((link) => linkView(subject, link, index));
  const seen = new Set<string>();
  const fresh = (bypass: Bypass): boolean => {
    const pattern = bypassPattern(bypass);
    return !seen.has(pattern) && seen.add(pattern) === seen;
  };
  return {
    subject,
    links,
    management: subject.management.filter(fresh),
    bypasses: subject.understood.bypasses.filter(fresh),
    mirrors: links.flatMap((link) => link.mirrors).filter(fresh),
  };
}

function linkView(subject: Subject, link: Link, index: InventoryIndex): LinkView {
  const [first, second] = link.ends;
  const peer = endName(first) === subject.name ? second : first;
  const pairs = subject.addresses.flatMap((local) =>
    endAddresses(peer, index.hosts)
      .filter((remote) => remote.family === local.family)
      .map((remote) => ({ local, remote })),
  );
  const host = peer.kind === 'host' ? index.hosts.get(peer.host) : undefined;
  if (host === undefined) return { link, peer, pairs, pskId: pskId(link), mirrors: [], peerVars: NO_VARS };
  const peerVars = index.varsOf(host);
  // The peer's SSH bypass concerns us only if we are one of the places that manage it.
  const management = managementBypasses(managingPrefixes(index.inventory.management, pairs), host.ssh.port);
  const theirs = [...management, ...peerVars.bypasses];
  const mirrors = theirs.flatMap((bypass) => mirrorBypass(bypass, pairs));
  return { link, peer, pairs, pskId: pskId(link), mirrors, peerVars };
}

function managingPrefixes(
  management: readonly Prefix[],
  pairs: readonly { readonly local: Address }[],
): readonly Prefix[] {
  return management.filter((prefix) => pairs.some(({ local }) => prefixContains(prefix, hostPrefix(local))));
}

/** `10.0.1.11-10.0.2.21`: how a pair is told apart in labels. */
export function pairText(pair: { readonly local: Address; readonly remote: Address }): string {
  return `${formatAddress(pair.local)}-${formatAddress(pair.remote)}`;
}
