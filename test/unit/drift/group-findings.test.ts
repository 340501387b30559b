import { expect, test } from 'vitest';
import { groupIncidents } from '../../../controller/drift/group-findings.js';
import { findingId } from '../../../controller/drift/finding-id.js';
import type { DriftFinding } from '../../../controller/model/drift.js';
import { finding } from './memory-support.js';

const groups = (...findings: readonly DriftFinding[]) =>
  groupIncidents(findings.map((one) => ({ id: findingId(one), finding: one })));
const on = (host: string, parts: Partial<DriftFinding> = {}): DriftFinding =>
  finding({ host, mend: `ipsec-deploy apply inventory.yaml --limit ${host}`, ...parts });

test('one cause on three hosts is one group with one command', () => {
  expect(groups(on('web2'), on('db1'), on('web1'))).toEqual([
    {
      kind: 'file-mode',
      severity: 'warning',
      what: '/etc/inet/ipsecinit.conf has mode 0644, not 0400',
      mend: 'ipsec-deploy apply inventory.yaml --limit db1,web1,web2',
      hosts: ['db1', 'web1', 'web2'],
      ids: [findingId(finding())],
    },
  ]);
});

test('words that name their own host are the same words, and words that differ are not', () => {
  const said = (host: string, what = `${host} answers to a key that is not ${host}'s`) => on(host, { what });
  expect(groups(said('web1'), said('db1'))).toMatchObject([
    { what: "the host answers to a key that is not the host's", hosts: ['db1', 'web1'] },
  ]);
  expect(groups(said('web1'), said('db1', 'another key'))).toHaveLength(2);
  // web1 is no word of web10 or web1-old.
  expect(groups(on('web1', { what: 'web10 and web1-old' }), on('web2', { what: 'web20 and web2-old' }))).toHaveLength(
    2,
  );
});

test('names with the signs of a pattern are only names', () => {
  const what = 'a.b+(c answers';
  expect(groups(on('a.b+(c', { what }), on('web1', { what: 'web1 answers' }))).toHaveLength(1);
});

test('another severity is another group, the worst first, then what concerns most hosts', () => {
  const listed = groups(
    on('web1', { kind: 'rule-foreign' }),
    on('web1', { kind: 'file-owner' }),
    on('web2', { kind: 'file-owner' }),
    on('web3', { severity: 'info' }),
    on('web4', { severity: 'critical' }),
  );
  expect(listed.map(({ kind, severity, hosts }) => [kind, severity, hosts.length])).toEqual([
    ['file-mode', 'critical', 1],
    ['file-owner', 'warning', 2],
    ['rule-foreign', 'warning', 1],
    ['file-mode', 'info', 1],
  ]);
});

test('a command is never made of a thousand names, nor of half a name', () => {
  const many = Array.from({ length: 1000 }, (_none, i) => on(`h${1000 + i}`));
  const [group] = groups(...many);
  expect(group?.hosts).toHaveLength(1000);
  expect(group?.mend).toMatch(/--limit h1000,[^ ]*,h1019 \(and so for 980 more\)$/);
  const lookAlike = (host: string) => on(host, { mend: `see --limit ${host}.example, then ssh ${host}` });
  expect(groups(lookAlike('a'), lookAlike('b'))[0]?.mend).toBe('see --limit HOST.example, then ssh HOST');
});

test('hosts that are mended by other commands are not told of with the command of one', () => {
  const mend = (spi: string) => ({ mend: `on the host, as root: ipseckey delete esp spi ${spi} dst 10.0.0.2` });
  expect(groups(on('web1', mend('0x1')), on('db1', mend('0x2')))).toHaveLength(2);
});
