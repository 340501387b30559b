/** The lines the controller says to the agent (agent/README.md, "Talking"). Text only; nothing is sent here. */

import { type Address, formatAddress } from '../model/address.js';
import type { TransactionFile, TransactionRequest } from '../model/observation.js';
import type { RuleChange } from '../model/policy.js';
import type { Probe } from '../model/probe.js';
import { manifestText } from './manifest-text.js';
import { wholeLine, wholeWord } from './reply-error.js';

/** Ends a block; some `sed`s on hosts read one line ahead, hence the empty lines. */
export const BLOCK_END = '#@end\n\n\n\n';

/** `word key=value …` on one line. */
export function requestLine(word: string, fields: Readonly<Record<string, string | number>> = {}): string {
  const pairs = Object.entries(fields).map(([key, value]) => ` ${key}=${wholeWord(value)}`);
  return `${word}${pairs.join('')}\n`;
}

/** The whole `probe` block. */
export function probeText(probes: readonly Probe[], deadlineSeconds: number): string {
  const tries = probes.map(({ id, protocol, source, destination, port }) =>
    requestLine('@try', {
      id,
      protocol,
      source: formatAddress(source),
      destination: formatAddress(destination),
      ...(port === undefined ? {} : { port }),
    }),
  );
  return [requestLine('probe', { deadline: deadlineSeconds }), ...tries, BLOCK_END].join('');
}

/** `counters`, or `counters among=10.0.1.11,10.0.1.12`. */
export function countersText(among: readonly Address[]): string {
  return requestLine('counters', among.length === 0 ? {} : { among: among.map(formatAddress).join(',') });
}

/**
 * The whole `transaction` block. Holds the secrets of the files it sends: it may only be written to the channel.
 * Every line of content starts with `|`, so that nothing in a file can end the block.
 */
export function transactionText(request: TransactionRequest): Buffer {
  const head = requestLine('transaction', {
    id: request.id,
    nonce: request.nonce,
    window: request.windowSeconds,
    generation: request.generation,
    expect: request.expectGeneration ?? 'none',
    run: request.run,
    keep: request.keepGenerations,
    steps: request.steps.length === 0 ? 'none' : request.steps.join(','),
    ike: request.ike,
  });
  const parts: (string | Buffer)[] = [head];
  for (const file of request.expectFiles) {
    parts.push(requestLine('@expect', { path: file.path, sha256: file.sha256 ?? 'absent' }));
  }
  parts.push(requestLine('@expect-spd', { sha256: request.expectSpd }));
  for (const file of request.files) parts.push(...fileLines(file));
  parts.push('@spd\n', ...request.spd.map((rule) => `|${wholeLine(rule)}\n`));
  if (request.change !== undefined) parts.push('@change\n', ...request.change.map(changeLine));
  parts.push('@manifest\n', quoted(Buffer.from(manifestText(request.manifest), 'utf8')), BLOCK_END);
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'utf8') : part)));
}

function changeLine({ kind, rule }: RuleChange): string {
  return `|${kind} ${wholeLine(rule)}\n`;
}

function fileLines(file: TransactionFile): (string | Buffer)[] {
  switch (file.kind) {
    case 'send': {
      const { path, mode, sha256 } = file;
      return [requestLine('@file', { path, mode, sha256 }), quoted(Buffer.from(file.text.reveal()))];
    }
    case 'keep': {
      const { path, mode, sha256 } = file;
      return [requestLine('@keep', { path, mode, sha256 })];
    }
    case 'stored': {
      const { path, mode, sha256, from } = file;
      return [requestLine('@stored', { path, mode, sha256, from })];
    }
    case 'remove':
      return [requestLine('@remove', { path: file.path })];
  }
}

/** Content with `|` before each line, byte for byte. */
function quoted(content: Buffer): Buffer {
  if (content.length === 0 || content.at(-1) !== 10) throw new Error('content sent to a host must end in a newline');
  if (content.includes(0)) throw new Error('content sent to a host holds a NUL byte, which a shell cannot read');
  const bar = Buffer.from('|');
  const parts: Buffer[] = [];
  for (let from = 0; from < content.length;) {
    const end = content.indexOf(10, from) + 1;
    parts.push(bar, content.subarray(from, end));
    from = end;
  }
  return Buffer.concat(parts);
}
