import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { findingId } from '../../../controller/drift/finding-id.js';
import { countStates, judgePass, passExit, type JudgedPass } from '../../../controller/drift/judge-pass.js';
import {
  DRIFT_KINDS,
  EMPTY_MEMORY,
  type Acceptance,
  type DriftFinding,
  type DriftMemory,
  type HostLook,
} from '../../../controller/model/drift.js';
import { areaOf, DRIFT_AREAS } from '../../../controller/report/drift-areas.js';
import { endedEvent, lookEvents } from '../../../controller/report/drift-events.js';
import { driftText } from '../../../controller/report/drift-text.js';
import { junitReport } from '../../../controller/report/junit.js';
import { coloured } from '../../../controller/report/paint.js';
import { readXml, type XmlElement } from '../../support/xml.js';

const NOW = new Date('2026-11-22T12:00:00.000Z');

function finding(host: string, told: Partial<DriftFinding> = {}): DriftFinding {
  return {
    host,
    class: 'drift',
    kind: 'file-mode',
    subject: '/etc/inet/ipsecinit.conf',
    severity: 'warning',
    what: '/etc/inet/ipsecinit.conf has mode 0644, not 0400',
    mend: `ipsec-deploy apply inventory.yaml --limit ${host}`,
    ...told,
  };
}

const EMPTY: Partial<DriftFinding> = {
  kind: 'policy-empty',
  subject: 'policy',
  severity: 'critical',
  what: 'no rule is loaded: everything passes in the clear',
  cause: '`ipsecconf -F` was run by hand',
};
const PENDING: Partial<DriftFinding> = {
  class: 'pending',
  kind: 'pending-change',
  subject: 'inventory',
  severity: 'info',
  what: 'the inventory asks for more than generation 3: 1 rule more, 0 less',
  details: ['- { old }', '+ { new }'],
};
const GONE: Partial<DriftFinding> = {
  kind: 'host-unreachable',
  subject: 'ssh',
  what: 'connection refused',
  mend: 'look whether it is up',
};

function look(host: string, ...findings: readonly DriftFinding[]): HostLook {
  const isGone = findings.some(({ kind }) => kind === 'host-unreachable');
  const drifted = findings.some((one) => one.class === 'drift');
  const state = isGone ? 'unreachable' : drifted ? 'drift' : findings.length === 0 ? 'clean' : 'pending';
  return { host, state, findings, generation: isGone ? undefined : 3, openTransaction: false };
}

function judged(looks: readonly HostLook[], memory: Partial<DriftMemory> = {}): JudgedPass {
  const [begun, ended] = ['2026-11-22T11:59:58.500Z', '2026-11-22T12:00:00.000Z'];
  return judgePass({ id: 'drift-1', begun, ended, looks }, { ...EMPTY_MEMORY, ...memory }, NOW);
}

function acceptance(of: DriftFinding, until = '2026-12-01T00:00:00.000Z'): Acceptance {
  return { host: of.host, id: findingId(of), until, reason: 'a test', by: 'me', at: NOW.toISOString() };
}

const MIXED = [
  look('web1', finding('web1', { since: { at: '2026-11-22T10:00:00Z', by: 'file time' } })),
  look('web2', finding('web2', { since: { at: '2026-11-22T09:00:00Z', by: 'file time' } }), finding('web2', EMPTY)),
  look('web3', finding('web3', { since: { at: '2026-11-22T10:30:00Z', by: 'file time' } })),
  look('db1', finding('db1', PENDING)),
  look('db2', finding('db2', GONE)),
  ...['web4', 'web5', 'web6', 'db3'].map((name) => look(name)),
];

describe('what counts', () => {
  test('an accepted finding leaves a clean host, until the day it ends', () => {
    const one = finding('web1');
    const looks = [
      look('web1', one, finding('web1', EMPTY)),
      look('web2', finding('web2')),
      look('web3', finding('web3', GONE)),
    ];
    const ended = acceptance(finding('web2'), '2026-11-22T12:00:00.000Z');
    const gone = acceptance(finding('web3', GONE));
    const { looks: found } = judged(looks, { acceptances: [acceptance(one), ended, gone] });
    expect(found.map(({ state, findings, accepted }) => [state, findings.length, accepted.length])).toEqual([
      ['drift', 1, 1],
      ['drift', 1, 0],
      ['clean', 0, 1],
    ]);
  });

  test('what the host cannot date has been there since it was first seen, and only while it stays', () => {
    const [open, over, dated] = [finding('web1', EMPTY), finding('web2', EMPTY), finding('web3')];
    const incident = (of: DriftFinding) => ({
      ...{ id: findingId(of), finding: of, firstSeen: '2026-11-20T08:00:00.000Z', lastSeen: NOW.toISOString() },
      ...{ seen: 3, returns: 0, told: true },
    });
    const since = { at: '2026-11-19T00:00:00Z', by: 'file time' as const };
    const looks = [look('web1', open), look('web2', over), look('web3', { ...dated, since })];
    const incidents = [incident(open), { ...incident(over), cleared: NOW.toISOString() }, incident(dated)];
    expect(judged(looks, { incidents }).looks.map(({ findings }) => findings[0]?.since)).toEqual([
      { at: '2026-11-20T08:00:00.000Z', by: 'first seen' },
      undefined,
      since,
    ]);
  });

  test.each([
    ['every host is as confirmed', [look('a'), look('b')], 0, 0],
    ['no host at all', [], 0, 0],
    ['something waits to be applied', [look('a'), look('b', finding('b', PENDING))], 0, 2],
    ['a host drifted', [look('a', finding('a')), look('b', finding('b', PENDING))], 2, 2],
    ['a host could not be looked at', [look('a', finding('a')), look('b', finding('b', GONE))], 4, 4],
  ])('exit status: %s', (_, looks, usual, strict) => {
    expect([passExit(looks, false), passExit(looks, true)]).toEqual([usual, strict]);
  });
});

describe('text', () => {
  test('one entry for a cause, worst first, and one line for what is clean', () => {
    expect(driftText(judged(MIXED), { asked: 10, pending: true })).toMatchInlineSnapshot(`
      "critical web2: no rule is loaded: everything passes in the clear
        cause: \`ipsecconf -F\` was run by hand
        mend:  ipsec-deploy apply inventory.yaml --limit web2
        id:    policy-empty-823412

      warning web1–web3 (3 hosts): /etc/inet/ipsecinit.conf has mode 0644, not 0400
        since: 2026-11-22T09:00:00Z (file time; first on web2)
        mend:  ipsec-deploy apply inventory.yaml --limit web1,web2,web3
        id:    file-mode-f6e4cc

      warning db2: connection refused
        mend:  look whether it is up
        id:    host-unreachable-7f5a55

      pending db1: the inventory asks for more than generation 3: 1 rule more, 0 less
        mend:  ipsec-deploy apply inventory.yaml --limit db1
        id:    pending-change-b11a85
          - { old }
          + { new }

      as wanted: db3, web4–web6
      10 hosts: 3 drifted, 1 not looked at, 1 with a pending change, 1 left out, 4 clean
      "
    `);
  });

  test('a host that all is accepted of is told of in a line of its own', () => {
    const one = finding('web2');
    const pass = judged([look('web1'), look('web2', one)], { acceptances: [acceptance(one)] });
    expect(driftText(pass, { asked: 2, pending: false })).toMatchInlineSnapshot(`
      "as confirmed: web1
      accepted: 1 finding on web2
      2 hosts: 2 clean
      "
    `);
  });

  test('details that are not the same everywhere are those of one host', () => {
    const other = finding('web2', { ...PENDING, details: ['+ { other }'] });
    const text = driftText(judged([look('web1', finding('web1', PENDING)), look('web2', other)]), {
      asked: 2,
      pending: true,
    });
    expect(text).toContain('    on web1, and otherwise on others:\n    - { old }\n    + { new }\n');
    expect(text).not.toContain('{ other }');
  });

  test('a thousand hosts are a line, not a page', () => {
    const looks = Array.from({ length: 1000 }, (_, i) => look(`h${i}x`, finding(`h${i}x`)));
    const text = driftText(judged(looks), { asked: 1000, pending: true });
    expect(text).toContain('h0x, h1x, h2x, h3x, h4x, h5x, h6x, h7x, h8x, h9x, h10x, h11x and 988 more (1000 hosts): ');
    expect(text.split('\n').length).toBeLessThan(10);
  });

  test('nothing that a host says moves the cursor, and colours are ours alone', () => {
    const odd = finding('web1', { what: 'a\u001b[2Jb\u202e', cause: '\u0007', details: ['+ \u001b]0;x\u0007'] });
    const bare = driftText(judged([look('web1', odd)]), { asked: 1, pending: true });
    expect(bare).not.toMatch(/[^\P{Cc}\n]|\u202e/u);
    const text = driftText(judged([look('web1', odd)]), { asked: 1, pending: true }, coloured);
    expect(text.replaceAll(/\u001b\[\d+m/g, '')).toBe(bare);
    expect(text).not.toBe(bare);
  });
});

describe('events', () => {
  test('a look is followed by its findings, those that are accepted marked', () => {
    const [one, two] = [finding('web1'), finding('web1', EMPTY)];
    const pass = judged([look('web1', one, two), look('web2')], { acceptances: [acceptance(one)] });
    expect(pass.looks.flatMap(lookEvents)).toEqual([
      {
        event: 'drift-look',
        host: 'web1',
        state: 'drift',
        generation: 3,
        openTransaction: false,
        findings: 1,
        accepted: 1,
      },
      { event: 'drift-finding', id: findingId(two), ...two, accepted: false },
      { event: 'drift-finding', id: findingId(one), ...one, accepted: true },
      {
        event: 'drift-look',
        host: 'web2',
        state: 'clean',
        generation: 3,
        openTransaction: false,
        findings: 0,
        accepted: 0,
      },
    ]);
    expect(endedEvent(pass, 3, 2)).toEqual({
      ...{
        event: 'drift-ended',
        pass: 'drift-1',
        begun: '2026-11-22T11:59:58.500Z',
        ended: '2026-11-22T12:00:00.000Z',
      },
      ...{ asked: 3, hosts: { clean: 1, drift: 1, pending: 0, unreachable: 0 }, exit: 2 },
    });
  });
});

describe('JUnit', () => {
  const options = { fleet: 'payments', strict: false };
  const verdictOf = ({ children }: XmlElement): string => children[0]?.name ?? 'passed';

  test('a suite for each host, a case for each area, and the counts of both', () => {
    const root = readXml(junitReport(judged(MIXED), options));
    expect(root.attributes).toEqual({
      ...{ id: 'drift-1', name: 'ipsec-deploy drift payments', time: '1.500' },
      ...{ tests: String(MIXED.length * DRIFT_AREAS.length), failures: '4', errors: '1', skipped: '7' },
    });
    const verdicts = root.children.map((suite) => [suite.attributes['name'], suite.children.map(verdictOf).join(' ')]);
    const passed = 'passed passed passed passed passed passed passed';
    expect(verdicts).toEqual([
      ['web1', 'passed passed failure passed passed passed passed'],
      ['web2', 'passed passed failure failure passed passed passed'],
      ['web3', 'passed passed failure passed passed passed passed'],
      ['db1', 'passed passed passed passed passed passed skipped'],
      ['db2', 'error skipped skipped skipped skipped skipped skipped'],
      ...['web4', 'web5', 'web6', 'db3'].map((name) => [name, passed]),
    ]);
    const [web1] = root.children;
    expect(web1?.children[2]).toMatchObject({
      attributes: { classname: 'payments.web1', name: 'files' },
      children: [{ attributes: { message: '/etc/inet/ipsecinit.conf has mode 0644, not 0400', type: 'file-mode' } }],
    });
    expect(web1?.text).toContain('mend: ipsec-deploy apply inventory.yaml --limit web1');
  });

  test('what waits to be applied fails where that is asked for, and what is accepted never does', () => {
    const one = finding('web1');
    const pass = judged([look('web1', one), look('db1', finding('db1', PENDING))], { acceptances: [acceptance(one)] });
    const [web1, db1] = readXml(junitReport(pass, { ...options, strict: true })).children;
    expect(web1?.children[2]?.children[0]).toMatchObject({ name: 'skipped', attributes: { message: 'accepted' } });
    expect(db1?.children.map(verdictOf)).toEqual([...Array<string>(6).fill('passed'), 'failure']);
  });

  test('names and words that are no XML make a document all the same', () => {
    const nasty = `<b>&"'\u0000\u0001\u001b[2J\u202e]]>\ud800\uffff\r\n\t\u{1f600}`;
    const odd = finding(nasty, { what: nasty, cause: nasty, mend: nasty, subject: nasty, details: [nasty, ''] });
    const root = readXml(junitReport(judged([look(nasty, odd)]), { fleet: nasty, strict: false }));
    const shown = `<b>&"'[2J]]>`;
    expect(root.children[0]?.attributes['name']).toBe(`${shown}  \u{1f600}`);
    expect(root.text).toContain(`warning ${findingId(odd)}: ${shown}\n\t\u{1f600}\n`);
  });

  test('any text at all makes a document', () => {
    const codes = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 30 });
    const anything = codes.map((all) => String.fromCharCode(...all));
    fc.assert(
      fc.property(anything, anything, anything, (host, what, fleet) => {
        const root = readXml(junitReport(judged([look(host, finding(host, { what }))]), { fleet, strict: false }));
        expect(root.attributes['failures']).toBe('1');
      }),
      { seed: 4, numRuns: 200 },
    );
  });
});

test('every kind of drift belongs to an area, and every area has some', () => {
  expect(new Set(DRIFT_KINDS.map(areaOf))).toEqual(new Set(DRIFT_AREAS));
  expect(countStates(MIXED)).toEqual({ clean: 4, drift: 3, pending: 1, unreachable: 1 });
});
