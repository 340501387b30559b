/** A pass as JUnit XML, the form that test runners and build servers read: a suite for each host, a case for each area. */

import type { JudgedLook, JudgedPass } from '../drift/judge-pass.js';
import { findingId } from '../drift/finding-id.js';
import type { DriftFinding } from '../model/drift.js';
import { areaOf, DRIFT_AREAS, type DriftArea } from './drift-areas.js';

export interface JunitOptions {
  readonly fleet: string;
  /** Whether what only waits to be applied is a failure. */
  readonly strict: boolean;
}

type Verdict = 'passed' | 'failure' | 'error' | 'skipped';

interface Case {
  readonly area: DriftArea;
  readonly verdict: Verdict;
  readonly findings: readonly DriftFinding[];
  readonly why: string;
}

/** A whole document, ended by a newline. An unreachable host is an error, the areas that could not be looked at are skipped. */
export function junitReport({ id, begun, ended, looks }: JudgedPass, { fleet, strict }: JunitOptions): string {
  const suites = looks.map((look) => ({ look, cases: casesOf(look, strict) }));
  const seconds = Math.max(0, Date.parse(ended) - Date.parse(begun)) / 1000;
  const totals = countAttributes(suites.flatMap(({ cases }) => cases));
  const name = `ipsec-deploy drift ${fleet}`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${xmlAttributes({ id, name, time: seconds.toFixed(3) })} ${totals}>`,
    ...suites.flatMap(({ look, cases }) => suiteLines(look, cases, fleet, begun)),
    '</testsuites>',
    '',
  ].join('\n');
}

function casesOf(look: JudgedLook, strict: boolean): readonly Case[] {
  const isUnseen = look.state === 'unreachable';
  return DRIFT_AREAS.map((area): Case => {
    const findings = look.findings.filter(({ kind }) => areaOf(kind) === area);
    const [first] = findings;
    if (first === undefined) {
      const accepted = look.accepted.filter(({ kind }) => areaOf(kind) === area);
      if (accepted.length > 0) return { area, verdict: 'skipped', findings: accepted, why: 'accepted' };
      return { area, verdict: isUnseen ? 'skipped' : 'passed', findings, why: 'the host could not be looked at' };
    }
    const why = findings.length === 1 ? first.what : `${first.what}, and ${findings.length - 1} more`;
    if (isUnseen) return { area, verdict: 'error', findings, why };
    const counts = strict || findings.some((finding) => finding.class === 'drift');
    return { area, verdict: counts ? 'failure' : 'skipped', findings, why };
  });
}

function suiteLines(look: JudgedLook, cases: readonly Case[], fleet: string, begun: string): readonly string[] {
  const timestamp = begun.replace(/\.\d+Z$/, 'Z');
  return [
    `  <testsuite ${xmlAttributes({ name: look.host, timestamp })} ${countAttributes(cases)}>`,
    ...cases.flatMap((one) => caseLines(one, `${fleet}.${look.host}`)),
    '  </testsuite>',
  ];
}

function caseLines({ area, verdict, findings, why }: Case, classname: string): readonly string[] {
  const open = `    <testcase ${xmlAttributes({ classname, name: area })}`;
  if (verdict === 'passed') return [`${open}/>`];
  const [first] = findings;
  const type = verdict === 'skipped' ? {} : { type: first?.kind ?? '' };
  const body = findings.map(findingText).join('\n\n');
  const inner = `      <${verdict} ${xmlAttributes({ message: why, ...type })}>${xmlText(body)}</${verdict}>`;
  return [`${open}>`, inner, '    </testcase>'];
}

function findingText(finding: DriftFinding): string {
  const { severity, what, since, cause, mend, details = [] } = finding;
  return [
    `${severity} ${findingId(finding)}: ${what}`,
    ...(since === undefined ? [] : [`since: ${since.at} (${since.by})`]),
    ...(cause === undefined ? [] : [`cause: ${cause}`]),
    ...(mend === '' ? [] : [`mend: ${mend}`]),
    ...details.map((line) => `  ${line}`),
  ].join('\n');
}

function countAttributes(cases: readonly Case[]): string {
  const number = (wanted: Verdict): string => String(cases.filter(({ verdict }) => verdict === wanted).length);
  return xmlAttributes({
    tests: String(cases.length),
    failures: number('failure'),
    errors: number('error'),
    skipped: number('skipped'),
  });
}

/** `name="value" …`, escaped. */
export function xmlAttributes(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(
      ([name, value]) =>
        `${name}="${xmlText(value)
          .replaceAll('"', '&quot;')
          .replace(/[\n\t]/g, ' ')}"`,
    )
    .join(' ');
}

/**
 * Text as content of an element. What XML 1.0 §2.2 allows nowhere, not even escaped, and marks that reorder text are left out; `]]>` may not
 * stand in content either.
 */
export function xmlText(value: string): string {
  return value
    .replace(/\r\n?/g, '\n')
    .replace(/(?![\n\t])\p{Cc}|[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]|\p{Cs}/gu, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}
