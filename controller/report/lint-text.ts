/** Lint as a person reads it: what the real tool would do, then each finding with its line, a caret, why and what to do. */

import { isRefused, type FileReport, type ToolVerdict } from '../keys/lint/lint-file.js';
import type { LintFinding, Related, Severity } from '../policy/lint/finding.js';
import type { ToolRemark } from '../policy/lint/policy-subject.js';
import { printable, type Colour, type Paint } from './paint.js';

export interface LintedFile {
  readonly file: string;
  readonly text: string;
  readonly report: FileReport;
}

const COLOURS: Readonly<Record<Severity, Colour>> = { error: 'red', warning: 'yellow', info: 'cyan' };

/** Longest piece of a line that is shown around a finding. */
const MOST_COLUMNS = 160;

export function lintText({ file, text, report }: LintedFile, paint: Paint): string {
  const name = printable(file);
  // A line of a file with keys in it is never shown.
  const lines = report.kind === 'keys' || report.kind === 'psk' ? [] : text.split('\n');
  const said = new Set<string>();
  return [
    `${name}: ${verdictText(report.tool, paint)}\n`,
    ...report.remarks.map((remark) => remarkText(remark, name, report.tool.tool, lines, paint)),
    ...report.findings.map((finding) => {
      const first = !said.has(finding.code);
      said.add(finding.code);
      return findingText(finding, name, lines, first, paint);
    }),
  ].join('');
}

function verdictText(tool: ToolVerdict, paint: Paint): string {
  const { verdict, installed } = tool;
  const one = tool.tool === 'ipseckey' ? 'SA' : 'rule';
  const many = `${installed ?? 0} ${one}${installed === 1 ? '' : 's'}`;
  const words: Record<ToolVerdict['verdict'], string> = {
    installs: installed === undefined ? 'would take it, and cannot list what it installs' : `would take it: ${many}`,
    accepted: 'would take it, as far as its manual pages tell',
    'installs-nothing': 'would take it, and install nothing',
    refused: 'would refuse it',
    'checks-only': 'would pass it in a check, and refuse to load it',
    partly: `would refuse a part of it: ${many} installed`,
    crash: 'would die of a signal on it',
  };
  const colour: Colour = isRefused(tool) ? 'red' : verdict === 'installs-nothing' ? 'yellow' : 'green';
  return `${tool.tool} ${paint(colour, words[verdict])}`;
}

function remarkText(
  { line, column, severity, text }: ToolRemark,
  file: string,
  tool: ToolVerdict['tool'],
  lines: readonly string[],
  paint: Paint,
): string {
  const word = paint(COLOURS[severity], severity === 'error' ? 'refuses' : 'warns');
  return `${file}:${line}:${column}: ${tool} ${word}: ${printable(text)}\n${excerpt(lines, line, column, paint)}`;
}

/** The reason is told once for each code. */
function findingText(
  finding: LintFinding,
  file: string,
  lines: readonly string[],
  withWhy: boolean,
  paint: Paint,
): string {
  const { code, severity, line, column, what, why, todo, related = [] } = finding;
  return [
    `${file}:${line}:${column}: ${paint(COLOURS[severity], severity)}: ${printable(what)} ${paint('dim', `[${code}]`)}\n`,
    excerpt(lines, line, column, paint),
    ...related.map((one) => relatedText(one, lines, paint)),
    withWhy ? `  ${paint('dim', 'why:')} ${why}\n` : '',
    `  ${paint('dim', 'do:')}  ${printable(todo)}\n`,
  ].join('');
}

function relatedText({ line, what }: Related, lines: readonly string[], paint: Paint): string {
  const shown = printable((lines[line - 1] ?? '').trim()).slice(0, MOST_COLUMNS);
  return `  ${paint('dim', `line ${line}:`)} ${printable(what)}${shown === '' ? '' : `: ${shown}`}\n`;
}

/** The line, and a caret under the column; of a long line a part. */
function excerpt(lines: readonly string[], line: number, column: number, paint: Paint): string {
  const whole = (lines[line - 1] ?? '').replace(/\r$/, '');
  if (whole.trim() === '') return '';
  const characters = Array.from(whole);
  const start = Math.max(0, column - 1 - MOST_COLUMNS / 2);
  const part = characters.slice(start, start + MOST_COLUMNS).join('');
  const before = characters.slice(start, column - 1).join('');
  const gutter = String(line).padStart(5);
  // Tabs stay tabs, so that the caret stands where the terminal puts the character.
  const indent = Array.from(printable(before), (one) => (one === '\t' ? one : ' ')).join('');
  return `${paint('dim', `${gutter} |`)} ${printable(part)}\n${paint('dim', '      |')} ${indent}${paint('bold', '^')}\n`;
}

export interface LintCounts {
  readonly error: number;
  readonly warning: number;
  readonly info: number;
  readonly silenced: number;
  readonly refused: number;
}

export function countLint(reports: readonly FileReport[]): LintCounts {
  const of = (severity: Severity): number =>
    reports.reduce((sum, { findings }) => sum + findings.filter((one) => one.severity === severity).length, 0);
  return {
    error: of('error'),
    warning: of('warning'),
    info: of('info'),
    silenced: reports.reduce((sum, { silenced }) => sum + silenced.length, 0),
    refused: reports.filter(({ tool }) => isRefused(tool)).length,
  };
}

export function lintSummary(files: number, { error, warning, info, silenced, refused }: LintCounts): string {
  const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;
  const parts = [count(error, 'error'), count(warning, 'warning'), `${info} info`];
  if (silenced > 0) parts.push(`${silenced} silenced`);
  if (refused > 0) parts.push(`${count(refused, 'file')} refused by the tool`);
  return `${count(files, 'file')}: ${parts.join(', ')}\n`;
}
