/** Findings of a validation: as a person reads them, with the count at the end, and as SARIF for code hosts. */

import type { Problem } from '../errors.js';
import { count } from './plan-text.js';
import { plain, printable, type Paint } from './paint.js';
import { problemsText } from './problem-text.js';
import { sarifLog, type SarifResult } from './sarif.js';

export interface ValidatedCounts {
  readonly hosts: number;
  readonly links: number;
  readonly tests: number;
}

/** `counts` are unknown when the inventory could not be read. */
export function validateText(
  path: string,
  problems: readonly Problem[],
  counts: ValidatedCounts | undefined,
  paint: Paint = plain,
): string {
  const of = (severity: Problem['severity']): number => problems.filter((one) => one.severity === severity).length;
  const [errors, warnings] = [of('error'), of('warning')];
  const subject =
    counts === undefined
      ? ''
      : `: ${count(counts.hosts, 'host')}, ${count(counts.links, 'link')}, ${count(counts.tests, 'test')}`;
  const words = [
    ...(errors > 0 ? [paint('red', count(errors, 'error'))] : []),
    ...(warnings > 0 ? [paint('yellow', count(warnings, 'warning'))] : []),
  ];
  const verdict = errors > 0 ? words.join(', ') : ['all is well', ...words].join(', ');
  return `${problemsText(problems, paint)}${problems.length > 0 ? '\n' : ''}${printable(path)}${subject}: ${verdict}\n`;
}

/** A SARIF log; a finding without a place is put at the inventory. */
export function validateSarif(path: string, problems: readonly Problem[], version: string): object {
  return sarifLog(
    { name: 'ipsec-deploy', version, rules: rulesOf(problems) },
    problems.map(({ code, severity, what, at, todo }): SarifResult => ({
      ruleId: code,
      level: severity,
      message: `${what}. To do: ${todo}`,
      file: at?.file ?? path,
      ...(at && { line: at.line, column: at.column }),
    })),
  );
}

function rulesOf(problems: readonly Problem[]): Parameters<typeof sarifLog>[0]['rules'] {
  const codes = new Map(problems.map(({ code, severity }) => [code, severity]));
  return [...codes].map(([id, level]) => ({ id, level, title: id.toLowerCase().replaceAll('_', ' ') }));
}
