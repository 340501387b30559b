/** A week of checks, every quarter of an hour, of hosts that are as they should be, but never look the same twice. */

import { compareHost } from '../../../controller/drift/compare-host.js';
import { advance } from '../../../controller/drift/incidents.js';
import {
  EMPTY_MEMORY,
  type DriftDigest,
  type DriftFinding,
  type DriftMemory,
  type HostLook,
} from '../../../controller/model/drift.js';
import type { DriftReport, DriftSa, Manifest } from '../../../controller/model/observation.js';
import { SOLARIS_SMF } from '../../../controller/platform/solaris-smf.js';
import { canonicalFromListing } from '../../../controller/policy/canonical-listing.js';
import { hasNews } from '../../../controller/report/digest-text.js';
import { driftReportOf, hostNamed } from '../../support/fake-fleet.js';

const LOOKS = 7 * 24 * 4;
const BEGIN = Date.parse('2026-11-22T00:00:00Z');
const DIGEST = 'a'.repeat(64);
const PATHS = [
  '/etc/inet/ipsecinit.conf',
  '/etc/inet/secret/ipseckeys',
  '/etc/inet/ike/config',
  '/etc/inet/secret/ike.preshared',
];
const ESP = 'ipsec { encr_algs aes-cbc(256) encr_auth_algs hmac-sha256(256) sa shared }';
const BYPASSES = [80, 443, 53].flatMap((port) => [
  `{ ulp 6 lport ${port} dir out } pass { }`,
  `{ ulp 6 lport ${port} dir in } pass { }`,
]);
const PROTECTS = [21, 22, 23].flatMap((last) => [
  `{ raddr 10.0.2.${last}/32 dir out } ${ESP}`,
  `{ raddr 10.0.2.${last}/32 dir in } ${ESP}`,
]);
const MANIFEST: Manifest = {
  generation: 7,
  run: 'R7',
  made: '2026-11-20T10:00:00Z',
  files: PATHS.map((path) => ({ path, mode: path.endsWith('conf') ? '0400' : '0600', sha256: DIGEST })),
  keys: [{ id: 'psk:db1--web1', part: 'psk', bits: 256, fingerprint: '0123456789abcdef' }],
};

/** Mulberry32: the same week every time. */
function chance(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

type Chance = ReturnType<typeof chance>;

function shuffled<T>(all: readonly T[], pick: Chance): T[] {
  const left = [...all];
  return all.flatMap(() => left.splice(pick(left.length), 1));
}

/** What `ipsecconf -Ln` prints of the same policy after another history: indexes, order between the classes and blanks. */
function listing(pick: Chance): string {
  const classes = shuffled([BYPASSES, PROTECTS], pick).flat();
  let index = pick(1_000_000);
  const blocks = classes.map((rule) => {
    index += 1 + pick(9);
    return `#INDEX ${index}\n${rule}${' '.repeat(pick(3))}${pick(4) === 0 ? '\t' : ''}\n${'\n'.repeat(pick(2))}`;
  });
  return shuffled(blocks, pick).join('');
}

/** SAs of a busy daemon: other ones each time, between birth and death; manual ones with what is left of their lives. */
function associations(pick: Chance): readonly DriftSa[] {
  const negotiated = Array.from({ length: pick(6) }, (_none, i): DriftSa => {
    const spi = `0x${(0x1000_0000 + pick(0x7000_0000) + i).toString(16)}`;
    return {
      type: 'esp',
      spi,
      dst: `10.0.2.${21 + pick(3)}`,
      src: undefined,
      encr: undefined,
      auth: undefined,
      key: 'unlisted',
      hard: { addSeconds: 1 + pick(28_800), ...(pick(2) === 0 ? {} : { bytes: pick(2 ** 30) }) },
    };
  });
  const manual: DriftSa = {
    type: 'esp',
    spi: '0x100',
    dst: '10.0.2.24',
    src: undefined,
    encr: undefined,
    auth: undefined,
    key: 'same',
    hard: { addSeconds: 8_000_000 - pick(600_000) },
    expiresInSeconds: 5_000_000 + pick(1_000_000),
  };
  return shuffled([...negotiated, manual], pick);
}

function services(pick: Chance): DriftReport['services'] {
  const inTransition = pick(50) === 0;
  return new Map(
    shuffled(
      [
        ['network/ipsec/policy', inTransition ? 'offline*' : 'online'],
        ['network/ipsec/manual-key', 'online'],
        ['network/ipsec/ike', 'online'],
        ['site/ipsec-deploy-guard', 'online'],
      ] as const,
      pick,
    ),
  );
}

const APPLIED = canonicalFromListing(listing(chance(1)));

function report(at: number, spd: readonly string[], pick: Chance): DriftReport {
  const skewSeconds = pick(41) - 20;
  return driftReportOf({
    generation: 7,
    manifest: MANIFEST,
    files: shuffled(PATHS, pick).map((path) => ({
      path,
      state: 'present',
      type: 'file',
      mode: path.endsWith('conf') ? '0400' : '0600',
      sha256: DIGEST,
      uid: 0,
      gid: pick(4),
      links: 1,
      // Some hosts tell the second, others the minute or the day.
      modified: ['2026-11-20T10:00:01Z', '2026-11-20T10:00:00Z', '2026-11-20T00:00:00Z'][pick(3)] ?? '',
    })),
    spd,
    appliedRules: APPLIED,
    sad: associations(pick),
    services: services(pick),
    daemon: {
      state: 'running',
      phase1: { current: pick(9), total: pick(9000), attempted: pick(9000), failed: pick(20) },
      rules: [{ label: 'db1', state: 'same' }],
      // One of them is idle now and then.
      peers: shuffled(['10.0.2.21', '10.0.2.22'], pick).map((remote, i) => {
        const pairs = i + pick(4);
        return { local: '10.0.1.11', remote, phase1: 1 + pick(2), sasOut: pairs, sasIn: pairs };
      }),
    },
    daemonRunning: true,
    guard: { script: DIGEST, scriptIsShipped: true, manifest: 'same' },
    agents: [DIGEST],
    time: new Date(at + skewSeconds * 1000).toISOString().replace(/\.\d+Z$/, 'Z'),
    history: ['2026-11-20T10:00:02Z T7 confirmed generation=7 text=ok'],
  });
}

export interface WeekResult {
  readonly looks: number;
  readonly findings: readonly DriftFinding[];
  readonly digests: readonly DriftDigest[];
  readonly memory: DriftMemory;
}

/** Every look is compared, and every pass remembered; what is found or told is in the result. */
export function simulateWeek(hostCount: number): WeekResult {
  const pick = chance(20261122);
  const names = Array.from({ length: hostCount }, (_none, i) => `h${i}`);
  const hosts = names.map((name) => hostNamed(name));
  const listings = Array.from({ length: 200 }, () => canonicalFromListing(listing(pick)));
  const settings = { inventory: 'inventory.yaml', keyAgeDays: 90, clockSeconds: 30, lastGeneration: { generation: 7 } };
  const rules = { fleet: 'week', hosts: names, confirmLooks: 1, dampingSeconds: 0 };
  let memory: DriftMemory = EMPTY_MEMORY;
  let looked = 0;
  const found: DriftFinding[] = [];
  const digests: DriftDigest[] = [];
  for (let turn = 0; turn < LOOKS; turn++) {
    const begun = new Date(BEGIN + turn * 900_000);
    const looks = hosts.map((host): HostLook => {
      const at = begun.getTime() + pick(120_000);
      const view = {
        host,
        report: report(at, listings[pick(listings.length)] ?? [], pick),
        adapter: SOLARIS_SMF,
        asked: new Date(at - pick(2000)),
        answered: new Date(at + pick(5000)),
        texts: new Map(),
        recordedTexts: new Map(),
        installedKeys: new Map(),
      };
      const findings = compareHost(view, undefined, settings);
      looked += 1;
      found.push(...findings);
      return {
        host: host.name,
        state: findings.length === 0 ? 'clean' : 'drift',
        findings,
        generation: 7,
        openTransaction: false,
      };
    });
    const pass = { id: `pass-${turn}`, begun: begun.toISOString(), ended: begun.toISOString(), looks };
    const next = advance(memory, pass, rules, begun);
    memory = next.memory;
    if (hasNews(next.digest)) digests.push(next.digest);
  }
  return { looks: looked, findings: found, digests, memory };
}
