/** The answer to `drift` (agent/README.md) as a DriftReport. Pure and strict: what is malformed is a ReplyError. */

import type {
  BootGuardState,
  DaemonPeer,
  DaemonReport,
  DriftFile,
  DriftReport,
  DriftSa,
  Keeper,
  Leftover,
  ServiceDetails,
} from '../model/observation.js';
import { field, recordsOf, sectionsOf } from './agent-reply.js';
import type { ReplyRecord, ReplySection } from './agent-reply.js';
import { MANAGED_PATHS, parseDigests, parseSad, shortFmri } from './host-listings.js';
import { listedFiles } from './listed-files.js';
import { ReplyError, digestValue, numberValue, oneOf } from './reply-error.js';
import { parseObservation } from './reply-values.js';

const STATE_FOLDER = '/var/ipsec-deploy';

/** @throws ReplyError, and ToolError when the host cannot list what is loaded */
export function parseDriftReport(reply: ReplySection): DriftReport {
  const observation = parseObservation(reply);
  const time = observation.facts.get('time');
  if (time === undefined || !Number.isFinite(Date.parse(time))) throw new ReplyError('the time', `time=${time ?? ''}`);
  const lines = (name: string): readonly string[] => sectionsOf(reply, name).flatMap((section) => section.lines);
  const now = new Date(time);
  const managed = listedFiles(lines('ls'), parseDigests(lines('digests')), now);
  const others = listedFiles(lines('others'), new Map(), now);
  return {
    ...observation,
    time,
    files: MANAGED_PATHS.map((path): DriftFile => managed.get(path) ?? { path, state: 'absent' }),
    sad: driftSas(reply),
    stateFolder: others.get(STATE_FOLDER) ?? { path: STATE_FOLDER, state: 'absent' },
    agents: recordsOf(reply, 'agent').map((record) => digestValue(field(record, 'digest', record.line), record.line)),
    ...recordedRules(reply),
    guard: guardState(reply),
    leftovers: recordsOf(reply, 'leftover').map((record): Leftover => {
      const path = field(record, 'text', record.line);
      const kind = oneOf(['staged', 'state', 'copy'], record.fields.get('kind'), record.line);
      return { kind, path, file: others.get(path) };
    }),
    serviceDetails: new Map(recordsOf(reply, 'service').map((record) => [fmriOf(record), serviceDetails(record)])),
    daemon: daemonReport(reply),
    keepers: recordsOf(reply, 'keeper').map((record): Keeper => {
      const name = oneOf(['deadman', 'agent', 'ender', 'holder'], record.fields.get('name'), record.line);
      return { name, state: oneOf(['alive', 'gone', 'unknown'], record.fields.get('state'), record.line) };
    }),
    unarmed: observation.facts.get('unarmed') === 'yes',
    history: recordsOf(reply, 'history').map((record) => field(record, 'text', record.line)),
    settled: observation.facts.get('settled') === 'yes',
  };
}

/** The policy of the generation as the host keeps it, and what only earlier ones loaded; neither from an agent that does not tell. */
function recordedRules(reply: ReplySection): Pick<DriftReport, 'appliedRules' | 'earlierRules'> {
  const linesOf = (name: string): readonly string[] | undefined =>
    sectionsOf(reply, name)
      .filter(({ status }) => status === 0)
      .at(-1)
      ?.lines.filter((line) => line !== '');
  const [appliedRules, earlierRules] = [linesOf('applied-policy'), linesOf('earlier-policy')];
  return { ...(appliedRules && { appliedRules }), ...(earlierRules && { earlierRules }) };
}

/** SAs of the section `sad` with their limits: `hard_add=28800 hard_bytes=1048576 expires=120`. */
function driftSas(reply: ReplySection): readonly DriftSa[] {
  const lines = sectionsOf(reply, 'sad').flatMap((section) => section.lines.filter((line) => line !== ''));
  return parseSad(lines).map((sa, i): DriftSa => {
    const line = lines[i] ?? '';
    const limit = (name: string): number | undefined => {
      const digits = new RegExp(` ${name}=(\\S+)`).exec(line)?.[1];
      return digits === undefined ? undefined : Number(countOf(digits, line));
    };
    const [addSeconds, useSeconds, bytes] = [limit('hard_add'), limit('hard_use'), limit('hard_bytes')];
    const expires = limit('expires');
    const hard = {
      ...(addSeconds === undefined ? {} : { addSeconds }),
      ...(useSeconds === undefined ? {} : { useSeconds }),
      ...(bytes === undefined ? {} : { bytes }),
    };
    return {
      ...sa,
      ...(Object.keys(hard).length === 0 ? {} : { hard }),
      ...(expires === undefined ? {} : { expiresInSeconds: expires }),
    };
  });
}

/** Limits may have 64 bits: what is beyond a double's whole numbers is only known to be far away. */
function countOf(digits: string, line: string): bigint {
  if (!/^\d{1,20}$/.test(digits)) throw new ReplyError('a number', line);
  return BigInt(digits);
}

function guardState(reply: ReplySection): BootGuardState {
  const record = recordsOf(reply, 'guard').at(-1);
  if (record === undefined) throw new ReplyError('the record guard', `(none in ${reply.name})`);
  const script = field(record, 'script', record.line);
  return {
    script: script === 'absent' ? undefined : digestValue(script, record.line),
    scriptIsShipped: record.fields.get('shipped') === 'yes',
    manifest: oneOf(['same', 'differs', 'absent'], record.fields.get('manifest'), record.line),
  };
}

function fmriOf(record: ReplyRecord): string {
  return shortFmri(field(record, 'fmri', record.line));
}

function serviceDetails(record: ReplyRecord): ServiceDetails {
  const enabled = record.fields.get('enabled');
  const since = record.fields.get('since');
  if (since !== undefined && !Number.isFinite(Date.parse(since))) throw new ReplyError('a time', record.line);
  return {
    enabled: enabled === undefined ? undefined : enabled === 'true',
    since,
    // svcprop(1) escapes what means something to a shell.
    configFile: record.fields.get('text')?.replace(/\\(.)/g, '$1'),
  };
}

function daemonReport(reply: ReplySection): DaemonReport | undefined {
  const record = recordsOf(reply, 'daemon').at(-1);
  if (record === undefined) return undefined;
  const count = (name: string): number => numberValue(record.fields.get(name), record.line);
  return {
    state: oneOf(['running', 'absent', 'hangs'], record.fields.get('state'), record.line),
    phase1: record.fields.has('current')
      ? { current: count('current'), total: count('total'), attempted: count('attempted'), failed: count('failed') }
      : undefined,
    rules: recordsOf(reply, 'ike-rule').map((rule) => ({
      label: field(rule, 'text', rule.line),
      state: oneOf(['same', 'missing', 'extra', 'differs'], rule.fields.get('state'), rule.line),
    })),
    peers: recordsOf(reply, 'phase-one').map((peer): DaemonPeer => {
      const number = (name: string): number => numberValue(peer.fields.get(name), peer.line);
      return {
        local: field(peer, 'local', peer.line),
        remote: field(peer, 'remote', peer.line),
        phase1: number('count'),
        sasOut: number('out'),
        sasIn: number('in'),
      };
    }),
  };
}
