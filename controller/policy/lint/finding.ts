/** What lint says of a place in a file, and what a rule of lint is made of. Knows no kind of file. */

/** `error`: the file does not do what it says, or fails open. `warning`: unsafe or fragile. `info`: worth knowing. */
export type Severity = 'error' | 'warning' | 'info';

/** Lines and columns count from 1; columns in characters. */
export interface Place {
  readonly line: number;
  readonly column: number;
  /** Last line of what is spoken of, when it has several. */
  readonly endLine?: number;
}

export interface Related {
  readonly line: number;
  readonly column: number;
  readonly what: string;
}

/** One thing that a rule found. */
export interface Found extends Place {
  readonly what: string;
  readonly todo: string;
  /** When it weighs more or less than the rule usually does. */
  readonly severity?: Severity;
  readonly related?: readonly Related[];
}

export interface LintFinding extends Found {
  /** Stable, upper snake case. */
  readonly code: string;
  readonly severity: Severity;
  readonly why: string;
}

/** A small file, and what has to be known of the host to judge it. */
export interface LintExample {
  readonly bad: string;
  /** The same file mended: the rule has nothing to say of it. */
  readonly good: string;
  /** The host's own addresses. */
  readonly local?: readonly string[];
  /** Lines of /etc/hosts. */
  readonly hosts?: string;
  /** Mode of the bad file; the good one has 0600. */
  readonly mode?: number;
}

/** What every rule has, those without a check of their own included. */
export interface RuleFacts {
  readonly code: string;
  /** What it weighs unless a finding says otherwise. */
  readonly severity: Severity;
  /** A few words. */
  readonly title: string;
  /** What goes wrong, and why. */
  readonly why: string;
  readonly example: LintExample;
}

export interface LintRule<Subject> extends RuleFacts {
  check(subject: Subject): Iterable<Found>;
}

/** All that the rules find, by line. A rule says the same of a place only once. */
export function runRules<Subject>(rules: readonly LintRule<Subject>[], subject: Subject): LintFinding[] {
  const findings = new Map<string, LintFinding>();
  for (const rule of rules) {
    for (const found of rule.check(subject)) {
      const { code, severity, why } = rule;
      const key = `${found.line}:${found.column} ${code} ${found.what}`;
      if (!findings.has(key)) findings.set(key, { severity, ...found, code, why });
    }
  }
  return inOrder([...findings.values()]);
}

export function inOrder(findings: readonly LintFinding[]): LintFinding[] {
  return findings.toSorted((a, b) => a.line - b.line || a.column - b.column || (a.code < b.code ? -1 : 1));
}
