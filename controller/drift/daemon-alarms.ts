/** What is wrong with the key daemon in such a way that protected traffic is refused, or soon will be. */

import type { Alarm } from '../model/alarm.js';
import type { DaemonPeer } from '../model/observation.js';
import type { Adapter } from '../platform/adapter.js';
import { clockOffSeconds } from './compare-clock.js';
import { compareDaemon } from './compare-daemon.js';
import { fileDifferences } from './compare-files.js';
import { serviceTrouble } from './compare-services.js';
import type { CompareSettings, DesiredState, HostView } from './compare-view.js';
import { applyCommand, count, onHost } from './finding-words.js';
import type { UnheldSas } from './unheld-sas.js';

/** A daemon of a generation with IKE, looked at while nothing was being changed; else there is nothing to say. */
export function daemonAlarms(
  view: HostView,
  desired: DesiredState | undefined,
  settings: CompareSettings,
): readonly Alarm[] {
  const { report, adapter } = view;
  const isOurs = report.manifest?.files.some(({ path }) => path === adapter.files.ikeConfig) ?? false;
  if (!isOurs || report.generation === 0 || !report.settled || report.openTransaction !== undefined) return [];
  const trouble = serviceTrouble(view, adapter.services.ike);
  const state = report.daemon?.state ?? (report.daemonRunning ? 'running' : 'absent');
  if (trouble !== undefined || state !== 'running') return [downAlarm(view, settings)];
  const files = fileDifferences(view);
  const outOfStep = compareDaemon(view, files, desired, settings).filter(({ kind }) => kind === 'daemon-out-of-step');
  const alarms = outOfStep.map(({ what, cause, mend, details }): Alarm => {
    const more = { ...(cause === undefined ? {} : { cause }), ...(details === undefined ? {} : { details }) };
    return { host: view.host.name, kind: 'out-of-step', what, mend, ...more };
  });
  return [...alarms, ...unreadFiles(view, files, settings)];
}

function downAlarm(view: HostView, settings: CompareSettings): Alarm {
  const { report, adapter, host } = view;
  const service = serviceTrouble(view, adapter.services.ike);
  const hangs = report.daemon?.state === 'hangs';
  const how = hangs ? 'does not answer' : 'does not run';
  const where = service === undefined ? '' : ` (service ${service.service} is ${service.state})`;
  const left = report.sad.filter(({ key, hard }) => key === 'unlisted' && hard !== undefined).length;
  const meaning =
    left === 0
      ? 'the kernel has no SA of its making: what IKE is to protect is refused'
      : `the kernel has ${count(left, 'SA')} of its making, which nobody renews: what IKE is to protect is refused once they end`;
  return {
    host: host.name,
    kind: 'daemon-down',
    what: `in.iked ${how}${where}; ${meaning}`,
    cause: hangs ? 'it hangs' : (service?.cause ?? 'it was killed, or has crashed'),
    mend: hangs ? onHost(adapter.byHand.restartIke) : applyCommand(view, settings),
    ...(service === undefined || service.log.length === 0 ? {} : { details: service.log }),
  };
}

/** A file written just before its daemon was started may bear a later time. */
const SAME_TIME_MS = 10_000;

/**
 * Files that are as recorded, and were written after the daemon had started: it may hold the rules or keys of others. A changed PSK is read
 * at start alone for certain (in.iked(8) promises no more). A host whose clock is off tells no times that can be trusted.
 */
function unreadFiles(
  view: HostView,
  differing: ReadonlyMap<string, unknown>,
  settings: CompareSettings,
): readonly Alarm[] {
  const { report, adapter, host } = view;
  const since = Date.parse(report.serviceDetails.get(adapter.services.ike)?.since ?? '');
  if (Number.isNaN(since) || Math.abs(clockOffSeconds(view)) > settings.clockSeconds) return [];
  const { ikeConfig, preshared } = adapter.files;
  const unread = report.files.filter(
    ({ path, modified }) =>
      (path === ikeConfig || path === preshared) &&
      !differing.has(path) &&
      Date.parse(modified ?? '') > since + SAME_TIME_MS,
  );
  if (unread.length === 0) return [];
  const names = unread.map(({ path }) => path).join(' and ');
  return [
    {
      host: host.name,
      kind: 'out-of-step',
      what: `in.iked was started before ${names} ${unread.length === 1 ? 'was' : 'were'} written: it may hold other rules or keys than its files, and peers then refuse it`,
      cause: 'the files were put in place without a restart of the daemon',
      mend: onHost(adapter.byHand.restartIke),
      details: [
        `in.iked runs since ${new Date(since).toISOString()}`,
        ...unread.map(({ path, modified = '' }) => `${path} was written ${modified}`),
      ],
    },
  ];
}

/** Of the host whose kernel lacks them. */
export interface ReceivingEnd {
  readonly adapter: Adapter;
  readonly peers: readonly DaemonPeer[];
}

const MOST_COMMANDS = 5;

/** Told of the receiver, whose kernel lost them. Deleting them where they are left makes the next packet ask for new ones. */
export function unheldAlarm(unheld: UnheldSas, { peers, adapter }: ReceivingEnd, senders: Adapter): Alarm {
  const { sender, receiver, source, destination, sas } = unheld;
  const peer = peers.find(({ local, remote }) => local === destination && remote === source);
  const believes =
    peer !== undefined && peer.phase1 > 0 ? `, while in.iked of ${receiver} believes that it has phase 1 with it` : '';
  return {
    host: receiver,
    kind: 'out-of-step',
    peer: sender,
    what:
      `${sender} sends to ${receiver} under ${count(sas.length, 'SA')} that the kernel of ${receiver} does not have` +
      `${believes}: ${receiver} refuses that traffic`,
    cause: 'daemon and kernel lost each other, as may happen under a burst of traffic, or SAs were flushed by hand',
    mend: `on ${receiver}, as root: ${adapter.byHand.restartIke}${deletion(unheld, senders)}`,
    details: [sasText(unheld)],
  };
}

/** Whether it is of the daemon of the receiver, and tells of the same two addresses already. */
export function isAboutPair({ host, kind, details = [] }: Alarm, unheld: UnheldSas): boolean {
  const { receiver, source, destination } = unheld;
  if (host !== receiver || kind !== 'out-of-step') return false;
  return details.some((line) => line.startsWith(`${destination} ${source}: `));
}

/** One trouble is one alarm, though both ends show it. */
export function withUnheld(alarm: Alarm, unheld: UnheldSas, senders: Adapter): Alarm {
  const told = `${unheld.sender} still sends under ${sasText(unheld)}`;
  return { ...alarm, mend: `${alarm.mend}${deletion(unheld, senders)}`, details: [...(alarm.details ?? []), told] };
}

function sasText({ source, destination, sas }: UnheldSas): string {
  return `${source} ${destination}: ${sas.map(({ type, spi }) => `${type} ${spi}`).join(', ')}`;
}

/** The daemon of the sender is started anew as well: it has the other direction of what is deleted. */
function deletion({ sender, sas }: UnheldSas, { byHand }: Adapter): string {
  const more = sas.length - MOST_COMMANDS;
  const commands = sas
    .slice(0, MOST_COMMANDS)
    .map(({ type, spi, dst }) => `ipseckey delete ${type} spi ${spi} dst ${dst}`);
  const rest = more > 0 ? `, and so for ${more} more` : '';
  return `; if that is not enough, on ${sender}, as root: ${commands.join(' && ')}${rest} && ${byHand.restartIke}`;
}
