/** Lint of one file of any kind, and beside it, kept apart, what the real tool would do with it. */

import type { Problem } from '../../errors.js';
import type { Address } from '../../model/address.js';
import { runRules } from '../../policy/lint/finding.js';
import { lintPolicy, type LintReport } from '../../policy/lint/lint-policy.js';
import type { ToolRemark } from '../../policy/lint/policy-subject.js';
import { suppress, type LintComment } from '../../policy/lint/suppressions.js';
import type { NameTables } from '../../policy/name-tables.js';
import { predictFile, type PredictedVerdict } from '../predict-file.js';
import { IKE_RULES, readIkeSubject } from './ike-rules.js';
import { KEY_RULES } from './key-rules.js';
import { readKeySubject, type KeySubject } from './key-subject.js';
import { PSK_RULES, readPskSubject } from './psk-rules.js';
import { LINT_CODES, type LintKind } from './rule-book.js';

export interface FileContext {
  readonly names: NameTables;
  /** The host's own addresses; empty = not known. */
  readonly local: readonly Address[];
  /** `YYYY-MM-DD` */
  readonly today: string;
  /** Permission bits, where known. */
  readonly mode?: number | undefined;
}

/** `unknown` for in.iked, whose source is closed: only what its manual pages say is checked. */
export interface ToolVerdict {
  readonly tool: 'ipsecconf' | 'ipseckey' | 'in.iked';
  readonly verdict: PredictedVerdict | 'accepted';
  /** Rules or SAs that would be installed; absent where they cannot be told. */
  readonly installed?: number;
}

export interface FileReport extends LintReport {
  readonly kind: LintKind;
  readonly tool: ToolVerdict;
}

/** @returns findings by line; remarks of the tool, with the place of the entry concerned, by line as well */
export function lintFile(kind: LintKind, text: string, context: FileContext): FileReport {
  return { kind, ...lintText(kind, text, context), tool: toolVerdict(kind, text, context) };
}

/** The findings alone, for texts that are known to load. */
export function lintText(kind: LintKind, text: string, context: FileContext): LintReport {
  const { names, local, mode } = context;
  switch (kind) {
    case 'policy':
      return lintPolicy(text, { names, local, today: context.today, codes: LINT_CODES });
    case 'keys': {
      const subject = readKeySubject(text, names, local, mode);
      const remarks = [...remarksOf(subject.problems), ...kernelRemarks(text, context, subject)];
      return { ...judged(runRules(KEY_RULES, subject), subject, context), remarks };
    }
    case 'ike': {
      const subject = readIkeSubject(text, local);
      return { ...judged(runRules(IKE_RULES, subject), subject, context), remarks: remarksOf(subject.problems) };
    }
    case 'psk': {
      const subject = readPskSubject(text, local, mode);
      return { ...judged(runRules(PSK_RULES, subject), subject, context), remarks: remarksOf(subject.problems) };
    }
  }
}

function judged(
  findings: LintReport['findings'],
  { comments, lines }: { readonly comments: readonly LintComment[]; readonly lines: readonly number[] },
  { today }: FileContext,
): Omit<LintReport, 'remarks'> {
  const nextLine = (line: number): number | undefined => lines.find((one) => one > line);
  return suppress(findings, comments, { today, codes: LINT_CODES, nextLine });
}

function remarksOf(problems: readonly Problem[]): readonly ToolRemark[] {
  return problems.map(({ severity, what, at }) => ({
    severity,
    text: what,
    line: at?.line ?? 1,
    column: at?.column ?? 1,
  }));
}

const BLOCK = /Config file entry near line (\d+) caused error\(s\) or warnings:\n/;

/** What only the kernel refuses: the lines that ipseckey prints of a command in which it found nothing itself. */
function kernelRemarks(
  text: string,
  { names, local }: FileContext,
  { problems, adds }: KeySubject,
): readonly ToolRemark[] {
  const { stdout } = predictFile('keys', text, { names, addresses: local }, 'masked').load;
  const [, ...blocks] = stdout.split(BLOCK);
  const remarks: ToolRemark[] = [];
  for (let i = 0; i + 1 < blocks.length; i += 2) {
    const endLine = Number(blocks[i]);
    const add = adds.find((one) => one.endLine === endLine);
    if (add === undefined) continue;
    const { line, column } = add;
    if (problems.some(({ at }) => at !== undefined && at.line >= line && at.line <= endLine)) continue;
    const said = (blocks[i + 1] ?? '')
      .split('\n')
      .filter((one) => one.trim() !== '' && !/^(\[command\]|ipseckey: )/.test(one));
    remarks.push({ severity: 'error', line, column, text: `the kernel refuses this: ${said.join(' ').trim()}` });
  }
  return remarks;
}

function toolVerdict(kind: LintKind, text: string, { names, local }: FileContext): ToolVerdict {
  if (kind === 'policy' || kind === 'keys') {
    const { verdict, installed } = predictFile(kind, text, { names, addresses: local }, 'masked');
    const tool = kind === 'policy' ? 'ipsecconf' : 'ipseckey';
    return { tool, verdict, ...(installed === undefined ? {} : { installed: installed.length }) };
  }
  const problems = kind === 'ike' ? readIkeSubject(text, []).problems : readPskSubject(text, [], undefined).problems;
  const refused = problems.some(({ severity }) => severity === 'error');
  return { tool: 'in.iked', verdict: refused ? 'refused' : 'accepted' };
}

/** Whether a host would be left without what the file says. */
export function isRefused({ verdict }: ToolVerdict): boolean {
  return verdict !== 'installs' && verdict !== 'accepted' && verdict !== 'installs-nothing';
}
