/**
 * Comments that silence lint for a line: `# lint: ignore CODE until 2027-01-31 because REASON`. Owns their words, what they
 * reach, and what is said of one that is malformed, expired or of no use. Such findings cannot be silenced themselves.
 */

import { inOrder, type LintFinding, type RuleFacts } from './finding.js';

export interface LintComment {
  readonly line: number;
  readonly column: number;
  /** Behind the comment mark. */
  readonly text: string;
  /** Nothing else stands on its line: it speaks of the next line with words as well. */
  readonly alone: boolean;
}

const HOW = '# lint: ignore CODE until YYYY-MM-DD because REASON';

const LEFTOVER = '{ lport 80 ulp tcp dir both } bypass {}';
const WEAK = '{ raddr 10.0.0.9 } ipsec { encr_algs 3des encr_auth_algs sha256 }';

export const SUPPRESSION_RULES = {
  malformed: {
    code: 'SUPPRESSION_MALFORMED',
    severity: 'warning',
    title: 'a comment that should silence lint is not understood',
    why: 'A suppression names codes, a last day and a reason. One that lacks any of them silences nothing, so that none outlives its reason unseen.',
    example: {
      bad: `# lint: ignore WEAK_ALGORITHM\n${WEAK}\n`,
      good: `# lint: ignore WEAK_ALGORITHM until 9999-12-31 because the mainframe has nothing better\n${WEAK}\n`,
    },
  },
  unknown: {
    code: 'SUPPRESSION_UNKNOWN_CODE',
    severity: 'warning',
    title: 'a suppression names a code that does not exist',
    why: 'A mistyped code silences nothing.',
    example: {
      bad: `# lint: ignore WEAK_ALGORITM until 9999-12-31 because the mainframe has nothing better\n${WEAK}\n`,
      good: `# lint: ignore WEAK_ALGORITHM until 9999-12-31 because the mainframe has nothing better\n${WEAK}\n`,
    },
  },
  expired: {
    code: 'SUPPRESSION_EXPIRED',
    severity: 'warning',
    title: 'a suppression has expired',
    why: 'Its last day has passed. What it silenced is told of again.',
    example: {
      bad: `# lint: ignore WEAK_ALGORITHM until 2020-01-31 because the mainframe has nothing better\n${WEAK}\n`,
      good: `# lint: ignore WEAK_ALGORITHM until 9999-12-31 because the mainframe has nothing better\n${WEAK}\n`,
    },
  },
  unused: {
    code: 'SUPPRESSION_UNUSED',
    severity: 'warning',
    title: 'a suppression silences nothing',
    why: 'What it was written for is mended, or it stands at another line. Left in place it would hide the next finding there.',
    example: {
      bad: `# lint: ignore WEAK_ALGORITHM until 9999-12-31 because the mainframe has nothing better\n${LEFTOVER}\n`,
      good: `# lint: ignore WEAK_ALGORITHM until 9999-12-31 because the mainframe has nothing better\n${WEAK}\n`,
    },
  },
} as const satisfies Record<string, RuleFacts>;

interface Suppression {
  readonly comment: LintComment;
  readonly codes: readonly string[];
  readonly reason: string;
  readonly expired: boolean;
  /** Lines it reaches. */
  readonly lines: readonly number[];
  used: boolean;
}

export interface Silenced {
  readonly finding: LintFinding;
  readonly reason: string;
}

export interface Judged {
  readonly findings: readonly LintFinding[];
  readonly silenced: readonly Silenced[];
}

/**
 * Takes out the findings that comments silence and adds what is wrong with the comments. `today` is `YYYY-MM-DD`; the day
 * named in a comment is its last. `nextLine` answers the first line with words behind a line.
 */
export function suppress(
  findings: readonly LintFinding[],
  comments: readonly LintComment[],
  context: { readonly today: string; readonly codes: ReadonlySet<string>; nextLine(line: number): number | undefined },
): Judged {
  const said: LintFinding[] = [];
  const suppressions: Suppression[] = [];
  for (const comment of comments) {
    if (!/^\s*lint\s*(:|\s+ignore\b)/i.test(comment.text)) continue;
    const read = readSuppression(comment, context);
    if ('what' in read) said.push(read);
    else {
      suppressions.push(read);
      for (const code of read.codes) {
        if (!context.codes.has(code)) said.push(unknownCode(comment, code));
      }
    }
  }
  const silenced: Silenced[] = [];
  const kept = findings.filter((finding) => {
    const by = suppressions.find((one) => reaches(one, finding));
    if (by === undefined) return true;
    by.used = true;
    if (by.expired) return true;
    silenced.push({ finding, reason: by.reason });
    return false;
  });
  for (const one of suppressions) {
    if (one.expired) said.push(told(one.comment, 'expired', 'this suppression has expired', 'mend what it hides'));
    else if (!one.used && one.codes.every((code) => context.codes.has(code)))
      said.push(told(one.comment, 'unused', 'this suppression silences nothing here', 'take it away'));
  }
  return { findings: inOrder([...kept, ...said]), silenced };
}

function reaches({ codes, lines }: Suppression, finding: LintFinding): boolean {
  const { line, endLine = line } = finding;
  return codes.includes(finding.code) && lines.some((one) => line <= one && one <= endLine);
}

function readSuppression(
  comment: LintComment,
  { today, nextLine }: { readonly today: string; nextLine(line: number): number | undefined },
): Suppression | LintFinding {
  const parts = /^\s*lint:\s*ignore\s+(.*?)\s+until\s+(\S+)\s+because\s+(\S.*)$/.exec(comment.text);
  const [, list = '', until = '', reason = ''] = parts ?? [];
  const codes = list.split(/[\s,]+/).filter((code) => code !== '');
  if (parts === null || codes.length === 0) {
    return told(
      comment,
      'malformed',
      'this is no suppression: it needs codes, a last day and a reason',
      `write ${HOW}`,
    );
  }
  if (!isDay(until)) {
    return told(comment, 'malformed', 'this suppression has no last day', `write ${HOW}`);
  }
  const next = comment.alone ? nextLine(comment.line) : undefined;
  const lines = next === undefined ? [comment.line] : [comment.line, next];
  return { comment, codes, reason: reason.trim(), expired: until < today, lines, used: false };
}

/** A day of the calendar, as ISO 8601 writes it. */
export function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const day = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text);
}

/** The word is shown only where it cannot be a key: a file of secrets may have one in a comment. */
function unknownCode(comment: LintComment, code: string): LintFinding {
  const shown = /^[A-Z][A-Z_]{3,40}$/.test(code) ? ` ${code}` : '';
  return told(comment, 'unknown', `no rule has the code${shown}`, 'docs/lint-rules.md lists the codes');
}

function told(
  { line, column }: LintComment,
  kind: keyof typeof SUPPRESSION_RULES,
  what: string,
  todo: string,
): LintFinding {
  const { code, severity, why } = SUPPRESSION_RULES[kind];
  return { code, severity, why, line, column, what, todo };
}
