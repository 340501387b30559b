import fc from 'fast-check';
import { expect, test } from 'vitest';
import { digestFrom, digestPlain, digestText, hasNews } from '../../controller/report/digest-text.js';
import { testDigest } from '../../controller/notify/test-digest.js';
import { CHANGED, digest, group } from './support.js';

const plain = (...args: Parameters<typeof digestText>): string => digestPlain(digestText(...args));

test('the worst comes first, with the command that mends it; what is over comes last', () => {
  expect(plain({ ...CHANGED, inventory: 'dc 1/inventory.yaml' }))
    .toBe(`payments-dc1: 2 new findings (1 critical) on 4 hosts, 1 cleared, 1 host left alone

Left alone until a person releases it:
  quarantined: web9: it drifted again
    mend: ipsec-deploy drift release web9 'dc 1/inventory.yaml'

New:
  critical: db1: no policy is loaded (policy-empty-00ff00)
    mend: ipsec-deploy apply inventory.yaml --limit db1
  warning: web1–web3: /etc/inet/ipsecinit.conf was changed by hand (file-content-1a2b3c)
    mend: ipsec-deploy apply inventory.yaml --limit web1,web2,web3

Cleared:
  cleared: db2: the clock is off (clock-off-abcdef)

Hosts at 2026-11-22T10:15:00.000Z: 90 clean, 5 with drift, 4 with a pending change, 1 unreachable
`);
});

test('what was put right by itself is told, and so are acceptances that ended', () => {
  const lapsed = { until: '2026-11-22T10:00:00.000Z', by: 'mara', reason: 'backup\nagent', at: '' };
  const news = digest({
    opened: [group({ hosts: ['web1'], what: 'mode 0644 (it was accepted)', mend: '' })],
    putRight: [group({ severity: 'critical', hosts: ['db1', 'db2'] })],
    lapsed: [
      { host: 'web1', id: 'file-content-1a2b3c', ...lapsed },
      { host: 'db9', id: 'file-mode-ffffff', ...lapsed },
    ],
  });
  expect(plain(news)).toBe(`payments-dc1: 1 new finding on 1 host, 1 put right

New:
  warning: web1: mode 0644 (it was accepted) (file-content-1a2b3c)

Put right by remediation:
  put right: db1, db2: /etc/inet/ipsecinit.conf was changed by hand (file-content-1a2b3c)

Acceptances that ended:
  lapsed: db9: accepted until 2026-11-22T10:00:00.000Z by mara: backup\\x0aagent (file-mode-ffffff)

Hosts at 2026-11-22T10:15:00.000Z: 97 clean, 3 with drift
`);
  const alone = digest({ opened: [], putRight: [group({ severity: 'critical' })] });
  expect(hasNews(digestFrom(alone, 'critical'))).toBe(true);
  expect(hasNews(digestFrom(digest({ opened: [], putRight: [group()] }), 'critical'))).toBe(false);
});

test('what a person accepted is told as still there: until when, by whom and why', () => {
  const terms = { until: '2026-12-06T10:00:00.000Z', by: 'mara', reason: 'backup\nagent' };
  const news = digest({ opened: [], accepted: [{ ...group({ severity: 'critical' }), ...terms }] });
  expect(plain(news)).toBe(`payments-dc1: 1 accepted

Accepted, and still there:
  accepted: web1–web3: /etc/inet/ipsecinit.conf was changed by hand; accepted until 2026-12-06T10:00:00.000Z by mara: backup\\x0aagent (file-content-1a2b3c)

Hosts at 2026-11-22T10:15:00.000Z: 97 clean, 3 with drift
`);
  expect(digestText(news).severity).toBe('info');
  expect(hasNews(digestFrom(news, 'critical'))).toBe(true);
  const minor = digest({ opened: [], accepted: [{ ...group(), ...terms }] });
  expect(hasNews(digestFrom(minor, 'critical'))).toBe(false);
  const long = digest({ opened: [], accepted: [{ ...group({ what: 'x'.repeat(900) }), ...terms }] });
  expect(plain(long)).toContain('x…; accepted until 2026-12-06T10:00:00.000Z by mara: backup');
});

test('many hosts are told as runs, or counted', () => {
  const shuffled = ['web10', 'web2', 'web1', 'web9', 'web8', 'web3', 'web7', 'web6', 'web5', 'web4'];
  expect(digestText(digest({ opened: [group({ hosts: shuffled })] })).sections[0]?.entries[0]?.hosts).toBe(
    'web1–web10',
  );
  const odd = Array.from({ length: 40 }, (_none, i) => `h${i * 3}`);
  expect(digestText(digest({ opened: [group({ hosts: odd })] })).sections[0]?.entries[0]?.hosts).toBe(
    'h0, h3, h6, h9, h12, h15, h18, h21 and 32 more',
  );
});

test('a flood of causes is counted, not listed', () => {
  const many = Array.from({ length: 70 }, (_none, i) => group({ what: `rule ${i}`, ids: [`rule-foreign-${i}`] }));
  const text = plain(digest({ opened: many }));
  expect(text).toContain('  … and 50 more; all of them: ipsec-deploy drift incidents\n');
  expect(text.split('\n').length).toBeLessThan(60);
});

test('a pass without a change has nothing to tell, and a test message always has', () => {
  expect(hasNews(digest({ opened: [] }))).toBe(false);
  expect(hasNews(digest())).toBe(true);
  const asked = testDigest('payments-dc1', '2026-11-22T10:15:00.000Z');
  expect(hasNews(asked)).toBe(true);
  expect(hasNews(digestFrom(asked, 'critical'))).toBe(true);
  expect(plain(asked)).toContain('payments-dc1: test message of ipsec-deploy drift; nothing happened');
});

test('what is below the level asked for is left out; a host that needs a person never is', () => {
  const lone = [{ host: 'web9', since: '', reason: 'it drifted again' }];
  const all = digest({
    opened: [group(), group({ severity: 'info' }), group({ severity: 'critical' })],
    cleared: [group({ severity: 'info' })],
    quarantined: lone,
  });
  expect(digestFrom(all, 'info')).toEqual(all);
  expect(digestFrom(all, 'warning').opened.map(({ severity }) => severity)).toEqual(['warning', 'critical']);
  expect(digestFrom(all, 'critical')).toMatchObject({
    opened: [{ severity: 'critical' }],
    cleared: [],
    quarantined: lone,
  });
});

test('whatever a host is called or says, the text has the lines it should have and no control characters', () => {
  const letters = fc.constantFrom(...'aZ0-_/.,:;<>&"\'\\ é–😀\0\t\n\v\r\x1b\x7f\x85\u2028\u202e\ud800');
  const words = fc.string({ unit: letters, maxLength: 500 });
  fc.assert(
    fc.property(words, words, words, words, (what, mend, host, id) => {
      const text = plain(digest({ fleet: id, opened: [group({ what, mend, hosts: [host], ids: [id] })] }));
      expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
      expect(text.split('\n')).toHaveLength(mend === '' ? 7 : 8);
    }),
    { seed: 20_261_122, numRuns: 50 },
  );
});
