/** Understands an entry's words: pattern, actions and properties together, with the messages ipsecconf(8) gives. */

import type { AlternativeRequest, Entry } from './entry.js';
import type { Forming, Taken } from './forming.js';
import { ALTERNATIVES, type RawEntry, type Reader } from './lex-entry.js';
import { fromBytes } from './line-pieces.js';
import type { NameTables } from './name-tables.js';
import { readAlternative, type Sticky } from './read-alternative.js';
import { readPattern, type Pattern } from './read-pattern.js';

export interface FormedEntry {
  readonly taken: Taken;
  /** Present when `taken` is `ok`. */
  readonly entry?: Entry;
  readonly messages: readonly string[];
  readonly printed: readonly string[];
}

const ICMP_PROTOCOLS = [1, 58];
/** A code that stands for every code. */
const ANY_CODE = 255;

export function formEntry(reader: Reader, raw: RawEntry, names: NameTables): FormedEntry {
  const forming: Forming = {
    reader,
    names,
    messages: [],
    printed: [],
    style: undefined,
    dirGiven: false,
    directions: { in: false, out: false },
    swapped: false,
  };
  const { pattern, taken } = readPattern(forming, raw.pattern);
  const alternatives: AlternativeRequest[] = [];
  const outcome = taken === 'ok' ? readAlternatives(forming, raw, alternatives) : taken;
  const { messages, printed } = forming;
  if (outcome !== 'ok') return { taken: outcome, messages, printed };
  return { taken: 'ok', entry: entryOf(forming, raw, pattern, alternatives), messages, printed };
}

function readAlternatives(forming: Forming, raw: RawEntry, alternatives: AlternativeRequest[]): Taken {
  const sticky: Sticky = { combined: false, bypassed: false };
  let at = raw.pattern.length;
  for (const [i, one] of raw.alternatives.entries()) {
    if (i > 0 && forming.style === 'old') {
      forming.printed.push("or's only with new style\n");
      return 'failed';
    }
    if (i > 0) forming.style = 'new';
    const { taken, alternative } = readAlternative(forming, one, at, sticky);
    if (forming.style !== 'new') swapEnds(forming, raw.alternatives[0]?.action.text);
    if (taken !== 'ok' || alternative === undefined) return taken;
    alternatives.push(alternative);
    at += 1 + one.properties.length;
  }
  // One more than these fills the program's table: it finds no end and reads on, to its death.
  return alternatives.length > ALTERNATIVES ? 'crash' : 'ok';
}

/** Source is the remote side for `permit`, and for bypass and drop of what comes in. */
function swapEnds(forming: Forming, action: string | undefined): void {
  const onlyIn = forming.directions.in && !forming.directions.out;
  if (action === 'permit') forming.swapped = true;
  if ((action === 'bypass' || action === 'pass' || action === 'drop') && onlyIn) forming.swapped = true;
}

function entryOf(
  { directions, swapped, reader }: Forming,
  raw: RawEntry,
  { from, to, protocol, type, code, tunnelName, negotiate }: Pattern,
  alternatives: readonly AlternativeRequest[],
): Entry {
  const icmp = ICMP_PROTOCOLS.includes(protocol);
  return {
    source: { ...raw.at, text: fromBytes(reader.text) },
    from,
    to,
    swapped,
    protocol,
    ...(icmp && type && { icmpType: type }),
    ...(icmp && type && code && code.from !== ANY_CODE && { icmpCode: code }),
    directions,
    ...(tunnelName !== undefined && negotiate !== undefined && { tunnel: { name: tunnelName, mode: negotiate } }),
    alternatives,
  };
}
