/** The hosts as written, ranges expanded: each one's name, addresses and host keys, checked for themselves and against each other. */

import { positionText, type SourcePosition } from '../errors.js';
import { type Address, formatAddress } from '../model/address.js';
import type { Entry } from './check-shape.js';
import { parseHostAddress } from './host-address.js';
import { isHostKey } from './host-key.js';
import { checkName } from './name.js';
import { problemError, type Report } from './problem-list.js';
import { expandRanges, hasRange } from './range.js';
import type { HostShape } from './schema.js';
import { positionOf } from './source-tree.js';

export interface HostDraft {
  readonly name: string;
  readonly addresses: readonly Address[];
  /** The entry that made it, which it may share with the other hosts of a range. */
  readonly entry: Entry<HostShape>;
  /** `ssh.host` of the entry, for this host. */
  readonly sshHost: string | undefined;
}

export interface HostDrafts {
  readonly drafts: readonly HostDraft[];
  /** Names of hosts that are there but wrong. */
  readonly broken: ReadonlySet<string>;
}

export function draftHosts(
  entries: readonly Entry<HostShape>[],
  brokenEntries: ReadonlySet<string>,
  report: Report,
): HostDrafts {
  const drafts = new Map<string, HostDraft>();
  const users = new Map<string, HostDraft>();
  const broken = new Set([...brokenEntries].flatMap((name) => expandedOrSame(name)));
  for (const entry of entries) {
    for (const draft of draftEntry(entry, broken, report)) {
      const first = drafts.get(draft.name);
      if (first !== undefined) {
        const what = `host "${draft.name}" is here twice, first at ${positionText(first.entry.at)}`;
        report(problemError('NAME_TWICE', entry.at, what, 'rename or remove one of the two'));
        continue;
      }
      drafts.set(draft.name, draft);
      reportAddressesInUse(draft, users, report);
    }
  }
  return { drafts: [...drafts.values()], broken };
}

function expandedOrSame(name: string): readonly string[] {
  const expanded = expandRanges(name);
  return expanded.kind === 'expanded' ? expanded.values : [name];
}

function draftEntry(entry: Entry<HostShape>, broken: Set<string>, report: Report): readonly HostDraft[] {
  const names = expandRanges(entry.name);
  if (names.kind === 'wrong') {
    report(problemError('BAD_RANGE', entry.at, `"${entry.name}": ${names.why}`, 'write a range such as web[01:20]'));
    broken.add(entry.name);
    return [];
  }
  const [firstName = entry.name] = names.values;
  if (!checkName('a host', firstName, entry.at, report)) {
    broken.add(entry.name);
    return [];
  }
  reportBadHostKeys(entry, report);
  const columns = addressTexts(entry).map(({ text, at }) =>
    addressColumn(text, at, entry, names.values.length, report),
  );
  const sshHosts = sshHostColumn(entry, names.values.length, report);
  if (columns.some((column) => column === undefined)) {
    names.values.forEach((name) => broken.add(name));
    return [];
  }
  return names.values.map((name, i) => ({
    name,
    addresses: columns.flatMap((column) => column?.[i] ?? []),
    entry,
    sshHost: sshHosts?.[i],
  }));
}

function addressTexts(entry: Entry<HostShape>): readonly { text: string; at: SourcePosition }[] {
  const { address } = entry.value;
  if (typeof address === 'string') return [{ text: address, at: positionOf(entry.node, ['address']) }];
  return address.map((text, i) => ({ text, at: positionOf(entry.node, ['address', i]) }));
}

/** What one address says for each of the `count` hosts of its entry. */
function addressColumn(
  text: string,
  at: SourcePosition,
  entry: Entry<HostShape>,
  count: number,
  report: Report,
): readonly Address[] | undefined {
  if (count > 1 && !hasRange(text)) {
    const what = `${entry.name} is ${count} hosts, and "${text}" is one address`;
    report(problemError('RANGE_COUNT', at, what, "write a range of as many addresses in quotes, '10.0.1.[1:20]'"));
    return undefined;
  }
  const texts = parallelRange(text, at, entry, count, report);
  const addresses = texts?.flatMap((item) => parseHostAddress(item, at, report) ?? []);
  return addresses?.length === texts?.length ? addresses : undefined;
}

function parallelRange(
  text: string,
  at: SourcePosition,
  entry: Entry<HostShape>,
  count: number,
  report: Report,
): readonly string[] | undefined {
  const expanded = expandRanges(text);
  if (expanded.kind === 'wrong') {
    report(problemError('BAD_RANGE', at, `"${text}": ${expanded.why}`, "write a range such as '10.0.1.[11:30]'"));
    return undefined;
  }
  if (expanded.values.length === count) return expanded.values;
  const hexadecimal =
    text.includes(':') && /:/.test(text.replace(/\[[^\]]*\]/g, '')) ? '; IPv6 ranges count in hexadecimal' : '';
  const what = `${entry.name} is ${count === 1 ? 'one host' : `${count} hosts`}, and "${text}" is ${expanded.values.length} values`;
  report(problemError('RANGE_COUNT', at, what, `give both ranges the same length${hexadecimal}`));
  return undefined;
}

function sshHostColumn(entry: Entry<HostShape>, count: number, report: Report): readonly string[] | undefined {
  const host = entry.value.ssh?.host;
  if (host === undefined) return undefined;
  if (!hasRange(host)) return Array.from({ length: count }, () => host);
  return parallelRange(host, positionOf(entry.node, ['ssh', 'host']), entry, count, report);
}

function reportBadHostKeys(entry: Entry<HostShape>, report: Report): void {
  hostKeysOf(entry).forEach((key, i) => {
    if (isHostKey(key)) return;
    const at = positionOf(entry.node, typeof entry.value.hostKey === 'string' ? ['hostKey'] : ['hostKey', i]);
    if (key.includes('PRIVATE KEY')) {
      const what = 'hostKey holds a private key: an inventory is read by many and kept in history';
      const todo = 'replace the host key on the host, and write the public one here';
      report(problemError('SECRET_IN_INVENTORY', at, what, todo));
      return;
    }
    const todo = 'paste a line of "ssh-keyscan HOST", checked on the console, or /etc/ssh/ssh_host_ed25519_key.pub';
    report(problemError('BAD_HOST_KEY', at, 'hostKey is no complete SSH public key', todo));
  });
}

export function hostKeysOf(entry: Entry<HostShape>): readonly string[] {
  const { hostKey } = entry.value;
  const keys = typeof hostKey === 'string' ? [hostKey] : (hostKey ?? []);
  return keys.map((key) => key.trim());
}

function reportAddressesInUse(draft: HostDraft, users: Map<string, HostDraft>, report: Report): void {
  const texts = addressTexts(draft.entry);
  draft.addresses.forEach((address, i) => {
    const text = formatAddress(address);
    const user = users.get(text);
    const at = texts[i]?.at ?? draft.entry.at;
    if (user === draft) {
      report(problemError('ADDRESS_TWICE', at, `${draft.name} has the address ${text} twice`, 'remove one of the two'));
    } else if (user !== undefined) {
      const what = `${draft.name} has the address ${text} of ${user.name}, at ${positionText(user.entry.at)}`;
      report(problemError('ADDRESS_TWICE', at, what, 'give every host its own address'));
    } else {
      users.set(text, draft);
    }
  });
}
