/** Host drafts and their layers of settings to finished hosts. */

import { positionText, type SourcePosition } from '../errors.js';
import { formatAddress, sameAddress } from '../model/address.js';
import type { Host, Keying, Suite } from '../model/host.js';
import { type HostDraft, hostKeysOf } from './host-drafts.js';
import { hostNames } from './host-names.js';
import { type Layer, mergeFiles, mergeVars } from './layer.js';
import { problemError, type Report, someOf, type Sourced } from './problem-list.js';
import { jumpPlace } from './ssh-jump.js';
import { mergeSsh } from './ssh.js';

const DEFAULT_TEMPLATE = 'host-to-host';

/** A host and what it, or a group of it, says about its links. The defaults are not in it. */
export interface BuiltHost {
  readonly host: Host;
  readonly keying: Sourced<Keying> | undefined;
  readonly suite: Sourced<Suite> | undefined;
}

export interface Layers {
  readonly defaults: Layer | undefined;
  readonly groups: ReadonlyMap<string, Layer>;
  /** By the entry's name as written, ranges and all. */
  readonly hosts: ReadonlyMap<string, Layer>;
}

export function buildHosts(
  drafts: readonly HostDraft[],
  groupsOf: ReadonlyMap<string, readonly string[]>,
  layers: Layers,
  report: Report,
): readonly BuiltHost[] {
  const built = drafts.map((draft) => buildHost(draft, groupsOf.get(draft.name) ?? [], layers, report));
  reportMissingUser(built, report);
  reportSharedTargets(built, report);
  reportOwnJumps(built, report);
  return built;
}

function buildHost(draft: HostDraft, groups: readonly string[], layers: Layers, report: Report): BuiltHost {
  const own = [...groups.map((group) => layers.groups.get(group)), layers.hosts.get(draft.entry.name)].filter(
    (layer) => layer !== undefined,
  );
  const all = layers.defaults === undefined ? own : [layers.defaults, ...own];
  const [first] = draft.addresses;
  const ssh = mergeSsh(
    all.flatMap((layer) => layer.ssh ?? []),
    first === undefined ? draft.name : formatAddress(first),
    hostKeysOf(draft.entry),
  );
  const files = mergeFiles(all.map((layer) => layer.files));
  const modes = all.findLast((layer) => layer.modes !== undefined)?.modes;
  const syntax = all.findLast((layer) => layer.syntax !== undefined)?.syntax;
  const names = hostNames(draft.entry, report);
  const host: Host = {
    name: draft.name,
    addresses: draft.addresses,
    groups,
    platform: draft.entry.value.platform ?? 'auto',
    ssh: draft.sshHost === undefined ? ssh : { ...ssh, host: draft.sshHost },
    template: all.findLast((layer) => layer.template !== undefined)?.template ?? DEFAULT_TEMPLATE,
    vars: mergeVars(all.map((layer) => layer.vars)),
    ...(Object.keys(files).length === 0 ? {} : { files }),
    ...(modes === undefined ? {} : { modes }),
    ...(syntax === undefined ? {} : { syntax }),
    ...(names.size === 0 ? {} : { names }),
    at: draft.entry.at,
  };
  return {
    host,
    keying: own.findLast((layer) => layer.keying !== undefined)?.keying,
    suite: own.findLast((layer) => layer.suite !== undefined)?.suite,
  };
}

function reportMissingUser(built: readonly BuiltHost[], report: Report): void {
  // A file that the inventory names may say it; it is read when hosts are talked to.
  const without = built
    .filter(({ host }) => host.ssh.user === '' && host.ssh.config?.isNamed !== true)
    .map(({ host }) => host);
  const [first] = without;
  if (first === undefined) return;
  const what = `no SSH user is set for ${someOf(without.map((host) => host.name))}`;
  report(problemError('MISSING_USER', first.at, what, 'add "ssh: { user: NAME }" to defaults, the group or the host'));
}

/** Two hosts behind one address and port would overwrite each other's policy. */
function reportSharedTargets(built: readonly BuiltHost[], report: Report): void {
  const taken = new Map<string, Host>();
  const reported = new Set<SourcePosition>();
  for (const { host } of built) {
    const target = `${host.ssh.host} port ${host.ssh.port}`;
    const first = taken.get(target);
    const isReported = reported.has(host.at) || (first !== undefined && shareFirstAddress(first, host));
    if (first === undefined) {
      taken.set(target, host);
    } else if (!isReported) {
      reported.add(host.at);
      const what = `${host.name} is reached at ${target}, like ${first.name} at ${positionText(first.at)}`;
      report(problemError('SSH_TARGET_TWICE', host.at, what, 'give each host its own ssh.host or ssh.port'));
    }
  }
}

/** A way that leads through the host itself has no beginning. */
function reportOwnJumps(built: readonly BuiltHost[], report: Report): void {
  for (const { host } of built) {
    if (host.ssh.proxyJump?.some((jump) => jumpPlace(jump) === jumpPlace(host.ssh)) !== true) continue;
    const what = `the way to ${host.name} goes through ${jumpPlace(host.ssh)}, which is the host itself`;
    report(problemError('JUMP_LOOP', host.at, what, 'write "ssh: { proxyJump: none }" to the host'));
  }
}

/** Then the address itself has been reported. */
function shareFirstAddress(a: Host, b: Host): boolean {
  const [x, y] = [a.addresses[0], b.addresses[0]];
  return x !== undefined && y !== undefined && sameAddress(x, y);
}
