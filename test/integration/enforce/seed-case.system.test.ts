/**
 * The case that the product grew from, with packets: a web server, its remote peer and strangers, on hosts with the IPsec services and IKE
 * and on hosts of old with fixed keys. And how it fails open: a host that boots with an empty policy, found by `verify`.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { EnforcedFleet, SSH } from '../../support/enforce/fleet.js';
import type { WirePacket } from '../../support/enforce/pcap.js';
import { between, byKind, inTheClear, ofKind, show } from '../../support/enforce/seen.js';
import { answerOn, insist, knock, type Answerer, type Knock, type KnockAnswer } from '../../support/enforce/traffic.js';

const VISITOR = '192.0.2.9';
const OPEN_PORTS = [80, 443];
/** Somebody listens there. */
const SERVED = [80, 443, 25, 3306, 5432, 8080];
/** Every one of these is tried: most have no listener, and would answer RST if the host let anything in. */
const KNOCKED = [...new Set([...Array.from({ length: 1024 }, (_, at) => at + 1), ...SERVED])];

interface Pair {
  readonly name: string;
  readonly web: string;
  readonly db: string;
}

const PAIRS: readonly Pair[] = [
  { name: 'services, IKE', web: 'web1', db: 'db1' },
  { name: 'hosts of old, fixed keys', web: 'web2', db: 'db2' },
];

/** A machine that does much besides is slow, and no less right. */
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

let fleet: EnforcedFleet;
const answerers: Answerer[] = [];

beforeAll(async () => {
  fleet = await EnforcedFleet.start([
    { name: 'web1', addresses: ['10.0.1.11'] },
    { name: 'db1', addresses: ['10.0.2.21'] },
    { name: 'web2', addresses: ['10.0.1.12'], platform: 'solaris-legacy' },
    { name: 'db2', addresses: ['10.0.2.22'], platform: 'solaris-legacy' },
    { name: 'visitor', addresses: [VISITOR], isOutsider: true },
  ]);
  fleet.writeInventory(`defaults: { ${SSH} }
groups:
  web: { template: web-server, vars: { bypass: [ { lport: 80, ulp: tcp }, { lport: 443, ulp: tcp } ], dns: true } }
  db: { template: peer, vars: { others: refuse } }
hosts:
${fleet.hostLines({
  web1: 'groups: [web]',
  db1: 'groups: [db]',
  web2: 'groups: [web], keying: manual',
  db2: 'groups: [db], keying: manual',
})}links:
  - between: [web1, db1]
  - { between: [web2, db2], keying: manual }
tests:
  - { from: db1, to: web1, ulp: tcp, port: 5432, expect: protected }
  - { from: ${VISITOR}, to: web1, ulp: tcp, port: 443, expect: clear }
  - { from: ${VISITOR}, to: db1, ulp: tcp, port: 22, expect: refused }
`);
  const servers = ['web1', 'db1', 'web2', 'db2'].map((name) =>
    answerOn(fleet.space(name), { tcp: SERVED, udp: [53, 7000] }),
  );
  answerers.push(...(await Promise.all([...servers, answerOn(fleet.space('visitor'), { udp: [53], tcp: [53] })])));
});

afterAll(async () => {
  await Promise.all(answerers.map((answerer) => answerer.stop()));
  await fleet.close();
});

function knocks(to: string): readonly Knock[] {
  const tcp = KNOCKED.map((port): Knock => ({ id: `tcp ${port}`, to, protocol: 'tcp', port }));
  return [...tcp, ...[53, 7000].map((port): Knock => ({ id: `udp ${port}`, to, protocol: 'udp', port }))];
}

/** How many ports answered how; those few by name. */
function sums(answers: ReadonlyMap<string, KnockAnswer>): Record<KnockAnswer, string> {
  const of = (answer: KnockAnswer): string => {
    const ids = [...answers].filter(([, found]) => found === answer).map(([id]) => id);
    return ids.length > 8 ? String(ids.length) : ids.join(', ') || '-';
  };
  return { open: of('open'), closed: of('closed'), silent: of('silent'), unsendable: of('unsendable') };
}

function idsOf(answers: ReadonlyMap<string, KnockAnswer>, wanted: KnockAnswer): readonly string[] {
  return [...answers].filter(([, answer]) => answer === wanted).map(([id]) => id);
}

/** What the seed policy lets pass in the clear: the web server's ports for its clients, whoever they are, and its DNS queries. */
function isPromised({ fromPort, toPort }: WirePacket): boolean {
  return [...OPEN_PORTS, 53].some((port) => port === fromPort || port === toPort);
}

test('before the policy a stranger reaches everything: the knocks can find it', async () => {
  const answers = await knock(fleet.space('visitor'), knocks(fleet.addressOf('db1')));
  show('before: a stranger knocks at db1', [sums(answers)]);
  expect(idsOf(answers, 'silent')).toEqual([]);
  expect(idsOf(answers, 'open')).toEqual(expect.arrayContaining(['tcp 22', 'tcp 5432', 'udp 7000']));
});

test('the seed case holds, packet by packet', async () => {
  const said = await fleet.expect(0, 'apply', '--accept-risk', 'gap');
  expect(said.stdout).toContain('4 confirmed');
  const capture = await fleet.capture();
  const counted = await Promise.all(answerers.map((answerer) => answerer.counts()));
  const tried = await Promise.all(
    PAIRS.map(async (pair) => ({
      ...pair,
      atWeb: await knock(fleet.space('visitor'), knocks(fleet.addressOf(pair.web))),
      atDb: await knock(fleet.space('visitor'), knocks(fleet.addressOf(pair.db))),
      webToDb: await insist(fleet.space(pair.web), knocks(fleet.addressOf(pair.db))),
      dbToWeb: await insist(fleet.space(pair.db), knocks(fleet.addressOf(pair.web))),
      dns: await insist(fleet.space(pair.web), [{ id: 'dns', to: VISITOR, protocol: 'udp', port: 53 }]),
      other: await knock(fleet.space(pair.web), [{ id: 'other', to: VISITOR, protocol: 'tcp', port: 53 }]),
    })),
  );
  const packets = await capture.end();
  const arrived = await Promise.all(answerers.map((answerer) => answerer.counts()));

  for (const { name, web, db, ...ways } of tried) {
    show(
      `seed case, ${name}: what ${KNOCKED.length} TCP ports and 2 of UDP answered`,
      [
        ['visitor > web', ways.atWeb] as const,
        ['visitor > db', ways.atDb] as const,
        ['web > db', ways.webToDb] as const,
        ['db > web', ways.dbToWeb] as const,
        ['web > visitor, DNS', ways.dns] as const,
        ['web > visitor, tcp/53', ways.other] as const,
      ].map(([way, answers]) => ({ way, ...sums(answers) })),
    );
    const both = between(packets, [fleet.addressOf(web)], [fleet.addressOf(db)]);
    const theirs = both.filter((packet) => packet.kind !== 'clear' || !isPromised(packet));
    const toVisitor = between(packets, [fleet.addressOf(web), fleet.addressOf(db)], [VISITOR]);
    show(`seed case, ${name}: on the wire`, [
      { between: `${web} and ${db}`, ...byKind(theirs) },
      { between: `${web} and ${db}, ports 80, 443 and 53`, ...byKind(both.filter(isPromised)) },
      { between: 'them and the visitor', ...byKind(toVisitor) },
    ]);
    // From a third host: 80 and 443 in the clear, every other port refused.
    expect(idsOf(ways.atWeb, 'open')).toEqual(['tcp 80', 'tcp 443']);
    expect(idsOf(ways.atWeb, 'closed').slice(0, 10)).toEqual([]);
    // An unauthorised host reaches nothing.
    expect(idsOf(ways.atDb, 'silent')).toHaveLength(KNOCKED.length + 2);
    // Each reaches any port of the other.
    for (const answers of [ways.webToDb, ways.dbToWeb]) {
      expect([...idsOf(answers, 'silent'), ...idsOf(answers, 'unsendable')].slice(0, 10)).toEqual([]);
      expect(idsOf(answers, 'open')).toEqual(
        expect.arrayContaining([...SERVED.map((port) => `tcp ${port}`), 'udp 53']),
      );
    }
    // And no byte of it is in the clear.
    expect(inTheClear(theirs)).toEqual([]);
    expect(ofKind(theirs, 'esp').length).toBeGreaterThan(2 * KNOCKED.length);
    expect(Object.fromEntries(ways.dns)).toEqual({ dns: 'open' });
    expect(ofKind(toVisitor, 'esp')).toEqual([]);
  }
  // What arrived at the listeners from the stranger, as they count it themselves.
  const fromVisitor = arrived.slice(0, 4).map((counts, at) =>
    Object.fromEntries(
      Object.entries(counts)
        .filter(([what]) => what.endsWith(`from ${VISITOR}`))
        .map(([what, count]) => [what, count - (counted[at]?.[what] ?? 0)])
        .filter(([, count]) => count !== 0),
    ),
  );
  const web = { [`tcp/80 from ${VISITOR}`]: 1, [`tcp/443 from ${VISITOR}`]: 1 };
  expect(fromVisitor).toEqual([web, {}, web, {}]);
});

test('a host that boots with an empty policy is in the clear, and verify raises the alarm', async () => {
  await answerers[1]?.stop();
  writeFileSync(join(fleet.host('db1').root, 'etc/inet/ipsecinit.conf'), '');
  await fleet.powerCut('db1');
  await fleet.boot('db1');
  const answerer = await answerOn(fleet.space('db1'), { tcp: [5432] });
  const exposed = await knock(fleet.space('visitor'), [
    { id: 'tcp 5432', to: fleet.addressOf('db1'), protocol: 'tcp', port: 5432 },
  ]);
  const verify = await fleet.run('verify');
  show('db1 has booted with an empty policy', [
    { 'visitor > db1': exposed.get('tcp 5432') ?? '', verify: `exit ${verify.exit}` },
  ]);
  console.log(verify.stdout);
  // The host starts without a word of complaint, and everybody gets in.
  expect(exposed.get('tcp 5432')).toBe('open');
  expect(verify.exit).not.toBe(0);
  expect(verify.stdout).toMatch(/db1/);
  const mended = await fleet.expect(
    0,
    'apply',
    '--limit',
    'db1',
    '--accept-risk',
    'gap',
    '--accept-risk',
    'peer-unreachable',
  );
  const closed = await knock(fleet.space('visitor'), [
    { id: 'tcp 5432', to: fleet.addressOf('db1'), protocol: 'tcp', port: 5432 },
  ]);
  show('db1 after the next apply', [{ 'visitor > db1': closed.get('tcp 5432') ?? '', apply: mended.exit ?? '' }]);
  expect(closed.get('tcp 5432')).toBe('silent');
  await fleet.expect(0, 'verify');
  answerers[1] = answerer;
});
