import { describe, expect, test } from 'vitest';
import { compareHost } from '../../../controller/drift/compare-host.js';
import { findingId } from '../../../controller/drift/finding-id.js';
import type { CompareSettings, DesiredState, HostView } from '../../../controller/drift/compare-view.js';
import type { DriftFinding } from '../../../controller/model/drift.js';
import type { DriftReport, DriftSa, Manifest, ServiceDetails } from '../../../controller/model/observation.js';
import { SOLARIS_SMF } from '../../../controller/platform/solaris-smf.js';
import { driftReportOf, hostNamed } from '../../support/fake-fleet.js';

const POLICY = '/etc/inet/ipsecinit.conf';
const KEYS = '/etc/inet/secret/ipseckeys';
const CONFIG = '/etc/inet/ike/config';
const PSK = '/etc/inet/secret/ike.preshared';
const DIGEST = 'a'.repeat(64);
const OTHER = 'b'.repeat(64);
const SETTINGS: CompareSettings = { inventory: 'inventory.yaml', keyAgeDays: 90, clockSeconds: 30 };

const ESP = 'ipsec { encr_algs aes-cbc(256) encr_auth_algs hmac-sha256(256) sa shared }';
/** A bypass before ESP rules, each way; the broader ESP rule last. */
const RULES = [
  '{ ulp 6 lport 80 dir out } pass { }',
  '{ ulp 6 lport 80 dir in } pass { }',
  `{ raddr 10.0.2.21/32 dir out } ${ESP}`,
  `{ raddr 10.0.2.21/32 dir in } ${ESP}`,
];

function manifest(paths: readonly string[] = [POLICY, KEYS]): Manifest {
  return {
    generation: 3,
    run: 'R3',
    made: '2026-11-20T10:00:00Z',
    files: paths.map((path) => ({ path, mode: path === POLICY ? '0400' : '0600', sha256: DIGEST })),
    keys: [{ id: 'psk:db1--web1', part: 'psk', bits: 256, fingerprint: '0123456789abcdef' }],
  };
}

type Changes = Partial<DriftReport>;

function clean(changes: Changes = {}): DriftReport {
  const record = 'manifest' in changes ? changes.manifest : manifest();
  const present = (record ?? manifest()).files.map(({ path, mode, sha256 }) => ({
    path,
    state: 'present' as const,
    type: 'file' as const,
    mode,
    sha256,
    uid: 0,
    gid: 0,
    links: 1,
    modified: '2026-11-20T10:00:01Z',
  }));
  const states = new Map([
    ['network/ipsec/policy', 'online'],
    ['network/ipsec/manual-key', 'online'],
    ['network/ipsec/ike', record?.files.some(({ path }) => path === CONFIG) === true ? 'online' : 'disabled'],
    ['site/ipsec-deploy-guard', 'online'],
  ]);
  return driftReportOf({
    generation: 3,
    manifest: record,
    files: present,
    spd: RULES,
    appliedRules: RULES,
    services: states,
    guard: { script: DIGEST, scriptIsShipped: true, manifest: 'same' },
    agents: [DIGEST],
    history: ['2026-11-20T10:00:02Z T3 confirmed generation=3 text=ok'],
    ...changes,
  });
}

function viewOf(changes: Changes = {}, view: Partial<HostView> = {}): HostView {
  const now = new Date('2026-11-22T10:15:00Z');
  return {
    host: hostNamed('web1'),
    report: clean(changes),
    adapter: SOLARIS_SMF,
    asked: now,
    answered: now,
    texts: new Map(),
    recordedTexts: new Map(),
    installedKeys: new Map(),
    ...view,
  };
}

function findingsOf(changes: Changes, view: Partial<HostView> = {}, settings = SETTINGS): readonly DriftFinding[] {
  return compareHost(viewOf(changes, view), undefined, settings);
}

const kindsOf = (changes: Changes, view: Partial<HostView> = {}, settings = SETTINGS): readonly string[] =>
  findingsOf(changes, view, settings).map(({ kind }) => kind);

function files(path: string, change: Record<string, unknown>): Pick<DriftReport, 'files'> {
  return { files: clean().files.map((file) => (file.path === path ? { ...file, ...change } : file)) };
}

function services(change: Record<string, string>): Pick<DriftReport, 'services'> {
  return { services: new Map([...clean().services, ...Object.entries(change)]) };
}

function details(service: string, change: Partial<ServiceDetails>): Pick<DriftReport, 'serviceDetails'> {
  return {
    serviceDetails: new Map([[service, { enabled: undefined, since: undefined, configFile: undefined, ...change }]]),
  };
}

function sa(spi: string, key: DriftSa['key'], more: Partial<DriftSa> = {}): DriftSa {
  return { type: 'esp', spi, dst: '10.0.0.2', src: undefined, encr: undefined, auth: undefined, key, ...more };
}

describe('what is not as it should be is found under its own name', () => {
  const open = { id: 'T4', state: 'verified', step: 'verify', generation: 4, revertsInSeconds: 30 };
  const cases: readonly [string, Changes, string, RegExp?][] = [
    ['a failed transaction', { openTransaction: { ...open, state: 'failed' }, settled: false }, 'transaction-failed'],
    [
      'a transaction that nobody keeps',
      { openTransaction: open, settled: false, keepers: [{ name: 'deadman', state: 'gone' }] },
      'transaction-open',
      /nobody keeps it/,
    ],
    [
      'a transaction whose dead-man lives',
      {
        openTransaction: open,
        settled: false,
        keepers: [
          { name: 'agent', state: 'gone' },
          { name: 'deadman', state: 'alive' },
        ],
      },
      'transaction-open',
      /reverts in 30 s/,
    ],
    [
      'a drill',
      {
        openTransaction: { ...open, id: 'drill-20261122T101500Z-1a2b.db1' },
        settled: false,
        keepers: [{ name: 'deadman', state: 'alive' }],
      },
      'transaction-open',
      /a drill is at work/,
    ],
    [
      'a transaction that just begins',
      { unarmed: true, settled: false, keepers: [{ name: 'holder', state: 'alive' }] },
      'transaction-open',
      /just beginning/,
    ],
    [
      'a transaction whose maker was killed',
      { unarmed: true, settled: false, keepers: [{ name: 'holder', state: 'gone' }] },
      'transaction-open',
      /maker is gone/,
    ],
    ['a transaction that came and went', { settled: false }, 'transaction-open', /while the host was looked at/],
    ['a file of another user', files(KEYS, { uid: 1001 }), 'file-owner', /refuse it/],
    ['a folder in place of a file', files(POLICY, { type: 'folder', sha256: undefined }), 'file-type', /no plain file/],
    [
      'an edit that changes mode and owner too',
      files(POLICY, { sha256: OTHER, mode: '0644', uid: 7 }),
      'file-content',
      /and has mode 0644 and owner 7/,
    ],
    ['an edited key file that others can read', files(KEYS, { sha256: OTHER, mode: '0644' }), 'file-content'],
    [
      'rules that swap places in their class',
      { spd: [RULES[0] ?? '', RULES[1] ?? '', `{ dir out } drop { }`, `{ dir in } drop { }`] },
      'rule-foreign',
    ],
    [
      'a state folder that is a link',
      { stateFolder: { path: '/var/ipsec-deploy', state: 'present', type: 'link', linkTo: 'x' } },
      'state-folder-open',
      /symbolic link to x/,
    ],
    [
      'a boot guard that the service manager does not know',
      { services: new Map([...clean().services].filter(([name]) => !name.startsWith('site/'))) },
      'boot-guard-missing',
      /svccfg import/,
    ],
    [
      'a boot guard in maintenance',
      services({ 'site/ipsec-deploy-guard': 'maintenance' }),
      'boot-guard-missing',
      /svcadm clear/,
    ],
    [
      'another manifest of the boot guard',
      { guard: { script: DIGEST, scriptIsShipped: true, manifest: 'differs' } },
      'boot-guard-missing',
    ],
    [
      'a record of another generation',
      { manifest: { ...manifest(), generation: 2 } },
      'generation-moved',
      /its record is of generation 2/,
    ],
    [
      'a service that is only enabled until the next boot',
      details('network/ipsec/policy', { enabled: false }),
      'service-settings',
      /does not start at the next boot/,
    ],
    [
      'a service that waits for another',
      services({ 'network/ipsec/manual-key': 'offline' }),
      'service-state',
      /depends on/,
    ],
    ['several SAs of nobody', { sad: [sa('0x1', 'unlisted'), sa('0x2', 'unlisted')] }, 'sa-foreign', /^2 SAs/],
    [
      'an SA with a lifetime where there is no IKE',
      { sad: [sa('0x1', 'unlisted', { hard: { addSeconds: 600 } })] },
      'sa-foreign',
    ],
    [
      'a daemon that hangs',
      { manifest: manifest([POLICY, CONFIG]), daemon: { state: 'hangs', phase1: undefined, rules: [], peers: [] } },
      'daemon-down',
      /it hangs/,
    ],
    [
      'SAs one way only',
      {
        manifest: manifest([POLICY, CONFIG]),
        daemon: {
          state: 'running',
          phase1: undefined,
          rules: [],
          peers: [{ local: 'a', remote: 'b', phase1: 1, sasOut: 1, sasIn: 0 }],
        },
      },
      'daemon-out-of-step',
    ],
    ['in.iked where no IKE is', { daemonRunning: true }, 'daemon-unexpected'],
    [
      'a file that appeared since the generation',
      { files: [...clean().files, { path: CONFIG, state: 'present', modified: '2026-11-21T00:00:00Z' }] },
      'file-orphan',
    ],
    ['a clock that runs ahead', { time: '2026-11-22T10:16:00Z' }, 'clock-off', /60 s ahead/],
    ['a clock that runs behind', { time: '2026-11-22T10:14:00Z' }, 'clock-off', /59 s behind/],
  ];
  test.each(cases)('%s', (_done, changes, kind, says = /./) => {
    const found = findingsOf(changes);
    expect(found.map((one) => one.kind)).toEqual([kind]);
    expect([found[0]?.what, found[0]?.cause, found[0]?.mend].join('\n')).toMatch(says);
  });

  test.each([
    [
      'folder',
      /no plain file but a folder: .*clear/,
      'critical',
      /rm -r \/etc\/inet\/ipsecinit.conf; then ipsec-deploy/,
    ],
    ['pipe', /a named pipe: .*clear/, 'critical', /: rm \/etc/],
    ['device', /a device: .*clear/, 'critical', /: rm \/etc/],
    ['link', /a symbolic link to nowhere, which leads to no file: .*clear/, 'critical', /: rm \/etc/],
  ] as const)(
    'a %s in place of the policy file is told as what the next boot makes of it',
    (type, what, severity, mend) => {
      const found = findingsOf(files(POLICY, { type, sha256: undefined, linkTo: 'nowhere' }));
      expect(found).toEqual([expect.objectContaining({ kind: 'file-type', severity })]);
      expect(found[0]?.what).toMatch(what);
      expect(found[0]?.mend).toMatch(mend);
    },
  );

  test('a link in place of the policy file is judged by what it leads to', () => {
    const link = (sha256: string) => files(POLICY, { type: 'link', linkTo: '/tmp/x', mode: '0777', sha256 });
    const same = findingsOf(link(DIGEST));
    expect(same).toEqual([expect.objectContaining({ kind: 'file-type', severity: 'warning' })]);
    expect(same[0]?.what).toMatch(/has its content/);
    const empty = findingsOf(link(OTHER), { texts: new Map([[POLICY, '# nothing\n']]) });
    expect(empty).toEqual([expect.objectContaining({ kind: 'file-type', severity: 'critical' })]);
    expect(empty[0]?.what).toMatch(/\/tmp\/x: the loaded rules stay until the next boot/);
  });

  test('a service that failed on a changed file is mended by the file, and is not sent to fail on it again', () => {
    const down = services({ 'network/ipsec/manual-key': 'maintenance' });
    const mendOf = (changes: Changes) => findingsOf(changes).find(({ kind }) => kind === 'service-state')?.mend;
    expect(mendOf(down)).toMatch(/svcadm clear network\/ipsec\/manual-key/);
    expect(mendOf({ ...down, ...files(KEYS, { sha256: OTHER }) })).toBe(
      'ipsec-deploy apply inventory.yaml --limit web1',
    );
  });

  test('new content of a file with another name besides is told as content', () => {
    const found = findingsOf(files(POLICY, { links: 2, sha256: OTHER }));
    expect(found.map(({ kind }) => kind)).toEqual(['file-content']);
    expect(found[0]?.what).toMatch(/has 1 other name/);
  });

  test('what is no file in a place of nobody is named, and goes as what it is', () => {
    const orphan = { path: CONFIG, state: 'present', type: 'folder', modified: '2026-11-21T00:00:00Z' } as const;
    const [found] = findingsOf({ files: [...clean().files, orphan] });
    expect(found?.what).toMatch(/is there \(a folder\)/);
    expect(found?.mend).toMatch(/: rm -r /);
    const link = { ...orphan, path: PSK, type: 'link', linkTo: 'x', mode: '0777' } as const;
    expect(findingsOf({ files: [...clean().files, link] })[0]?.severity).not.toBe('critical');
  });

  test('rules of one class in another order, where it matters', () => {
    const [first, second] = [
      `{ raddr 10.0.2.0/24 dir out } ${ESP}`,
      `{ raddr 10.0.2.21/32 dir out } ${ESP.replace('256)', '128)')}`,
    ];
    const found = findingsOf({ appliedRules: [first, second], spd: [second, first] });
    expect(found.map(({ kind }) => kind)).toEqual(['rule-order']);
  });

  test('keys are as old as the key store says, and as the generation where it does not', () => {
    const keyDates = new Map([['psk:db1--web1', '2026-01-01T00:00:00Z']]);
    const [old] = findingsOf({}, {}, { ...SETTINGS, keyDates });
    expect(old?.kind).toBe('key-old');
    expect(old?.mend).toMatch(/by hand .*; then ipsec-deploy apply inventory.yaml --limit web1 draws/);
    expect(old?.details).toEqual([expect.stringMatching(/ days \(psk:db1--web1\)$/)]);
    expect(kindsOf({}, {}, { ...SETTINGS, keyDates, keyAgeDays: 0 })).toEqual([]);
    expect(kindsOf({}, {}, { ...SETTINGS, keyAgeDays: 1 })).toEqual(['key-old']);
    expect(kindsOf({}, {}, { ...SETTINGS, keyAgeDays: 3 })).toEqual([]);
  });

  test('a mend names an inventory as a shell takes it', () => {
    const [found] = findingsOf(
      files(POLICY, { mode: '0644' }),
      {},
      { ...SETTINGS, inventory: "data centre/o'ne.yaml" },
    );
    expect(found?.mend).toBe(String.raw`ipsec-deploy apply 'data centre/o'\''ne.yaml' --limit web1`);
  });
});

describe('what only looks odd is not told', () => {
  const cases: readonly [string, Changes, Partial<HostView>?][] = [
    ['a host as its generation left it', {}],
    ['rules of different classes in another order', { spd: [...RULES.slice(2), ...RULES.slice(0, 2)] }],
    [
      'rules of one class in another order that decide alike',
      { spd: [RULES[1] ?? '', RULES[0] ?? '', ...RULES.slice(2)] },
    ],
    [
      'SAs that in.iked negotiated',
      {
        manifest: manifest([POLICY, CONFIG]),
        daemon: undefined,
        sad: [sa('0x1', 'unlisted', { hard: { addSeconds: 28_800 } })],
      },
    ],
    [
      'SAs that outlive a daemon stopped an hour ago',
      {
        sad: [sa('0x1', 'unlisted', { hard: { addSeconds: 28_800 } })],
        ...details('network/ipsec/ike', { since: '2026-11-22T09:15:00Z' }),
      },
    ],
    [
      'SAs that outlive the daemon of a host that does not tell when it was stopped',
      {
        manifest: { ...manifest([POLICY]), made: '2026-11-22T09:15:00Z' },
        sad: [sa('0x1', 'unlisted', { hard: { addSeconds: 28_800 } })],
      },
    ],
    [
      'a peer without traffic beside a busy one',
      {
        manifest: manifest([POLICY, CONFIG]),
        daemon: {
          state: 'running',
          phase1: undefined,
          rules: [],
          peers: [
            { local: 'a', remote: 'b', phase1: 1, sasOut: 0, sasIn: 0 },
            { local: 'a', remote: 'c', phase1: 1, sasOut: 2, sasIn: 2 },
          ],
        },
      },
    ],
    ['a service between two states', services({ 'network/ipsec/policy': 'offline*' })],
    [
      'modes of an adopted host',
      files(POLICY, { mode: '0644', uid: 3 }),
      { host: { ...hostNamed('web1'), modes: 'as-found' } },
    ],
    [
      'an IKE configuration of the operator',
      {
        daemonRunning: true,
        files: [...clean().files, { path: CONFIG, state: 'present', modified: '2026-01-01T00:00:00Z' }],
      },
    ],
    [
      'an old copy beside the policy',
      {
        leftovers: [
          {
            kind: 'copy',
            path: `${POLICY}.orig`,
            file: { path: `${POLICY}.orig`, state: 'present', modified: '2020-01-01T00:00:00Z' },
          },
        ],
      },
    ],
    [
      'an answer that took its time',
      { time: '2026-11-22T10:15:20Z' },
      { asked: new Date('2026-11-22T10:15:00Z'), answered: new Date('2026-11-22T10:17:00Z') },
    ],
    ['a newer generation than remembered', {}],
    [
      'a lifetime of a week',
      { sad: [sa('0x1', 'same', { hard: { addSeconds: 604_800 }, expiresInSeconds: 600_000 })] },
    ],
  ];
  test.each(cases)('%s', (_looks, changes, view = {}) => {
    expect(findingsOf(changes, view, { ...SETTINGS, lastGeneration: { generation: 2 } })).toEqual([]);
  });
});

describe('one cause is one finding', () => {
  const cases: readonly [string, Changes, readonly string[]][] = [
    [
      'manual-key in maintenance explains SAs that are missing',
      { ...services({ 'network/ipsec/manual-key': 'maintenance' }), sad: [sa('0x1', 'missing')] },
      ['service-state'],
    ],
    [
      'a changed key file explains SAs that differ',
      { ...files(KEYS, { sha256: OTHER }), sad: [sa('0x1', 'differs'), sa('0x2', 'unlisted')] },
      ['file-content'],
    ],
    [
      'policy in maintenance explains rules that are not loaded',
      { ...services({ 'network/ipsec/policy': 'maintenance' }), spd: RULES.slice(0, 2) },
      ['service-state'],
    ],
    [
      'a flushed policy explains itself, whatever its service does',
      { ...services({ 'network/ipsec/policy': 'maintenance' }), spd: [] },
      ['policy-empty'],
    ],
    [
      'a policy file that is gone explains that nothing is loaded',
      { files: clean().files.filter(({ path }) => path !== POLICY), spd: [] },
      ['policy-empty'],
    ],
    [
      'a disabled daemon explains that it does not answer',
      { manifest: manifest([POLICY, CONFIG, PSK]), ...services({ 'network/ipsec/ike': 'disabled' }) },
      ['service-state'],
    ],
    [
      'an edited file of IKE explains that the daemon holds other rules',
      {
        manifest: manifest([POLICY, CONFIG]),
        files: clean({ manifest: manifest([POLICY, CONFIG]) }).files.map((file) =>
          file.path === CONFIG ? { ...file, sha256: OTHER } : file,
        ),
        services: clean({ manifest: manifest([POLICY, CONFIG]) }).services,
        daemon: { state: 'running', phase1: undefined, rules: [{ label: 'a', state: 'missing' }], peers: [] },
      },
      ['file-content'],
    ],
    [
      'a lost record says nothing of what should be there',
      { generation: 1, spd: [], ...files(POLICY, { sha256: OTHER }) },
      ['generation-moved'],
    ],
    [
      'two causes are two findings',
      { ...files(POLICY, { mode: '0644' }), sad: [sa('0x1', 'missing')] },
      ['file-mode', 'sa-missing'],
    ],
  ];
  test.each(cases)('%s', (_cause, changes, kinds) => {
    expect(kindsOf(changes)).toEqual(kinds);
  });
});

describe('a changed policy file', () => {
  const text = (lines: string): ReadonlyMap<string, string> => new Map([[POLICY, lines]]);
  const ours = `{lport 80 ulp tcp dir both} bypass {}\n{raddr 10.0.2.21} ipsec {encr_algs aes(256) encr_auth_algs sha256 sa shared}\n`;
  const loaded = [
    ...RULES.slice(0, 1),
    ...RULES.slice(0, 1),
    ...RULES.slice(1, 2),
    ...RULES.slice(1, 2),
    ...RULES.slice(2),
  ];
  const changed = (lines: string, spd = loaded): readonly DriftFinding[] =>
    findingsOf({ ...files(POLICY, { sha256: OTHER }), appliedRules: loaded, spd }, { texts: text(lines) });

  test('with other white space, line ends and comments has the same meaning', () => {
    expect(changed(`# why\r\n${ours.replaceAll(' ', '  ')}`)).toMatchObject([
      { kind: 'file-content', severity: 'info', what: expect.stringMatching(/same meaning/) },
    ]);
  });
  test('that opens a port is critical, and the port is named', () => {
    expect(changed(`${ours}{raddr 10.0.2.21 rport 25 ulp tcp dir both} bypass {}\n`)).toMatchObject([
      {
        kind: 'file-content',
        severity: 'critical',
        what: expect.stringMatching(/tcp.25.* was protected and is clear/),
      },
    ]);
  });
  test.each(['', '# only words\n', '{} nonsense {}\n'])('that loads nothing is critical: %j', (lines) => {
    expect(changed(lines)).toMatchObject([{ kind: 'policy-file-empty', severity: 'critical' }]);
  });
  test('into which a key was written is shown without it', () => {
    const key = 'c0ffee00'.repeat(4);
    const [found] = findingsOf(
      { ...files(POLICY, { sha256: OTHER }), appliedRules: loaded, spd: loaded },
      { texts: text(`${ours}# ${key}\n{ ${key.toUpperCase()} }\n`), recordedTexts: text(ours) },
    );
    expect(found?.details).toEqual(expect.arrayContaining(['+# [masked]', '+{ [masked] }']));
    expect(JSON.stringify(found).toLowerCase()).not.toContain(key);
  });
  test('and rules that it does not have are two findings', () => {
    expect(changed(`# why\n${ours}`, [...loaded, '{ ulp 6 lport 9 dir in } pass { }']).map(({ kind }) => kind)).toEqual(
      ['file-content', 'rule-foreign'],
    );
  });
});

test('files and keys that a generation without IKE asks for today are a change that waits', () => {
  const desired: DesiredState = {
    host: {
      host: 'web1',
      files: [
        { path: POLICY, mode: '0400', parts: ['same'] },
        { path: PSK, mode: '0600', parts: ['new'] },
      ],
      spd: [...RULES, RULES[0] ?? ''],
      keys: [{ id: 'psk:new', part: 'psk', bits: 256, fingerprint: 'fedcba9876543210' }],
    },
    digest: (file) => (file.path === POLICY ? DIGEST : OTHER),
  };
  const [policy] = files(POLICY, { mode: '0644' }).files;
  const drifted = { manifest: manifest([POLICY]), files: policy === undefined ? [] : [policy] };
  expect(compareHost(viewOf(drifted), desired, SETTINGS)).toMatchObject([
    {
      class: 'drift',
      kind: 'file-mode',
      mend: 'ipsec-deploy apply inventory.yaml --limit web1 # brings what is pending, too; without that: ipsec-deploy rollback inventory.yaml --limit web1 --to 3',
    },
    {
      class: 'pending',
      kind: 'pending-change',
      what: expect.stringMatching(/ike\.preshared; 1 rule more, 0 less; 1 new key$/),
    },
  ]);
});

describe('what is mended by more than an apply', () => {
  const mendOf = (changes: Changes): string | undefined => findingsOf(changes)[0]?.mend;
  const AGENT = '/var/ipsec-deploy/agent';

  test('an SA that is loaded with a lifetime, or another key, goes before the apply that loads it again', () => {
    const deleted = 'on the host, as root: ipseckey delete esp spi 0x1 dst 10.0.0.2; then ipsec-deploy apply ';
    expect(mendOf({ sad: [sa('0x1', 'same', { expiresInSeconds: 600 })] })).toContain(deleted);
    expect(mendOf({ sad: [sa('0x1', 'differs')] })).toContain(deleted);
    const many = Array.from({ length: 7 }, (_, i) => sa(`0x${i + 1}`, 'same', { expiresInSeconds: 600 }));
    expect(mendOf({ sad: many })).toContain('spi 0x5 dst 10.0.0.2, and so for 2 more; then ipsec-deploy apply ');
  });

  test("a boot guard's manifest is written from its script, and imported only where the guard is not known", () => {
    const write = `sed -n "/^BOOT_GUARD_XML='/,/'\\$/{s/^BOOT_GUARD_XML='//;s/'\\$//;p;}" ${AGENT}/boot > ${AGENT}/boot-guard.xml`;
    const load = `svccfg import ${AGENT}/boot-guard.xml`;
    const guard = { script: DIGEST, scriptIsShipped: true } as const;
    const unknown = services({ 'site/ipsec-deploy-guard': 'absent' });
    expect(findingsOf({ guard: { ...guard, manifest: 'differs' } })).toMatchObject([
      { kind: 'boot-guard-missing', severity: 'info', mend: `on the host, as root: ${write}` },
    ]);
    expect(mendOf({ guard: { ...guard, manifest: 'absent' }, ...unknown })).toBe(
      `on the host, as root: ${write} && ${load}`,
    );
    expect(mendOf({ guard: { ...guard, manifest: 'same' }, ...unknown })).toBe(`on the host, as root: ${load}`);
    expect(mendOf({ guard: { script: undefined, scriptIsShipped: false, manifest: 'same' } })).toBe(
      `on the host, as root: cp ${AGENT}/${DIGEST} ${AGENT}/boot`,
    );
  });

  test('words that are no command do not stand in one', () => {
    expect(mendOf(files(POLICY, { links: 2 }))).toMatch(
      /^on the host, as root: find [^&]*; then rm what it lists besides/,
    );
  });
});

test.each(['disabled', 'maintenance'])('a key daemon that is %s is critical where a link needs IKE', (state) => {
  const severities = (keys: Manifest['keys']) =>
    findingsOf({
      manifest: { ...manifest([POLICY, CONFIG, PSK]), keys },
      ...services({ 'network/ipsec/ike': state }),
    }).map(({ kind, severity }) => [kind, severity]);
  expect(severities(manifest().keys)).toEqual([['service-state', 'critical']]);
  expect(severities([])).toEqual([['service-state', 'warning']]);
});

describe('why a service is in maintenance', () => {
  const causeOf = (...lines: readonly string[]): string | undefined =>
    findingsOf({
      ...services({ 'network/ipsec/manual-key': 'maintenance' }),
      logs: [{ service: 'network/ipsec/manual-key:default', lines }],
    })[0]?.cause;

  test('is what its method said, not that it failed', () => {
    expect(
      causeOf('[ Nov 22 Executing start method. ]', 'ipseckey: bad file', '[ Nov 22 Method "start" exited. ]'),
    ).toBe('its method failed: ipseckey: bad file');
    expect(causeOf('[ Nov 22 Method "start" exited. ]')).toBe('its method failed: [ Nov 22 Method "start" exited. ]');
  });

  test('is a person, where one asked for it', () => {
    expect(causeOf('ipseckey: well', '[ Nov 22 Stopping because of administrative request for maintenance. ]')).toBe(
      '`svcadm mark maintenance network/ipsec/manual-key` was run',
    );
  });
});

describe('the name of a finding about several things', () => {
  const idsOf = (changes: Changes): readonly string[] => findingsOf(changes).map(findingId);

  test('stays while SAs of the key file go one after another', () => {
    const [one, two] = [sa('0x1', 'missing'), sa('0x2', 'missing')];
    expect(idsOf({ sad: [one, two] })).toEqual(idsOf({ sad: [two] }));
  });

  test('is another one for other rules, and other SAs of nobody, of the same number', () => {
    const rules = (port: number) => ({
      spd: [...RULES, ...[7, port].map((lport) => `{ ulp 6 lport ${lport} dir in } pass { }`)],
    });
    expect(idsOf(rules(8))).not.toEqual(idsOf(rules(9)));
    const foreign = (spi: string) => ({ sad: [sa('0x1', 'unlisted'), sa(spi, 'unlisted')] });
    expect(idsOf(foreign('0x2'))).not.toEqual(idsOf(foreign('0x3')));
  });
});

test('an idle link is no daemon out of step where its SAs may be gone before its phase 1', () => {
  const peer = { local: 'a', remote: 'b', phase1: 1, sasOut: 0, sasIn: 0 };
  const view = viewOf({
    manifest: manifest([POLICY, CONFIG]),
    daemon: { state: 'running', phase1: undefined, rules: [], peers: [peer] },
  });
  const kinds = (config: string): readonly string[] =>
    compareHost(
      view,
      {
        host: { host: 'web1', files: [{ path: CONFIG, mode: '0600', parts: [config] }], spd: RULES, keys: [] },
        digest: () => DIGEST,
      },
      SETTINGS,
    ).flatMap((one) => (one.class === 'drift' ? one.kind : []));
  expect(kinds('{ p2_pfs 14 }')).toEqual(['daemon-out-of-step']);
  expect(kinds('{ p2_lifetime_secs 3600 }')).toEqual([]);
  expect(kinds('{ p1_xform { p1_lifetime_secs 86400 } }')).toEqual([]);
  expect(kinds('p2_idletime_secs 600')).toEqual([]);
});
