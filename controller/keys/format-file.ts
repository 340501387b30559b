/**
 * A policy or key file of any of the five kinds in one style: mended, read, tidied, printed, and read again to see that
 * nothing but its looks has changed. Knows no disk.
 */

import type { Problem } from '../errors.js';
import { parseIpsecalgs } from '../policy/parse-ipsecalgs.js';
import { printIpsecalgs, tidyAlgsDocument } from '../policy/print-ipsecalgs.js';
import type { DocumentReading } from '../policy/syntax/items.js';
import { mendText, placeOf } from '../policy/syntax/mend-text.js';
import { parsePolicyDocument } from '../policy/syntax/policy-document.js';
import { printPolicyDocument, tidyPolicyDocument } from '../policy/syntax/print-policy.js';
import { sameEntries } from '../policy/syntax/same-entries.js';
import { parseIkeDocument } from './parse-ike-document.js';
import { parseKeyDocument } from './parse-key-document.js';
import { parsePskDocument } from './parse-psk-document.js';
import { printIkeDocument, tidyIkeDocument } from './print-ike-config.js';
import { printPskDocument, tidyPskDocument } from './print-ike-preshared.js';
import { printKeyDocument, tidyKeyDocument } from './print-ipseckeys.js';
import { IN_FULL, MASKED, type Opening } from './print-keys.js';

export const FILE_KINDS = ['policy', 'keys', 'ike', 'psk', 'algs'] as const;
export type FileKind = (typeof FILE_KINDS)[number];

export type Formatting =
  | {
      readonly kind: 'formatted';
      /** For the file itself: keys in full. */
      readonly text: string;
      /** For eyes: keys masked. */
      readonly shown: string;
      /** What was mended and what was left as it is. */
      readonly problems: readonly Problem[];
    }
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] };

export function formatFile(kind: FileKind, text: string, file: string): Formatting {
  const mended = mendText(text, file);
  const before = [...mended.problems, ...(kind === 'keys' ? unjoinedLines(text, file) : [])];
  if (before.some(isError)) return { kind: 'refused', problems: before.filter(isError) };
  const { printed, shown, more, kept } = FORMATTERS[kind](mended.text, file);
  const problems = [...before, ...more];
  if (!kept) {
    const what = 'formatted, the file would not be read as it is now';
    const at = { file, line: 1, column: 1 };
    problems.push({ code: 'FMT_CHANGES', severity: 'error', what, at, todo: 'leave it, and report this' });
  }
  return problems.some(isError)
    ? { kind: 'refused', problems: problems.filter(isError) }
    : { kind: 'formatted', text: printed, shown, problems };
}

/** Whether a file of the kind has key material in it. */
export function mayHoldKeys(kind: FileKind): boolean {
  return kind === 'keys' || kind === 'psk';
}

function isError({ severity }: Problem): boolean {
  return severity === 'error';
}

interface Formatted {
  readonly printed: string;
  readonly shown: string;
  readonly more: readonly Problem[];
  /** Whether the printed text is read to the same entries. */
  readonly kept: boolean;
}

function formatter<Item extends { readonly kind: string }>(
  parse: (text: string, file: string) => DocumentReading<{ readonly items: readonly Item[] }>,
  tidy: (document: { readonly items: readonly Item[] }) => { readonly items: readonly Item[] },
  print: (document: { readonly items: readonly Item[] }, open: Opening) => string,
): (text: string, file: string) => Formatted {
  return (text, file) => {
    const { document, problems } = parse(text, file);
    const tidied = tidy(document);
    const printed = print(tidied, IN_FULL);
    const again = parse(printed, file);
    const kept = !again.problems.some(isError) && sameEntries(document.items, again.document.items);
    return { printed, shown: print(tidied, MASKED), more: problems, kept: kept || problems.some(isError) };
  };
}

const FORMATTERS: Readonly<Record<FileKind, (text: string, file: string) => Formatted>> = {
  policy: formatter(parsePolicyDocument, tidyPolicyDocument, printPolicyDocument),
  keys: formatter(parseKeyDocument, tidyKeyDocument, printKeyDocument),
  ike: formatter(parseIkeDocument, tidyIkeDocument, printIkeDocument),
  psk: formatter(parsePskDocument, tidyPskDocument, printPskDocument),
  algs: formatter(parseIpsecalgs, tidyAlgsDocument, printIpsecalgs),
};

/** Where a backslash joins no lines now and would join them once the line ends are mended. */
function unjoinedLines(text: string, file: string): Problem[] {
  const before = text.indexOf('\\\r\n');
  const atEnd = !text.endsWith('\n') && text.slice(-2).includes('\\') ? text.lastIndexOf('\\') : -1;
  const offset = before >= 0 ? before : atEnd;
  if (offset < 0) return [];
  const [line, column] = placeOf(text, offset);
  const what = 'this backslash does not join the line to the next one, and would once the line ends were mended';
  return [{ code: 'FMT_BACKSLASH', severity: 'error', what, at: { file, line, column }, todo: 'take it away' }];
}

const NAMES: ReadonlyMap<string, FileKind> = new Map([
  ['ipsecinit.conf', 'policy'],
  ['ipsecinit.sample', 'policy'],
  ['ipseckeys', 'keys'],
  ['ike.preshared', 'psk'],
  ['ipsecalgs', 'algs'],
]);

/** The kind of a file by its name, else by what is in it; undefined when nothing tells. */
export function guessKind(path: string, text: string): FileKind | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const named = NAMES.get(name) ?? (/(^|\/)ike\/config$/.test(path) ? 'ike' : undefined);
  if (named !== undefined) return named;
  const start = text.slice(0, 100_000).replace(/^[ \t]*(?:#|\/\/).*$/gm, '');
  if (/^(?:PROTO|ALG)\|/im.test(start)) return 'algs';
  if (/^[ \t]*(?:add|update|update-pair|delete|delete-pair|get|flush)\s/m.test(start)) return 'keys';
  if (/\b(?:local|remote)id(?:type)?\s/i.test(start)) return 'psk';
  if (/\bp1_xform\b|\blabel\s*"|^[ \t]*(?:p[12]_|cert_|ignore_crls|use_http|retry_|expire_timer)/m.test(start))
    return 'ike';
  if (/^[ \t]*\{[^{}]*\}\s*(?:or\s+)?(?:apply|permit|ipsec|bypass|pass|drop)\b/m.test(start)) return 'policy';
  return undefined;
}
