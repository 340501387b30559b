/** The key daemon: whether it runs where it should, and whether it, its file and the kernel are of one mind. */

import { parseAddress } from '../model/address.js';
import type { DriftFinding } from '../model/drift.js';
import { IKE_DEFAULTS } from '../model/ike.js';
import type { DaemonPeer, DaemonReport } from '../model/observation.js';
import { ikePaths } from '../platform/adapter.js';
import type { FileDifference } from './compare-files.js';
import { maskedFileText } from '../plan/diff.js';
import type { CompareSettings, DesiredState, HostView } from './compare-view.js';
import { applyCommand, count, finding, onHost } from './finding-words.js';

/** For a daemon whose service is in its right state; `files`: those that are not as recorded. */
export function compareDaemon(
  view: HostView,
  files: ReadonlyMap<string, FileDifference>,
  desired: DesiredState | undefined,
  settings: CompareSettings,
): readonly DriftFinding[] {
  const { daemon, manifest } = view.report;
  const { files: paths, services } = view.adapter;
  if (!manifest?.files.some(({ path }) => path === paths.ikeConfig)) return unexpected(view, files);
  if (daemon === undefined) return [];
  if (daemon.state !== 'running') {
    const hangs = daemon.state === 'hangs';
    return [
      finding(view, 'daemon-down', {
        subject: services.ike,
        severity: 'critical',
        what: `in.iked ${hangs ? 'does not answer' : 'does not run'}, though its service is online: no SA can be negotiated`,
        cause: hangs ? 'it hangs' : 'it was killed, or has crashed',
        mend: hangs ? onHost(view.adapter.byHand.restartIke) : applyCommand(view, settings),
      }),
    ];
  }
  const isEdited = ikePaths(view.adapter).some((path) => files.has(path));
  // A file that was edited has its own finding, and a daemon that has not read it is no second one.
  return [...(isEdited ? [] : ruleFindings(view, daemon)), ...kernelFindings(view, daemon, desired, settings)];
}

/**
 * A daemon that the inventory does not ask for. Where it reads a configuration that was there before us, it is the operator's
 * own business.
 */
function unexpected(view: HostView, files: ReadonlyMap<string, FileDifference>): readonly DriftFinding[] {
  const { report, adapter } = view;
  const runs = report.daemonRunning || report.services.get(adapter.services.ike) === 'online';
  const config = report.files.find(({ path }) => path === adapter.files.ikeConfig);
  if (!runs || (config?.state === 'present' && !files.has(adapter.files.ikeConfig))) return [];
  const since = report.serviceDetails.get(adapter.services.ike)?.since;
  const remove = ikePaths(adapter).filter((path) => files.get(path)?.kind === 'orphan');
  return [
    finding(view, 'daemon-unexpected', {
      subject: adapter.services.ike,
      severity: 'warning',
      what:
        `in.iked runs, and generation ${report.generation} has no IKE` +
        (remove.length === 0 ? '' : `; ${remove.join(' and ')} ${remove.length === 1 ? 'was' : 'were'} written for it`),
      since: since === undefined ? undefined : { at: since, by: 'service log' },
      cause: adapter.byHand.startedIke,
      mend: onHost(adapter.byHand.stopIke, ...remove.map((path) => `rm ${path}`)),
    }),
  ];
}

function ruleFindings(view: HostView, { rules }: DaemonReport): readonly DriftFinding[] {
  const odd = rules.filter(({ state }) => state !== 'same');
  if (odd.length === 0) return [];
  return [
    finding(view, 'daemon-out-of-step', {
      subject: 'rules',
      severity: 'warning',
      what: `in.iked holds ${count(odd.length, 'rule')} otherwise than ${view.adapter.files.ikeConfig}`,
      cause: '`ikeadm` was used by hand, or the daemon has not read its file since it was written',
      mend: onHost(view.adapter.byHand.restartIke),
      details: odd.map(({ label, state }) => `${label}: ${RULE_WORDS[state]}`),
    }),
  ];
}

const RULE_WORDS = {
  same: 'as in the file',
  missing: 'only in the file',
  extra: 'only in the daemon',
  differs: 'other addresses in the daemon',
} as const;

/**
 * Phase 1 is up, and the kernel has no SA either way, or only one way: what the daemon negotiates does not reach the kernel. By default
 * a phase 1 SA does not outlive the SAs made under it, so that an idle link does not look so; where it may, no SA at all is no sign.
 */
function kernelFindings(
  view: HostView,
  { peers }: DaemonReport,
  desired: DesiredState | undefined,
  settings: CompareSettings,
): readonly DriftFinding[] {
  const up = peers.filter(({ phase1 }) => phase1 > 0);
  const oneWay = up.filter(({ sasIn, sasOut }) => (sasIn === 0) !== (sasOut === 0));
  const none = up.filter(({ sasIn, sasOut }) => sasIn === 0 && sasOut === 0);
  // One idle peer among busy ones proves nothing.
  const odd = [...oneWay, ...(none.length === up.length && !mayIdle(view, desired) ? none : [])];
  if (odd.length === 0) return [];
  return [
    finding(view, 'daemon-out-of-step', {
      subject: 'kernel',
      severity: 'critical',
      what: `${beliefWords(odd, settings)}: traffic is refused`,
      cause: 'daemon and kernel lost each other, as may happen under a burst of traffic',
      mend: onHost(view.adapter.byHand.restartIke),
      details: odd.map(
        ({ local, remote, sasOut, sasIn }) =>
          `${local} ${remote}: ${count(sasOut, 'SA')} out, ${count(sasIn, 'SA')} in`,
      ),
    }),
  ];
}

function beliefWords(odd: readonly DaemonPeer[], { nameOf }: CompareSettings): string {
  const named = odd.map(({ remote }) => {
    const address = parseAddress(remote);
    const name = address && nameOf?.(address);
    return name === undefined ? remote : `${name} (${remote})`;
  });
  const [first] = odd;
  if (first === undefined || odd.length > 1) {
    const more = named.length - MOST_PEERS;
    const told = `${named.slice(0, MOST_PEERS).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
    return `in.iked believes it has SAs with ${count(odd.length, 'peer')} (${told}), and the kernel does not have them all`;
  }
  const { sasOut, sasIn } = first;
  const kernel =
    sasOut === 0 && sasIn === 0
      ? 'the kernel has none'
      : `the kernel has them one way only (${sasOut} out, ${sasIn} in)`;
  return `in.iked believes it has SAs with ${named.join('')}, and ${kernel}`;
}

const MOST_PEERS = 3;

/** Whether the SAs of an idle link are gone before its phase 1: they go after half of their lifetime unused (`p2_idletime_secs`). */
function mayIdle({ adapter, report }: HostView, desired: DesiredState | undefined): boolean {
  const file = desired?.host.files.find(({ path }) => path === adapter.files.ikeConfig);
  const text = file === undefined ? '' : maskedFileText(file, report.generation ?? 0);
  const numbers = (word: string): readonly number[] =>
    [...text.matchAll(new RegExp(`\\b${word}\\s+(\\d+)`, 'g'))].map(([, digits]) => Number(digits));
  const phase1 = Math.max(IKE_DEFAULTS.phaseOneSeconds, ...numbers('p1_lifetime_secs'));
  const phase2 = Math.min(IKE_DEFAULTS.phaseTwoSeconds, ...numbers('p2_lifetime_secs'));
  return Math.min(phase2 / 2, ...numbers('p2_idletime_secs')) < phase1;
}
