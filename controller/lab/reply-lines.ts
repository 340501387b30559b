/** The lines in which an answer travels to a stub: small plain text goes through the FIFO, the rest lies in files. */

import type { ToolReply } from './tools/tool.js';

/** An answer of this size is taken by an empty FIFO in one piece, whatever the system's limits (POSIX: PIPE_BUF ≥ 512; Linux 4096). */
const LARGEST_INLINE = 4096;

/** What every shell's `read` and `printf` pass on unchanged, in any locale. */
const PLAIN = /^[\t\n\x20-\x7e]*$/;

export interface EncodedReply {
  readonly lines: string;
  /** What lies beside the FIFO for the stub to print. */
  readonly out: string | undefined;
  readonly err: string | undefined;
}

/** `id` opens every line, so that a stub skips what was meant for a killed one before it. */
export function encodeReply(id: string, reply: ToolReply): EncodedReply {
  const last = `${id} x${reply.exit}\n`;
  const out = inline(id, 'o', reply.stdout);
  const err = inline(id, 'e', reply.stderr);
  if (out !== undefined && err !== undefined && out.length + err.length + last.length <= LARGEST_INLINE) {
    return { lines: out + err + last, out: undefined, err: undefined };
  }
  const lines = (reply.stdout === '' ? '' : `${id} f\n`) + (reply.stderr === '' ? '' : `${id} F\n`) + last;
  return { lines, out: reply.stdout || undefined, err: reply.stderr || undefined };
}

/** A line each, marked with the capital letter when the text ends without a newline. */
function inline(id: string, letter: string, text: string): string | undefined {
  if (text === '') return '';
  if (text.length > LARGEST_INLINE || !PLAIN.test(text)) return undefined;
  const rows = text.split('\n');
  const tail = rows.pop() ?? '';
  const whole = rows.map((row) => `${id} ${letter}${row}\n`).join('');
  return tail === '' ? whole : `${whole}${id} ${letter.toUpperCase()}${tail}\n`;
}
