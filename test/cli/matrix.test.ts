import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runIn } from '../support/offline-run.js';
import { seedInventory } from '../support/seed-case.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ipsec-look-'));
  writeFileSync(join(folder, 'inventory.yaml'), seedInventory());
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('matrix shows the seed case on a terminal, without a key store and without making one', async () => {
  const { exit, stdout, stderr } = await runIn(folder, 'matrix');
  expect(stdout).toBe(`seed: from the row to the column

         1   2
1 web1   ·  Pc
2 db1   Pc   ·

P  protected: IPsec, keys at both ends
C  clear: passes without IPsec
A small letter: some of it, as follows

Pc  web1 → db1
    protected anything but tcp,udp/53, tcp from 80,443
    clear     tcp,udp/53, tcp from 80,443

Pc  db1 → web1
    protected anything but tcp/80,443, tcp,udp from 53
    clear     tcp/80,443, tcp,udp from 53
`);
  expect(stderr).toBe('note: looked at with throw-away keys: there is no key store\n');
  expect(exit).toBe(0);
  expect(readdirSync(folder)).toEqual(['inventory.yaml']);
});

test('a page is written to a file, for one kind of traffic', async () => {
  const { exit, stderr } = await runIn(
    folder,
    'matrix',
    '.',
    '--flow',
    'tcp/443',
    '--output',
    'html',
    '--out',
    'page.html',
  );
  expect(stderr).toContain('wrote page.html');
  expect(exit).toBe(0);
  const page = readFileSync(join(folder, 'page.html'), 'utf8');
  expect(page).toMatch(/^<!doctype html>/);
  expect(page).toContain('aria-label="db1 to web1: clear: tcp/443"');
});

test('explain tells of one flow what the rules of both ends say; a flow that is refused exits 2', async () => {
  const [open, shut] = await Promise.all([
    runIn(folder, 'explain', 'web1', 'db1', 'tcp/5432'),
    runIn(folder, 'explain', '192.0.2.9', 'web1', 'tcp/22', '--output', 'json'),
  ]);
  expect(open.stdout).toMatch(/^web1 → db1 tcp\/5432: protected, both ways/);
  expect(open.exit).toBe(0);
  expect(JSON.parse(shut.stdout)).toMatchObject({
    schema: 'ipsec-deploy/1',
    event: 'explained',
    from: '192.0.2.9',
    to: 'web1',
    flow: 'tcp/22',
    verdict: { kind: 'refused', passes: false },
    there: [{ source: '192.0.2.9', destination: '10.0.1.11' }],
  });
  expect(shut.exit).toBe(2);
});
