/** Records and sections of the agent to the values of model/observation.ts. Pure and strict: what is malformed is a ReplyError. */

import type {
  HostStatus,
  InstalledKey,
  Manifest,
  Observation,
  OpenTransaction,
  StoredGeneration,
} from '../model/observation.js';
import { canonicalFromListing, isCutOff } from '../policy/canonical-listing.js';
import { field, recordsOf, sectionText, sectionsOf } from './agent-reply.js';
import type { ReplySection } from './agent-reply.js';
import { observedFiles, parseSad, parseServices } from './host-listings.js';
import { printable } from './host-text.js';
import { parseManifest } from './manifest-text.js';
import { ReplyError, ToolError, numberValue, secondsValue } from './reply-error.js';
import { parseOutcome } from './step-reply.js';

/** A listing that was cut off says nothing of the rules after that. @throws ReplyError */
function loadedRules(listing: string): readonly string[] {
  if (isCutOff(listing)) throw new ReplyError('the rule of the last number that `ipsecconf` lists', listing.slice(-80));
  return canonicalFromListing(listing);
}

export function parseObservation(reply: ReplySection): Observation {
  const facts = new Map(
    recordsOf(reply, 'fact').map((record) => [field(record, 'name', record.line), field(record, 'text', record.line)]),
  );
  // A host that lacks the tools cannot list what is loaded; the fact says so, and that is all there is to know.
  const isKnown = facts.get('platform') !== 'unknown';
  return {
    facts,
    ...currentGeneration(reply),
    manifest: optionalManifest(reply),
    files: observedFiles(linesOf(reply, 'ls'), linesOf(reply, 'digests')),
    spd: isKnown ? loadedRules(succeeded(reply, 'spd', 'the loaded policy').join('\n')) : [],
    sad: isKnown ? parseSad(succeeded(reply, 'sad', 'the loaded SAs')) : [],
    services: parseServices(linesOf(reply, 'services')),
    daemonRunning: facts.get('daemon') === 'running',
    logs: sectionsOf(reply, 'log').map((log) => ({
      service: log.fields.get('service') ?? '',
      lines: log.lines.map(printable),
    })),
    openTransaction: openTransaction(reply),
  };
}

export function parseStatus(reply: ReplySection): HostStatus {
  const outcome = recordsOf(reply, 'outcome').at(-1);
  return {
    ...currentGeneration(reply),
    kept: recordsOf(reply, 'kept')
      .map((record) => ({
        generation: numberValue(record.fields.get('generation') ?? record.fields.get('number'), record.line),
        run: record.fields.get('run') ?? '',
        made: record.fields.get('made') ?? '',
      }))
      .sort((a, b) => a.generation - b.generation),
    openTransaction: openTransaction(reply),
    history: recordsOf(reply, 'history').map((record) => field(record, 'text', record.line)),
    outcome: outcome === undefined ? undefined : parseOutcome(outcome),
  };
}

/** `undefined` when the host says it does not keep that generation. */
export function parseGeneration(reply: ReplySection): StoredGeneration | undefined {
  const manifest = optionalManifest(reply);
  if (manifest === undefined) return undefined;
  const files = sectionsOf(reply, 'file').map((file) => ({
    path: field(file, 'path', 'begin file'),
    text: sectionText(file),
  }));
  return { manifest, files };
}

export function parseFingerprints(reply: ReplySection): readonly InstalledKey[] {
  return recordsOf(reply, 'key').map((record): InstalledKey => {
    const say = (name: string): string => field(record, name, record.line);
    const bits = numberValue(say('bits'), record.line);
    const fingerprint = say('fingerprint');
    if (!/^[0-9a-f]{16}$/.test(fingerprint)) throw new ReplyError('a fingerprint of 16 hex digits', record.line);
    const kind = say('kind');
    if (kind === 'psk') {
      return { kind, part: 'psk', identity: `${say('local')} ${say('remote')}`, bits, fingerprint };
    }
    const part = say('part');
    if (kind !== 'sa' || (part !== 'encr' && part !== 'auth'))
      throw new ReplyError('a PSK or a key of an SA', record.line);
    return { kind, part, identity: `${say('type')} ${say('spi')} ${say('dst')}`, bits, fingerprint };
  });
}

/** Of the `generation` record; before the first transaction there is none, or it says `none`. */
function currentGeneration(reply: ReplySection): Pick<Observation, 'generation' | 'run'> {
  const record = recordsOf(reply, 'generation').at(-1);
  const current = record?.fields.get('current') ?? 'none';
  if (record === undefined || current === 'none') return { generation: undefined, run: undefined };
  return { generation: numberValue(current, record.line), run: record.fields.get('run') };
}

function openTransaction(reply: ReplySection): OpenTransaction | undefined {
  const record = recordsOf(reply, 'transaction').at(-1);
  if (record === undefined) return undefined;
  const { line } = record;
  const reverts = field(record, 'reverts_in', line);
  return {
    id: field(record, 'id', line),
    state: field(record, 'state', line),
    step: record.fields.get('step') ?? '',
    generation: numberValue(field(record, 'generation', line), line),
    // Past its time, a dead-man that is just at work: no less than nothing is left.
    revertsInSeconds: reverts.startsWith('-') ? 0 : secondsValue(reverts, line),
  };
}

function optionalManifest(reply: ReplySection): Manifest | undefined {
  const section = sectionsOf(reply, 'manifest').at(-1);
  if (section === undefined || section.status !== 0 || section.lines.every((line) => line === '')) return undefined;
  return parseManifest(section.lines);
}

function succeeded(reply: ReplySection, name: string, what: string): readonly string[] {
  const section = sectionsOf(reply, name).at(-1);
  if (section === undefined) throw new ReplyError(`section ${name}`, `(none in ${reply.name})`);
  if (section.status !== 0) throw new ToolError(what, section.status, section.lines);
  return section.lines;
}

function linesOf(reply: ReplySection, name: string): readonly string[] {
  return sectionsOf(reply, name).flatMap((section) => section.lines);
}
