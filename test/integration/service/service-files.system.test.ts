/** The files of the service as the system's own tools read them. */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { smfManifest } from '../../../controller/report/service/smf-manifest.js';
import { systemdUnit } from '../../../controller/report/service/systemd-unit.js';
import { awkwardFacts, plainFacts } from '../../support/service-facts.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ipsec-deploy-service-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function isThere(command: string, word: string): boolean {
  return spawnSync(command, [word]).error === undefined;
}

const hasSystemd = isThere('systemd-analyze', '--version');
const hasXmllint = isThere('xmllint', '--version');
if (!hasSystemd) process.stdout.write('systemd-analyze is not installed: the unit is not verified\n');
if (!hasXmllint) process.stdout.write('xmllint is not installed: the manifest is not verified\n');

const cases = [
  ['plain', plainFacts],
  ['awkward', awkwardFacts],
] as const;

test.skipIf(!hasSystemd).each(cases)('systemd has nothing to say against the unit of %s paths', (_name, facts) => {
  const file = join(folder, 'ipsec-deploy-drift.service');
  writeFileSync(file, systemdUnit({ ...facts, user: 'root' }));
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' });
  const about = stderr.split('\n').filter((line) => line.includes('ipsec-deploy-drift'));
  expect(about).toEqual([]);
  expect(status).toBe(0);
});

test.skipIf(!hasSystemd)('systemd would have something to say against a unit that is wrong', () => {
  const file = join(folder, 'ipsec-deploy-wrong.service');
  writeFileSync(
    file,
    systemdUnit(plainFacts).replace('Type=exec', 'Type=wrong').replace('ProtectClock', 'ProtectClocks'),
  );
  const { stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' });
  expect(stderr).toContain('ProtectClocks');
});

test.skipIf(!hasXmllint).each(cases)(
  'the manifest of %s paths is well-formed, its elements in the order of the DTD',
  (_name, facts) => {
    const file = join(folder, 'ipsec-deploy-drift.xml');
    writeFileSync(file, smfManifest(facts));
    execFileSync('xmllint', ['--noout', '--nonet', file]);
    const names = execFileSync('xmllint', ['--nonet', '--xpath', '//service/*', file], { encoding: 'utf8' });
    const order = [...names.matchAll(/^ {0,4}<(\w+)/gm)].map(([, name]) => name);
    const wanted = [
      'create_default_instance',
      'single_instance',
      'dependency',
      'method_context',
      'exec_method',
      'property_group',
      'stability',
      'template',
    ];
    const places = order.flatMap((name) => (wanted.includes(name ?? '') ? [wanted.indexOf(name ?? '')] : []));
    expect(new Set(places).size).toBe(wanted.length);
    expect(places).toEqual([...places].sort((a, b) => a - b));
    const exec = execFileSync('xmllint', ['--nonet', '--xpath', 'string(//exec_method[@name="start"]/@exec)', file], {
      encoding: 'utf8',
    });
    expect(exec).toContain('drift watch');
  },
);
