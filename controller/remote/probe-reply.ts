/** The answers to `probe` and `counters` (agent/README.md). Pure and strict: what is malformed is a ReplyError. */

import type { Probe, ProbeReply, ProbeReport, SaCount } from '../model/probe.js';
import { field, recordsOf, sectionsOf } from './agent-reply.js';
import type { ReplyRecord, ReplySection } from './agent-reply.js';
import { shown } from './host-text.js';
import { ReplyError, oneOf } from './reply-error.js';

/** More than any host is asked to carry; what is above it plays with our memory. */
const MOST_COUNTED = 100_000;

/**
 * One reply for each probe, in their order.
 * @throws ReplyError, also when the host left one out, answered one twice, or answered what it was not asked
 */
export function parseProbeReport(reply: ReplySection, probes: readonly Probe[]): ProbeReport {
  const replies = new Map<string, ProbeReply>();
  for (const record of recordsOf(reply, 'answer')) {
    const one = probeReply(record);
    if (replies.has(one.id)) throw new ReplyError(`one answer to ${one.id}`, record.line);
    replies.set(one.id, one);
  }
  const inOrder = probes.map(({ id }) => {
    const one = replies.get(id);
    if (one === undefined) throw new ReplyError(`an answer to ${id}`, `(none in ${reply.name})`);
    return one;
  });
  if (replies.size !== probes.length)
    throw new ReplyError(`${probes.length} answers`, `${replies.size} of them in ${reply.name}`);
  return { replies: inOrder, before: countedIn(reply, 'before'), after: countedIn(reply, 'after') };
}

/** Lines of a section of counters: `esp 0x1001 10.0.0.2 bytes=840 src=10.0.0.1`. @throws ReplyError */
export function parseCounts(lines: readonly string[]): readonly SaCount[] {
  const counts = lines.filter((line) => line !== '');
  if (counts.length > MOST_COUNTED) throw new ReplyError(`at most ${MOST_COUNTED} SAs`, counts[MOST_COUNTED] ?? '');
  return counts.map(saCount);
}

function countedIn(reply: ReplySection, name: string): readonly SaCount[] {
  const section = sectionsOf(reply, name).at(-1);
  if (section === undefined) throw new ReplyError(`section ${name}`, `(none in ${reply.name})`);
  return parseCounts(section.lines);
}

function probeReply(record: ReplyRecord): ProbeReply {
  const { line } = record;
  const answer = oneOf(['open', 'closed', 'silent', 'untried'], record.fields.get('answer'), line);
  const means = record.fields.get('means') ?? '';
  if (!/^[a-z0-9-]{0,20}$/.test(means)) throw new ReplyError('the name of a means', line);
  return { id: field(record, 'id', line), answer, means, text: shown(record.fields.get('text') ?? '') };
}

const COUNT = /^(esp|ah) (0x[0-9a-f]{1,8}) ([0-9a-fA-F.:]+) bytes=(\d{1,20})(?: src=([0-9a-fA-F.:]+))?$/;

function saCount(line: string): SaCount {
  const [, type, spi, dst, bytes, src] = COUNT.exec(line) ?? [];
  if (type === undefined || spi === undefined || dst === undefined || bytes === undefined)
    throw new ReplyError('what an SA has carried', line);
  // A 64-bit counter: past 2^53 a difference of some bytes could not be seen, and no SA lives that long.
  const carried = Number(bytes);
  if (!Number.isSafeInteger(carried)) throw new ReplyError('less than 2^53 bytes', line);
  return { type, spi, src, dst, bytes: carried };
}
