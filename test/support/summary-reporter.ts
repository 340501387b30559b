/** The last lines of a test run, plain: each failure with its first words, then what passed, failed and was skipped. */

import { stripVTControlCharacters } from 'node:util';
import type { Reporter, TestCase, TestModule } from 'vitest/node';

/** What an error says, as vitest hands it on: of tests, of files and of what nobody caught. */
interface Told {
  readonly name?: string | undefined;
  readonly message?: string | undefined;
  readonly diff?: string | undefined;
  readonly stacks?: readonly { readonly file: string; readonly line: number }[] | undefined;
}

const MOST_LINES = 25;
const MOST_IN_ALL = 40;

function wordsOf(error: Told): string {
  const place = error.stacks?.[0];
  const lines = [
    ...(error.message ?? error.name ?? 'an error without a message').split('\n'),
    ...(error.diff ?? '').split('\n').filter((line) => line.trim() !== ''),
  ];
  const shown = lines.slice(0, MOST_LINES);
  if (lines.length > shown.length) shown.push(`… ${lines.length - shown.length} lines more`);
  if (place !== undefined) shown.push(`at ${place.file}:${place.line}`);
  return stripVTControlCharacters(shown.map((line) => `    ${line}\n`).join(''));
}

function failureOf(module: TestModule, name: string, errors: readonly Told[]): string {
  const project = module.project.name === '' ? '' : `[${module.project.name}] `;
  return `FAILED ${project}${module.relativeModuleId} > ${name}\n${errors.map(wordsOf).join('')}`;
}

function failuresOf(module: TestModule): readonly string[] {
  const suites = [...module.children.allSuites()].map((suite) => ({ name: suite.fullName, errors: suite.errors() }));
  const tests = [...module.children.allTests()].map((test: TestCase) => ({
    name: test.fullName,
    errors: test.result().state === 'failed' ? (test.result().errors ?? []) : [],
  }));
  return [{ name: 'the file itself', errors: module.errors() }, ...suites, ...tests]
    .filter(({ errors }) => errors.length > 0)
    .map(({ name, errors }) => failureOf(module, name, errors));
}

export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly Told[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) counts[test.result().state]++;
      // A file that could not even be read has no tests to count.
      if (module.state() === 'failed' && [...module.children.allTests()].length === 0) counts.failed++;
    }
    const failures = [
      ...modules.flatMap(failuresOf),
      ...unhandled.map((error) => `FAILED outside of any test\n${wordsOf(error)}`),
    ];
    console.log(`\n${failures.slice(0, MOST_IN_ALL).join('')}`.trimEnd());
    if (failures.length > MOST_IN_ALL) console.log(`… ${failures.length - MOST_IN_ALL} failures more`);
    const uncaught = unhandled.length === 0 ? '' : `, errors outside of tests: ${unhandled.length}`;
    console.log(
      `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped + counts.pending} skipped${uncaught}`,
    );
  }
}
