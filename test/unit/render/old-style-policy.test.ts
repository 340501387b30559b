import { describe, expect, test } from 'vitest';

import { fileText, type ManagedFile } from '../../../controller/model/managed-file.js';
import type { PolicySyntax } from '../../../controller/model/policy.js';
import { rulesInOrder } from '../../../controller/policy/partition.js';
import { predictLoad } from '../../../controller/policy/predict-load.js';
import { oldStylePolicy } from '../../../controller/render/old-style-policy.js';
import { indexInventory } from '../../../controller/render/inventory-index.js';
import { renderHost } from '../../../controller/render/render-host.js';
import { templateSet } from '../../../controller/render/template-set.js';
import { builtInTemplates, seedInventory } from '../../support/render-fleet.js';
import { NAMES, readCases } from '../policy/corpus.js';

const OLD: PolicySyntax = 'old';
const AT = { file: 'templates/site.hbs', line: 7, column: 1 };

function policy(...lines: string[]): ManagedFile {
  const text = lines.map((line) => `${line}\n`).join('');
  return {
    path: '/etc/inet/ipsecinit.conf',
    mode: '0400',
    parts: ['# generation ', { generation: true }, `.\n${text}`],
  };
}

function turned(...lines: string[]) {
  const file = policy(...lines);
  const origins = Array.from({ length: lines.length + 1 }, (_, at) => ({ ...AT, line: at + 1 }));
  const old = oldStylePolicy(file, origins, 'sol8', NAMES);
  return { ...old, text: fileText(old.file, { generation: 3, key: () => '' }) };
}

describe('a host that reads old-style entries alone', () => {
  test('has two entries for one that went both ways, and the rest of the file as it was', () => {
    const { text, problems, origins } = turned(
      '',
      '# web',
      '{ lport 80 ulp tcp dir both } bypass {} # pages',
      '{ laddr 10.0.1.11 raddr 10.0.2.0/24 dir both } ipsec { encr_algs aes encr_auth_algs sha256 sa shared }',
      '{} permit { encr_algs aes encr_auth_algs sha256 }',
      '{ ulp gre dir both } drop {}',
    );
    expect(problems).toEqual([]);
    expect(text).toBe(`# generation 3.

# web
{sport 80 ulp tcp} bypass {dir out} # pages
{dport 80 ulp tcp} bypass {dir in}
{saddr 10.0.1.11 daddr 10.0.2.0 dmask 255.255.255.0} apply {encr_algs aes encr_auth_algs sha256 sa shared}
{daddr 10.0.1.11 saddr 10.0.2.0 smask 255.255.255.0} permit {encr_algs aes encr_auth_algs sha256}
{} permit { encr_algs aes encr_auth_algs sha256 }
{ulp gre} drop {dir out}
{ulp gre} drop {dir in}
`);
    expect(origins.map(({ line }) => line)).toEqual([1, 2, 3, 4, 4, 5, 5, 6, 7, 7]);
  });

  test.each([
    ['{ raddr 10.0.0.9 dir both } ipsec {encr_algs aes} or ipsec {encr_algs 3des}', 'alternatives (`or`)'],
    ['{ tunnel ip.tun0 negotiate tunnel } ipsec {encr_algs aes encr_auth_algs sha256}', 'tunnels'],
  ])('is refused what has no old form, at its template line: %s', (entry, without) => {
    const { problems } = turned('# first', entry);
    expect(problems).toMatchObject([
      { code: 'NO_OLD_STYLE', severity: 'error', at: { line: 3 }, what: expect.stringContaining(`no ${without}`) },
    ]);
  });

  test('keeps entries that are old already, an entry over several lines in one, and a comment inside it', () => {
    const { text, problems } = turned(
      '{saddr peer} permit {auth_algs sha}',
      '{ raddr peer # the bank',
      ' dir out }',
      'bypass {}',
    );
    expect(problems).toEqual([]);
    expect(text.split('\n').slice(1)).toEqual([
      '{saddr peer} permit {auth_algs sha}',
      '# the bank',
      '{daddr peer} bypass {dir out}',
      '',
    ]);
  });

  test('loads from recorded policies the same rules in the same order, or says what it cannot write', () => {
    const cases = readCases<{ id: string; input: string; load_exit: number; loaded: readonly string[] | null }>(
      'policy.jsonl',
    );
    let alike = 0;
    for (const [at, { id, input, loaded, load_exit: exit }] of cases.entries()) {
      if (at % 3 > 0) continue;
      if (exit !== 0 || loaded === null || loaded.length === 0) continue;
      const file: ManagedFile = { ...policy(), parts: [input] };
      const { file: made, problems } = oldStylePolicy(file, [], 'sol8', NAMES);
      if (problems.length > 0) continue;
      alike++;
      const [before, after] = [input, fileText(made, { generation: 1, key: () => '' })].map((text) =>
        (['out', 'in'] as const).flatMap((dir) =>
          ([4, 6] as const).flatMap((family) =>
            rulesInOrder(predictLoad(text, NAMES).rules, dir, family).map((rule) => rule.text),
          ),
        ),
      );
      expect(after, id).toEqual(before);
    }
    expect(alike).toBeGreaterThan(60);
  });

  test('gets each built-in template so, with the management bypass among it', () => {
    const { set } = templateSet(builtInTemplates());
    for (const template of ['web-server', 'peer', 'host-to-host', 'mesh']) {
      const fleet = seedInventory('ike-psk');
      const hosts = fleet.hosts.map((one) => ({ ...one, template, syntax: OLD }));
      const index = indexInventory({ ...fleet, hosts });
      for (const host of hosts) {
        const { files, problems } = renderHost({ host, index, templates: set, saFor: () => undefined });
        expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
        const [first] = files;
        const text = first === undefined ? '' : fileText(first, { generation: 1, key: () => '' });
        expect(text.replaceAll(/^#.*/gm, '')).not.toMatch(/[lr]addr|[lr]port|dir both|ipsec \{/);
        expect(text).toMatch(/saddr/);
      }
    }
  });
});
