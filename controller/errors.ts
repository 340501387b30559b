/** The errors a person can act on: what happened, where, and what to do. Bugs stay plain `Error`s. */

/** Exit statuses of a run, worst last except 130 (docs/operators-guide.md, "Exit status"). */
export const EXIT = {
  ok: 0,
  input: 1,
  changes: 2,
  reverted: 3,
  failed: 4,
  unknown: 5,
  interrupted: 130,
} as const;

export type ExitStatus = (typeof EXIT)[keyof typeof EXIT];

/** A place in a file the operator wrote. Lines and columns count from 1. */
export interface SourcePosition {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One thing wrong with the operator's input. */
export interface Problem {
  /** Stable, upper snake case, e.g. `UNKNOWN_KEY`. */
  readonly code: string;
  readonly severity: 'error' | 'warning';
  readonly what: string;
  readonly at?: SourcePosition;
  readonly todo: string;
}

export interface OperatorErrorDetail {
  readonly what: string;
  /** `file:line:column`, a host, or a path. */
  readonly where?: string;
  readonly todo?: string;
  readonly exit?: ExitStatus;
  readonly cause?: unknown;
}

/** Something a person must mend. Only `cli/` turns it into text and an exit status. */
export class OperatorError extends Error {
  override readonly name = 'OperatorError';
  readonly what: string;
  readonly where: string | undefined;
  readonly todo: string | undefined;
  readonly exit: ExitStatus;

  constructor(
    readonly code: string,
    detail: OperatorErrorDetail,
  ) {
    super(`${detail.where === undefined ? '' : `${detail.where}: `}${detail.what}`, { cause: detail.cause });
    this.what = detail.what;
    this.where = detail.where;
    this.todo = detail.todo;
    this.exit = detail.exit ?? EXIT.input;
  }
}

/** Every problem of one input, reported together. */
export class InputProblems extends OperatorError {
  constructor(readonly problems: readonly Problem[]) {
    const errors = problems.filter((problem) => problem.severity === 'error').length;
    super('INPUT_PROBLEMS', { what: `${errors} ${errors === 1 ? 'problem' : 'problems'} in the input` });
  }
}

/** `file:line:column` as editors and terminals understand it. */
export function positionText(at: SourcePosition): string {
  return `${at.file}:${at.line}:${at.column}`;
}

/** Makes a missing `case` a compile error. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
