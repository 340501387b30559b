import { describe, expect, test } from 'vitest';

import { parseInventory } from '../../../controller/inventory/parse.js';
import type { Alarm } from '../../../controller/model/alarm.js';
import type { Inventory } from '../../../controller/model/host.js';
import type { DaemonPeer, DriftReport, DriftSa, Manifest } from '../../../controller/model/observation.js';
import { canonicalListing } from '../../../controller/policy/canonical-listing.js';
import { predictLoad } from '../../../controller/policy/predict-load.js';
import { addressNames } from '../../../controller/proof/address-names.js';
import { HostLinkError, type HostLink, type HostSession } from '../../../controller/ports.js';
import { FleetVerifier } from '../../../controller/run/verify-fleet.js';
import { driftReportOf, fakeClock, fakeHost } from '../../support/fake-fleet.js';
import { expectDocumented } from '../../support/json-document.js';
import { fleetText } from '../../support/fleet-text.js';

const POLICY = '/etc/inet/ipsecinit.conf';
const CONFIG = '/etc/inet/ike/config';
const PSK = '/etc/inet/secret/ike.preshared';
const DIGEST = 'a'.repeat(64);
const OTHER = 'b'.repeat(64);

const UNLINKED = fleetText(['web1', 'db1']);
const LINKED = fleetText(['web1', 'db1'], '{ between: [web1, db1] }');

const spdOf = (text: string): readonly string[] => canonicalListing(predictLoad(text).rules);
const BYPASS_TEXT = '{ lport 22 ulp tcp dir both } bypass {}\n';
const BYPASS = spdOf(BYPASS_TEXT);
const PROTECT = spdOf(
  '{ laddr 10.0.1.11 raddr 10.0.2.21 dir both } ipsec { encr_algs aes encr_auth_algs sha256 sa shared }\n',
);

function manifest(paths: readonly string[]): Manifest {
  return {
    generation: 3,
    run: 'R3',
    made: '2026-11-20T10:00:00Z',
    files: paths.map((path) => ({ path, mode: '0400', sha256: DIGEST })),
    keys: [],
  };
}

/** A host of generation 3 on which all is well: it protects, and in.iked runs since long after its files were written. */
function well(changes: Partial<DriftReport> = {}): DriftReport {
  const record = manifest([POLICY, CONFIG, PSK]);
  return driftReportOf({
    generation: 3,
    manifest: record,
    time: '2026-11-22T10:00:00Z',
    files: record.files.map(({ path, sha256 }) => ({
      path,
      state: 'present',
      type: 'file',
      sha256,
      mode: '0400',
      modified: '2026-11-20T10:00:01Z',
    })),
    spd: PROTECT,
    appliedRules: PROTECT,
    daemonRunning: true,
    daemon: { state: 'running', phase1: undefined, rules: [], peers: [] },
    services: new Map([
      ['network/ipsec/policy', 'online'],
      ['network/ipsec/ike', 'online'],
    ]),
    serviceDetails: new Map([
      ['network/ipsec/ike', { enabled: true, since: '2026-11-20T10:00:02Z', configFile: undefined }],
    ]),
    settled: true,
    ...changes,
  });
}

function withFile(path: string, change: Partial<DriftReport['files'][number]>): Pick<DriftReport, 'files'> {
  return { files: well().files.map((file) => (file.path === path ? { ...file, ...change } : file)) };
}

interface Play {
  readonly text?: string;
  readonly rendered?: readonly string[];
  /** By host: what it says when it is asked the first time, the second time, … */
  readonly said?: Readonly<Record<string, readonly (DriftReport | 'gone')[]>>;
  readonly policyText?: string;
  readonly selected?: readonly string[];
}

async function verify({ text = LINKED, rendered = PROTECT, said = {}, policyText = '', selected }: Play) {
  const { inventory } = parseInventory({ path: 'inventory.yaml', readFile: () => text });
  const asked: string[] = [];
  const link: HostLink = {
    open: async ({ name }, how) => {
      if (how?.readOnly !== true) throw new Error('verify writes nothing');
      return sessionOf(name);
    },
  };
  function sessionOf(name: string): HostSession {
    const answers = said[name] ?? [well()];
    return {
      ...fakeHost(name).connect(),
      drift: async () => {
        const times = asked.filter((one) => one === name).length;
        asked.push(name);
        const answer = answers[Math.min(times, answers.length - 1)];
        if (answer === undefined || answer === 'gone')
          throw new HostLinkError({ kind: 'unreachable', reason: 'gone', todo: '' });
        return answer;
      },
      read: async () => policyText,
    };
  }
  const verifier = new FleetVerifier({
    inventory,
    desired: { desired: desiredOf(inventory, rendered), digest: () => DIGEST },
    clock: fakeClock(),
    settings: { inventory: 'inventory.yaml', keyAgeDays: 0, clockSeconds: 30, nameOf: addressNames(inventory) },
  });
  for (const host of inventory.hosts) await verifier.observe(sessionOf(host.name), host);
  const chosen = inventory.hosts.filter(({ name }) => selected === undefined || selected.includes(name));
  const alarms = await verifier.alarms(chosen, { link, forks: 2, stop: new AbortController().signal });
  return { alarms, asked };
}

function desiredOf(inventory: Inventory, spd: readonly string[]) {
  return new Map(inventory.hosts.map(({ name }) => [name, { host: name, files: [], spd, keys: [] }] as const));
}

const kinds = (alarms: readonly Alarm[]): readonly string[] => alarms.map(({ host, kind }) => `${host} ${kind}`);

describe('a host that should protect', () => {
  const never: Partial<DriftReport> = { generation: undefined, manifest: undefined, files: [], appliedRules: [] };
  const cases: readonly [string, Play, readonly string[], RegExp?][] = [
    ['and does is told nothing of', {}, []],
    ['and has no rule fails open', { said: { web1: [well({ spd: [] })] } }, ['web1 fail-open'], /no rule is loaded/],
    [
      'and has bypass rules alone fails open',
      { said: { web1: [well({ spd: BYPASS })] } },
      ['web1 fail-open'],
      /none of the 4 loaded rules protects anything/,
    ],
    [
      'and that nothing was ever applied to fails open',
      { said: { web1: [well({ ...never, spd: [] })] } },
      ['web1 fail-open'],
      /link db1--web1/,
    ],
    [
      'by what the inventory renders alone, without a link, fails open',
      { text: UNLINKED, said: { web1: [well({ spd: [] })] } },
      ['web1 fail-open'],
      /the inventory gives it rules that protect/,
    ],
    [
      'and whose policy file is gone fails open at the next boot',
      { said: { web1: [well(withFile(POLICY, { state: 'absent' }))] } },
      ['web1 fail-open-at-boot'],
      /ipsecinit\.conf is not there/,
    ],
    [
      'and whose policy file is a folder fails open at the next boot',
      { said: { web1: [well(withFile(POLICY, { type: 'folder' }))] } },
      ['web1 fail-open-at-boot'],
      /is a folder/,
    ],
    [
      'and whose policy file was emptied fails open at the next boot',
      { said: { web1: [well(withFile(POLICY, { sha256: OTHER }))] } },
      ['web1 fail-open-at-boot'],
      /protects nothing/,
    ],
    [
      'and whose policy file has bypass rules alone fails open at the next boot',
      { said: { web1: [well(withFile(POLICY, { sha256: OTHER }))] }, policyText: BYPASS_TEXT },
      ['web1 fail-open-at-boot'],
    ],
    [
      'and whose policy file was changed and still protects does not',
      {
        said: { web1: [well(withFile(POLICY, { sha256: OTHER }))] },
        policyText: '{ raddr 10.0.2.21 dir both } ipsec { encr_algs aes encr_auth_algs sha256 }\n',
      },
      [],
    ],
    [
      'and whose policy service does not start at the next boot fails open then',
      {
        said: {
          web1: [
            well({
              serviceDetails: new Map([
                ['network/ipsec/policy', { enabled: false, since: undefined, configFile: undefined }],
              ]),
            }),
          ],
        },
      },
      ['web1 fail-open-at-boot'],
      /does not start at the next boot/,
    ],
    [
      'and is rendered a policy that protects nothing is told of, though it protects today',
      { rendered: BYPASS },
      ['web1 fail-open-rendered', 'db1 fail-open-rendered'],
      /4 rules, none of which protects anything/,
    ],
    [
      'is told of with an open transaction as well',
      {
        said: {
          web1: [
            well({
              spd: [],
              settled: false,
              openTransaction: { id: 'T', state: 'open', step: 'policy', generation: 4, revertsInSeconds: 9 },
            }),
          ],
        },
      },
      ['web1 fail-open'],
    ],
  ];
  test.each(cases)('%s', async (_name, play, found, what) => {
    const { alarms } = await verify(play);
    expect(kinds(alarms)).toEqual(found);
    if (what !== undefined) expect(alarms[0]?.what).toMatch(what);
  });
});

test('hosts out of all links, whose policy has nothing to protect any more, raise no alarm', async () => {
  const { alarms } = await verify({
    text: UNLINKED,
    rendered: BYPASS,
    said: { web1: [well({ spd: BYPASS })], db1: [well({ spd: [] })] },
  });
  expect(alarms).toEqual([]);
});

const LIMITS = { hard: { addSeconds: 28_800 } };
function negotiated(spi: string, src: string, dst: string): DriftSa {
  return { type: 'esp', spi, src, dst, encr: undefined, auth: undefined, key: 'unlisted', ...LIMITS };
}
const [WEB, DB] = ['10.0.1.11', '10.0.2.21'];
const TO_DB = negotiated('0x1001', WEB, DB);
const TO_WEB = negotiated('0x2001', DB, WEB);
const peers = (sasOut: number, sasIn: number): Pick<DriftReport, 'daemon'> => {
  const peer: DaemonPeer = { local: WEB, remote: DB, phase1: 1, sasOut, sasIn };
  return { daemon: { state: 'running', phase1: undefined, rules: [], peers: [peer] } };
};

describe('daemon and kernel', () => {
  const down = new Map([
    ['network/ipsec/policy', 'online'],
    ['network/ipsec/ike', 'disabled'],
  ]);
  const cases: readonly [string, Partial<DriftReport>, readonly string[], RegExp?][] = [
    [
      'a daemon that believes in SAs that the kernel has not',
      peers(0, 0),
      ['web1 out-of-step'],
      /^in\.iked believes it has SAs with db1 \(10\.0\.2\.21\), and the kernel has none: traffic is refused$/,
    ],
    ['one direction of a pair missing', peers(2, 0), ['web1 out-of-step'], /one way only \(2 out, 0 in\)/],
    ['both directions there', peers(1, 1), []],
    [
      'a kernel with SAs of a daemon that is gone',
      { services: down, daemonRunning: false, sad: [TO_DB, TO_WEB] },
      ['web1 daemon-down'],
      /has 2 SAs of its making, which nobody renews/,
    ],
    [
      'a daemon that does not answer',
      { daemonRunning: false, daemon: { state: 'hangs', phase1: undefined, rules: [], peers: [] } },
      ['web1 daemon-down'],
      /^in\.iked does not answer; the kernel has no SA of its making/,
    ],
    [
      'a daemon with other rules than its file',
      { daemon: { state: 'running', phase1: undefined, rules: [{ label: 'x', state: 'missing' }], peers: [] } },
      ['web1 out-of-step'],
    ],
    [
      'a daemon that was not restarted since its keys were written',
      withFile(PSK, { modified: '2026-11-21T10:00:00Z' }),
      ['web1 out-of-step'],
      /^in\.iked was started before \/etc\/inet\/secret\/ike\.preshared was written/,
    ],
    [
      'the same on a host whose clock tells nothing',
      { ...withFile(PSK, { modified: '2026-11-21T10:00:00Z' }), time: '2026-11-22T14:00:00Z' },
      [],
    ],
  ];
  test.each(cases)('%s', async (_name, changes, found, what) => {
    const { alarms } = await verify({
      said: { web1: [well(changes)], db1: [well({ sad: changes.sad ?? [] })] },
    });
    expect(kinds(alarms)).toEqual(found);
    if (what !== undefined) expect(alarms[0]?.what).toMatch(what);
  });
});

describe('SAs that the other end does not have', () => {
  const web = well({ sad: [TO_DB, TO_WEB] });

  test('are an alarm of the end whose kernel lost them, once both were looked at twice', async () => {
    const { alarms, asked } = await verify({ said: { web1: [web], db1: [well({ sad: [] })] } });
    expect(alarms).toMatchObject([{ host: 'db1', peer: 'web1', kind: 'out-of-step' }]);
    expect(alarms[0]?.what).toBe(
      'web1 sends to db1 under 1 SA that the kernel of db1 does not have: db1 refuses that traffic',
    );
    expect(alarms[0]?.mend).toContain('on db1, as root: svcadm restart network/ipsec/ike');
    expect(alarms[0]?.mend).toContain('ipseckey delete esp spi 0x1001 dst 10.0.2.21');
    expect(asked).toEqual(['web1', 'db1', 'web1', 'db1']);
  });

  test('are told of whichever end was asked about', async () => {
    const { alarms } = await verify({ said: { web1: [web], db1: [well({ sad: [] })] }, selected: ['web1'] });
    expect(kinds(alarms)).toEqual(['db1 out-of-step']);
  });

  test('are told with the daemon that believes in them, where that is out of step as well', async () => {
    const peer: DaemonPeer = { local: DB, remote: WEB, phase1: 1, sasOut: 0, sasIn: 0 };
    const db = well({ daemon: { state: 'running', phase1: undefined, rules: [], peers: [peer] } });
    const { alarms } = await verify({ said: { web1: [web], db1: [db] } });
    expect(kinds(alarms)).toEqual(['db1 out-of-step']);
    expect(alarms[0]?.what).toContain('in.iked believes it has SAs with web1 (10.0.1.11), and the kernel has none');
    expect(alarms[0]?.details).toEqual([
      '10.0.2.21 10.0.1.11: 0 SAs out, 0 SAs in',
      'web1 still sends under 10.0.1.11 10.0.2.21: esp 0x1001',
    ]);
    expect(alarms[0]?.mend).toContain('on web1, as root: ipseckey delete esp spi 0x1001 dst 10.0.2.21');
  });

  const quiet: readonly [string, Record<string, readonly (DriftReport | 'gone')[]>][] = [
    ['both ends have them', { web1: [web], db1: [web] }],
    ['they were just being made', { web1: [web], db1: [well({ sad: [] }), web] }],
    [
      'an old one is gone there and a new one is not',
      {
        web1: [well({ sad: [TO_DB, negotiated('0x1002', WEB, DB)] })],
        db1: [well({ sad: [negotiated('0x1002', WEB, DB)] })],
      },
    ],
    ['a transaction is open at one end', { web1: [web], db1: [well({ sad: [], settled: false })] }],
    ['the other end is gone at the second look', { web1: [web], db1: [well({ sad: [] }), 'gone'] }],
    ['they are of a key file', { web1: [well({ sad: [{ ...TO_DB, key: 'same' }] })], db1: [well({ sad: [] })] }],
  ];
  test.each(quiet)('are no alarm where %s', async (_name, said) => {
    expect((await verify({ said })).alarms).toEqual([]);
  });
});

test('what fails open comes first, and every alarm is as the document of the output says', async () => {
  const { alarms } = await verify({
    said: { web1: [well(peers(0, 0))], db1: [well({ spd: [], sad: [TO_WEB] })] },
  });
  expect(kinds(alarms)).toEqual(['db1 fail-open', 'web1 out-of-step']);
  expectDocumented(
    alarms.map((alarm) => ({ schema: 'ipsec-deploy/1', event: 'alarm', ...alarm })),
    'alarm',
  );
});
