import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

import { parseInventory } from '../../../../controller/inventory/parse.js';
import { ABOUT_KEYS, KIND_OF_PATH, lintRendered } from '../../../../controller/keys/lint/lint-rendered.js';
import { missingKeys, withKeys } from '../../../../controller/keys/generate.js';
import type { Problem } from '../../../../controller/errors.js';
import type { Inventory } from '../../../../controller/model/host.js';
import { STOCK_NAMES } from '../../../../controller/policy/stock-names.js';
import { indexInventory } from '../../../../controller/render/inventory-index.js';
import { dummyText } from '../../../../controller/render/read-back.js';
import { renderHost } from '../../../../controller/render/render-host.js';
import { templateSet, type TemplateSource } from '../../../../controller/render/template-set.js';
import {
  builtInTemplates,
  countedBytes,
  host,
  inventory,
  link,
  seedInventory,
  WEB_VARS,
} from '../../../support/render-fleet.js';

/** What lint says of every file of every host. */
function lintFleet(fleet: Inventory, templates: readonly TemplateSource[] = builtInTemplates()): readonly Problem[] {
  const empty = { salt: 'salt', keys: new Map() };
  const store = withKeys(empty, missingKeys(fleet, empty, countedBytes(), new Date(0)));
  const { set } = templateSet(templates);
  const index = indexInventory(fleet);
  return fleet.hosts.flatMap((one) => {
    const saFor = (id: string): { spi: number } | undefined => {
      const key = store.keys.get(id);
      return key?.kind === 'sa' ? { spi: key.spi } : undefined;
    };
    const rendered = renderHost({ host: one, index, templates: set, saFor });
    expect(rendered.files).not.toEqual([]);
    return rendered.files.flatMap((file) => {
      const origins = rendered.origins.get(file.path) ?? [];
      const context = { names: STOCK_NAMES, local: one.addresses, today: '2026-11-22', file: file.path };
      const origin = (line: number) => origins[line - 1];
      return lintRendered(dummyText(file, rendered.keyBits), KIND_OF_PATH[file.path], { ...context, origin });
    });
  });
}

function withoutDummies(problems: readonly Problem[]): readonly Problem[] {
  return problems.filter(({ code }) => !ABOUT_KEYS.has(code));
}

const WHOLE = inventory(
  [
    host('web1', ['10.0.1.11', 'fd00:1::11'], 'web-server', WEB_VARS),
    host('db1', ['10.0.2.21', 'fd00:2::21'], 'peer'),
    host('db2', ['10.0.2.22', 'fd00:2::22'], 'mesh', { refuseOthers: true }),
    host('app1', ['10.0.2.23', 'fd00:2::23'], 'host-to-host', { refuseOthers: true }),
  ],
  [link('web1', 'db1'), link('db1', 'db2', { keying: 'manual' }), link('web1', 'app1'), link('db2', 'app1')],
);

test('the built-in templates render files that lint has no warning for', () => {
  expect(withoutDummies(lintFleet(WHOLE))).toEqual([]);
  for (const keying of ['ike-psk', 'manual'] as const)
    expect(withoutDummies(lintFleet(seedInventory(keying)))).toEqual([]);
});

test('so does the example inventory', () => {
  const readFile = (path: string): string => readFileSync(path, 'utf8');
  const { inventory: fleet } = parseInventory({ path: 'inventory/example/inventory.yaml', readFile });
  expect(withoutDummies(lintFleet(fleet))).toEqual([]);
});

/** The peer's template with some lines more. */
function templatesWith(lines: string): readonly TemplateSource[] {
  return builtInTemplates().map((one) =>
    one.path.endsWith('peer.hbs') ? { ...one, text: one.text.replace('{{> extra-rules}}\n', lines) } : one,
  );
}

test('a finding is placed at the template line that wrote it', () => {
  const weak = '{ raddr 10.9.0.9 } ipsec { encr_algs 3des encr_auth_algs sha256 }\n';
  const [problem, ...more] = lintFleet(seedInventory('ike-psk'), templatesWith(weak));
  expect(more).toEqual([]);
  expect(problem).toMatchObject({
    code: 'WEAK_ALGORITHM',
    severity: 'warning',
    at: { file: 'templates/solaris/peer.hbs' },
  });
  const line = readFileSync('templates/solaris/peer.hbs', 'utf8').split('\n').indexOf('{{> extra-rules}}') + 1;
  expect(problem?.at?.line).toBe(line);
  expect(problem?.what).toContain('/etc/inet/ipsecinit.conf');
});

test('a comment in a template silences what the template writes', () => {
  const comment = '# lint: ignore WEAK_ALGORITHM until 2027-01-31 because {{@root.host.name}} talks to the mainframe\n';
  const weak = '{ raddr 10.9.0.9 } ipsec { encr_algs 3des encr_auth_algs sha256 }\n';
  expect(lintFleet(seedInventory('ike-psk'), templatesWith(comment + weak))).toEqual([]);
});

test('a rule on the wrong side is an error of the host whose addresses are known', () => {
  const wrong =
    '{ saddr 10.9.0.9 } apply { encr_algs aes encr_auth_algs sha256 }\n{ saddr 10.9.0.9 } permit { encr_algs aes encr_auth_algs sha256 }\n';
  const problems = lintFleet(seedInventory('ike-psk'), templatesWith(wrong));
  expect(problems.filter(({ severity }) => severity === 'error').map(({ code }) => code)).toEqual(['WRONG_SIDE']);
});
