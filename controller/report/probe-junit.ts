/** Probes as JUnit XML: a suite for each link, one for what no link speaks of, a case for each flow. */

import type { ProbeGap, ProbeResult } from '../model/link-probe.js';
import { xmlAttributes, xmlText } from './junit.js';

/** A whole document, ended by a newline. What could not be tried is skipped, with the reason. */
export function probeJunit(results: readonly ProbeResult[], gaps: readonly ProbeGap[], fleet: string): string {
  const suites = new Map<string, { readonly results: ProbeResult[]; readonly gaps: ProbeGap[] }>();
  const suiteOf = (name: string) => {
    const suite = suites.get(name) ?? { results: [], gaps: [] };
    suites.set(name, suite);
    return suite;
  };
  for (const result of results) suiteOf(result.link ?? 'others').results.push(result);
  for (const gap of gaps) suiteOf(gap.link ?? 'others').gaps.push(gap);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${xmlAttributes({ name: `ipsec-deploy probe ${fleet}` })} ${counts(results, gaps)}>`,
    ...[...suites].flatMap(([name, suite]) => [
      `  <testsuite ${xmlAttributes({ name })} ${counts(suite.results, suite.gaps)}>`,
      ...suite.results.flatMap((result) => caseLines(result, fleet)),
      ...suite.gaps.flatMap((gap) => gapLines(gap, fleet)),
      '  </testsuite>',
    ]),
    '</testsuites>',
    '',
  ].join('\n');
}

function counts(results: readonly ProbeResult[], gaps: readonly ProbeGap[]): string {
  const count = (state: ProbeResult['state']): number => results.filter((result) => result.state === state).length;
  return xmlAttributes({
    tests: String(results.length + gaps.length),
    failures: String(count('broken')),
    errors: '0',
    skipped: String(count('untried') + gaps.length),
  });
}

function caseLines(result: ProbeResult, fleet: string): readonly string[] {
  const { link, from, to, source, destination, flow, expect } = result;
  const classname = `${fleet}.${link ?? 'others'}`;
  const name = `${from} ${source} to ${to} ${destination} ${flow} ${expect}`;
  const open = `    <testcase ${xmlAttributes({ classname, name })}`;
  switch (result.state) {
    case 'held':
      return [`${open}/>`];
    case 'untried':
      return [`${open}>`, `      <skipped ${xmlAttributes({ message: result.why })}/>`, '    </testcase>'];
    case 'broken': {
      const { fault, evidence, cause, todo } = result;
      const body = xmlText(`${evidence}\nlikely ${cause}\n${todo}`);
      return [
        `${open}>`,
        `      <failure ${xmlAttributes({ message: evidence, type: fault })}>${body}</failure>`,
        '    </testcase>',
      ];
    }
  }
}

function gapLines({ link, host, why }: ProbeGap, fleet: string): readonly string[] {
  const classname = `${fleet}.${link ?? 'others'}`;
  const name = host ?? link ?? '';
  return [
    `    <testcase ${xmlAttributes({ classname, name })}>`,
    `      <skipped ${xmlAttributes({ message: why })}/>`,
    '    </testcase>',
  ];
}
