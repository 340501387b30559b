/** What the hosts' tools cannot read whatever it says: lines too long and control characters (illumos ipsecconf, ipseckey). */

import type { Problem, SourcePosition } from '../errors.js';
import type { FilePart, ManagedPath } from '../model/managed-file.js';

/** ipsecconf reads 1023 bytes at a time and cuts a longer line in two, ipseckey 4095; both counted with the newline. */
const LONGEST_LINE: Readonly<Record<ManagedPath, number>> = {
  '/etc/inet/ipsecinit.conf': 999,
  '/etc/inet/secret/ipseckeys': 3999,
  '/etc/inet/ike/config': 3999,
  '/etc/inet/secret/ike.preshared': 3999,
};

/** Room for what a placeholder becomes: the longest key in hex. */
const LONGEST_KEY = 'k'.repeat(128);

export function lineProblems(
  path: ManagedPath,
  parts: readonly FilePart[],
  origins: readonly SourcePosition[],
  host: string,
): readonly Problem[] {
  const text = parts.map((part) => (typeof part === 'string' ? part : LONGEST_KEY)).join('');
  const longest = LONGEST_LINE[path];
  if (isPlain(text, longest)) return [];
  const problems: Problem[] = [];
  for (const [i, whole] of text.split('\n').entries()) {
    // The tools take the end of a line as DOS writes it for white space.
    const line = whole.endsWith('\r') ? whole.slice(0, -1) : whole;
    const at = origins[i];
    const report = (code: string, what: string, todo: string): void => {
      const where = `line ${i + 1} of ${path} for host "${host}" ${what}`;
      problems.push({ code, severity: 'error', what: where, todo, ...(at === undefined ? {} : { at }) });
    };
    if (line.length * 3 > longest && Buffer.byteLength(line) > longest) {
      report('RENDERED_LINE_TOO_LONG', `is longer than ${longest} bytes`, 'break it up: the tool would cut it in two');
    }
    if (/[\p{Cc}\u2028\u2029\uFEFF]/u.test(line.replaceAll('\t', ' '))) {
      report('RENDERED_CONTROL_CHARACTER', 'holds an invisible control character', 'take it out of the template');
    }
  }
  return problems;
}

/** Whether there can be nothing to say: all of it is printing ASCII and no line is long. */
function isPlain(text: string, longest: number): boolean {
  if (/[^\t\n -~]/.test(text)) return false;
  let start = 0;
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
    if (end - start > longest) return false;
    start = end + 1;
  }
  return text.length - start <= longest;
}
