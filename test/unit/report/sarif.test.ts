import { expect, test } from 'vitest';

import { sarifLog } from '../../../controller/report/sarif.js';

const TOOL = {
  name: 'ipsec-deploy',
  version: '1.2.3',
  rules: [{ id: 'A', level: 'error', title: 'a', why: 'because' }],
} as const;

test('a log names its version, its tool, its rules, and each finding with its place', () => {
  const log = sarifLog(TOOL, [
    {
      ruleId: 'A',
      level: 'error',
      message: 'bad',
      file: 'hosts/web 1.conf',
      line: 3,
      column: 5,
      endLine: 4,
      related: [{ line: 1, column: 1, message: 'first' }],
    },
    {
      ruleId: 'A',
      level: 'note',
      message: 'silenced',
      file: '/etc/inet/ipsecinit.conf',
      line: 2,
      endLine: 2,
      suppressed: 'until the move',
    },
    { ruleId: 'B', level: 'warning', message: 'of no file' },
  ]);
  expect(log).toMatchObject({
    version: '2.1.0',
    $schema: expect.stringMatching(/^https:.*sarif-schema-2\.1\.0\.json$/),
    runs: [
      {
        tool: {
          driver: {
            name: 'ipsec-deploy',
            version: '1.2.3',
            rules: [
              {
                id: 'A',
                shortDescription: { text: 'a' },
                fullDescription: { text: 'because' },
                defaultConfiguration: { level: 'error' },
              },
            ],
          },
        },
        columnKind: 'unicodeCodePoints',
        results: [
          {
            ruleId: 'A',
            ruleIndex: 0,
            level: 'error',
            message: { text: 'bad' },
            locations: [
              {
                physicalLocation: {
                  artifactLocation: { uri: 'hosts/web%201.conf' },
                  region: { startLine: 3, startColumn: 5, endLine: 4 },
                },
              },
            ],
            relatedLocations: [
              { id: 0, message: { text: 'first' }, physicalLocation: { region: { startLine: 1, startColumn: 1 } } },
            ],
          },
          {
            locations: [
              {
                physicalLocation: {
                  artifactLocation: { uri: 'file:///etc/inet/ipsecinit.conf' },
                  region: { startLine: 2 },
                },
              },
            ],
            suppressions: [{ kind: 'inSource', justification: 'until the move' }],
          },
          { ruleId: 'B', level: 'warning', message: { text: 'of no file' } },
        ],
      },
    ],
  });
  expect(JSON.stringify(log)).not.toContain('undefined');
});

test('nothing found is a log with no results', () => {
  expect(sarifLog(TOOL, [])).toMatchObject({ runs: [{ results: [] }] });
});
