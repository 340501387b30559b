/** Lint of ipsecinit.conf: every rule over one file, and the comments that silence some of it. */

import type { Address } from '../../model/address.js';
import { fromBytes, skipSpace } from '../line-pieces.js';
import type { NameTables } from '../name-tables.js';
import { ADDRESS_RULES } from './address-rules.js';
import { ALGORITHM_RULES } from './algorithm-rules.js';
import { ALTERNATIVE_RULES } from './alternative-rules.js';
import { DIRECTION_RULES } from './direction-rules.js';
import { runRules, type LintFinding, type LintRule } from './finding.js';
import { KERNEL_RULES } from './kernel-rules.js';
import { readPolicySubject, type PolicySubject, type ToolRemark } from './policy-subject.js';
import { BROAD_RULES } from './broad-rules.js';
import { REACH_RULES } from './reach-rules.js';
import { suppress, type LintComment, type Silenced } from './suppressions.js';
import { TEXT_RULES } from './text-rules.js';
import { TRAFFIC_RULES } from './traffic-rules.js';

export const POLICY_RULES: readonly LintRule<PolicySubject>[] = [
  ...TEXT_RULES,
  ...ADDRESS_RULES,
  ...TRAFFIC_RULES,
  ...DIRECTION_RULES,
  ...ALGORITHM_RULES,
  ...ALTERNATIVE_RULES,
  ...KERNEL_RULES,
  ...REACH_RULES,
  ...BROAD_RULES,
];

export interface LintContext {
  readonly names: NameTables;
  /** The host's own addresses; empty = not known, and what turns on them is left out. */
  readonly local: readonly Address[];
  /** `YYYY-MM-DD`: decides which suppressions have expired. */
  readonly today: string;
  /** Every code there is, of all kinds of file: a suppression may name any. */
  readonly codes: ReadonlySet<string>;
}

export interface LintReport {
  readonly findings: readonly LintFinding[];
  readonly silenced: readonly Silenced[];
  /** What the tool would say of single entries; its verdict on the file is another question. */
  readonly remarks: readonly ToolRemark[];
}

export function lintPolicy(text: string, context: LintContext): LintReport {
  const subject = readPolicySubject(text, context.names, context.local);
  const inCharacters = characterColumns(text);
  const findings = runRules(POLICY_RULES, subject).map((found): LintFinding => {
    const { related } = found;
    return { ...inCharacters(found), ...(related && { related: related.map(inCharacters) }) };
  });
  const comments = subject.comments.map((comment): LintComment => inCharacters(comment));
  const withWords = subject.pieces
    .filter(({ text: words }) => skipSpace(words, 0) < words.length)
    .map(({ line }) => line);
  const judged = suppress(findings, comments, {
    today: context.today,
    codes: context.codes,
    nextLine: (line) => withWords.find((one) => one > line),
  });
  return { ...judged, remarks: subject.remarks.map(inCharacters) };
}

/** The tool counts bytes; people and editors count characters. */
function characterColumns(text: string): <T extends { readonly line: number; readonly column: number }>(at: T) => T {
  if (/^[\u0000-\u007f]*$/.test(text)) return (at) => at;
  const lines = text.split('\n');
  return (at) => {
    const bytes = Buffer.from(lines[at.line - 1] ?? '').toString('latin1');
    return { ...at, column: fromBytes(bytes.slice(0, at.column - 1)).length + 1 };
  };
}
