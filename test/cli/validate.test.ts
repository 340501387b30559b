import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runIn } from '../support/offline-run.js';
import { seedInventory } from '../support/seed-case.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ipsec-validate-'));
  mkdirSync(join(folder, 'good'));
  writeFileSync(join(folder, 'good', 'inventory.yaml'), seedInventory());
  // Two things wrong at once: a test that does not hold, and a template that locks everybody out.
  mkdirSync(join(folder, 'bad', 'templates', 'solaris'), { recursive: true });
  const tests =
    'tests:\n  - { from: web1, to: db1, ulp: tcp, port: 80, expect: clear }\nsettings: { templates: templates }\n';
  writeFileSync(join(folder, 'bad', 'inventory.yaml'), seedInventory({ extra: tests }));
  writeFileSync(join(folder, 'bad', 'templates', 'solaris', 'peer.hbs'), '{dir both} drop {}\n');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a folder is validated without its key store, and nothing is written', async () => {
  const { exit, stdout } = await runIn(folder, 'validate', 'good');
  expect(stdout).toBe('good/inventory.yaml: 2 hosts, 1 link, 0 tests: all is well\n');
  expect(exit).toBe(0);
  expect(readdirSync(join(folder, 'good'))).toEqual(['inventory.yaml']);
});

test('findings of every kind come at once, and exit 1', async () => {
  const { exit, stdout } = await runIn(folder, 'validate', 'bad', '--output', 'json');
  const { event, errors, problems } = JSON.parse(stdout) as {
    event: string;
    errors: number;
    problems: readonly { code: string; severity: string }[];
  };
  const codes = new Set(problems.filter(({ severity }) => severity === 'error').map(({ code }) => code));
  expect(event).toBe('validated');
  expect([...codes]).toEqual(expect.arrayContaining(['LOCK_OUT', 'TEST_FAILED']));
  expect(errors).toBe(problems.filter(({ severity }) => severity === 'error').length);
  expect(exit).toBe(1);
});

test('SARIF names the file and the line of each finding, also of an inventory that cannot be read', async () => {
  writeFileSync(join(folder, 'broken.yaml'), seedInventory().replace('groups: [db]', 'groups: [dbx]'));
  const { exit, stdout } = await runIn(folder, 'validate', 'broken.yaml', '--output', 'sarif');
  expect(JSON.parse(stdout)).toMatchObject({
    version: '2.1.0',
    runs: [
      {
        results: expect.arrayContaining([
          expect.objectContaining({
            ruleId: 'UNKNOWN_GROUP',
            level: 'error',
            locations: [
              {
                physicalLocation: {
                  artifactLocation: { uri: 'broken.yaml' },
                  region: expect.objectContaining({ startLine: 13 }) as unknown,
                },
              },
            ],
          }),
        ]) as unknown,
      },
    ],
  });
  expect(exit).toBe(1);
});

test('a finding has its code, and a key of the wrong length in a template is one', async () => {
  mkdirSync(join(folder, 'keys', 'templates'), { recursive: true });
  const short = `encrkey ${'5ec0de01'.repeat(5)} authkey ${'5ec0de01'.repeat(8)}`;
  writeFileSync(
    join(folder, 'keys', 'templates', 'own.hbs'),
    `add esp spi 0x1001 src 10.0.1.11 dst 10.0.2.21 encr_alg aes auth_alg sha256 ${short}\n`,
  );
  const files = 'defaults:\n  files: { manualKeys: own }';
  const text = seedInventory({ extra: 'settings: { templates: templates }\n' }).replace('defaults:', files);
  writeFileSync(join(folder, 'keys', 'inventory.yaml'), text);
  const { exit, stdout } = await runIn(folder, 'validate', 'keys');
  expect(stdout).toMatch(
    /own\.hbs:1:1: error: the key cannot be used: 160 bits is not a key length of aes-cbc.* \[KEY_UNUSABLE\]\n/,
  );
  expect(stdout).not.toContain('5ec0de');
  expect(exit).toBe(1);
});
