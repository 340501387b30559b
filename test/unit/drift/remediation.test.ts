import { describe, expect, test } from 'vitest';

import { findingId } from '../../../controller/drift/finding-id.js';
import { chooseRemediations, RELEASED, type RemediationRules } from '../../../controller/drift/remediation.js';
import { planDigest, siftPlan, triedInVain } from '../../../controller/drift/remediation-plan.js';
import type { DriftMemory, HostLook, RemediationRecord } from '../../../controller/model/drift.js';
import type { FleetPlan } from '../../../controller/plan/fleet-plan.js';
import type { HostPlan } from '../../../controller/plan/host-plan.js';
import { parseAddress } from '../../../controller/model/address.js';
import { acceptance, after, finding, look, START, unreachable, Watch } from './memory-support.js';
import { hostPlan } from '../../support/host-plan.js';

const FLEET = Array.from({ length: 10 }, (_, i) => `web${i + 1}`);
const MODE = finding();
const RULE = finding({ kind: 'rule-missing', subject: 'a rule', severity: 'critical', what: 'a rule is not loaded' });
const GUARD = finding({ kind: 'boot-guard-missing', subject: 'guard', what: 'the boot guard is disabled' });
const OTHER_KEY = finding({ kind: 'sa-key-differs', subject: 'an SA', what: '1 SA is loaded with another key' });
const HOUR = 3600;

interface Play {
  readonly rules?: Partial<RemediationRules>;
  readonly memory?: Partial<DriftMemory>;
  readonly links?: readonly (readonly [string, string])[];
  /** Looks that found the same before. */
  readonly earlier?: number;
}

/** One choice after a pass in which these looks were not clean; the other hosts of ten were. */
function choose(looks: readonly HostLook[], { rules, memory, links = [], earlier = 0 }: Play = {}) {
  const all = FLEET.map((host) => looks.find((one) => one.host === host) ?? look(host));
  const watch = new Watch({ hosts: FLEET });
  for (let i = 0; i <= earlier; i++) watch.pass(i, ...all);
  return chooseRemediations(
    { ...watch.memory, ...memory },
    all,
    {
      kinds: ['file-mode', 'rule-missing'],
      hosts: new Set(FLEET),
      hostsPerHour: 4,
      confirmLooks: 1,
      links: linksOf(links),
      ...rules,
    },
    after(earlier),
  );
}

function linksOf(pairs: readonly (readonly [string, string])[]): RemediationRules['links'] {
  const end = (host: string) => ({ kind: 'host', host }) as const;
  const links = pairs.map(([a, b]) => ({ id: `${a}--${b}`, ends: [end(a), end(b)] as const }));
  const map = new Map<string, { link: { id: string }; end: ReturnType<typeof end> }[]>();
  for (const { id, ends } of links) {
    for (const [from, to] of [ends, [ends[1], ends[0]] as const])
      map.set(from.host, [...(map.get(from.host) ?? []), { link: { id }, end: to }]);
  }
  return map;
}

function record(host: string, seconds: number, outcome = 'confirmed'): RemediationRecord {
  return { host, at: after(seconds).toISOString(), outcome, planDigest: 'd'.repeat(64) };
}

const hosts = (looks: readonly { readonly host: string }[]): string[] => looks.map(({ host }) => host);

test('a host that drifted in a listed kind is brought back; one that only waits for an apply is not', () => {
  const pending = finding({ class: 'pending', kind: 'pending-change', subject: 'x' });
  const chosen = choose([look('web1', [MODE]), look('web2', [pending], { state: 'pending' }), look('web3')]);
  expect(hosts(chosen.act)).toEqual(['web1']);
  expect(chosen).toMatchObject({ skip: [], quarantine: [] });
});

describe('a host is left alone', () => {
  const at = START.toISOString();
  const open = finding({ kind: 'transaction-open', subject: 't', what: 'transaction t is open' });
  const failed = finding({ kind: 'transaction-failed', subject: 't', what: 'transaction t could not be taken back' });
  const moved = finding({ kind: 'generation-moved', subject: '7', what: 'its generation went back' });
  const cases: readonly (readonly [string, HostLook, Play, RegExp])[] = [
    ['that is not of the groups', look('web1', [MODE]), { rules: { hosts: new Set(['web2']) } }, /not among the hosts/],
    [
      'with drift of another kind',
      look('web1', [MODE, RULE]),
      { rules: { kinds: ['file-mode'] } },
      /rule-missing would be/,
    ],
    ['with an open transaction', look('web1', [MODE, open], { openTransaction: true }), {}, /transaction t is open/],
    ['in a transaction', look('web1', [MODE], { openTransaction: true }), {}, /a transaction is open/],
    ['whose transaction failed', look('web1', [MODE, failed]), {}, /could not be taken back/],
    ['whose record went back', look('web1', [MODE, moved]), {}, /went back/],
    ['whose SA would have to be deleted', look('web1', [MODE, OTHER_KEY]), {}, /loaded with another key/],
    ['with nothing of ours', look('web1', [MODE], { generation: 0 }), {}, /nothing of ours/],
    [
      'that is quarantined',
      look('web1', [MODE]),
      { memory: { quarantines: [{ host: 'web1', since: at, reason: 'it drifts again' }] } },
      /left alone since .*: it drifts again/,
    ],
    [
      'where it would undo what is accepted',
      look('web1', [MODE, RULE]),
      { memory: { acceptances: [acceptance({ id: findingId(RULE), until: after(HOUR).toISOString() })] } },
      /what is accepted would be undone: a rule is not loaded/,
    ],
    [
      'where the transaction would enable a boot guard that somebody may leave disabled',
      look('web1', [MODE, GUARD]),
      { memory: { acceptances: [acceptance({ id: findingId(GUARD), until: after(HOUR).toISOString() })] } },
      /what is accepted would be undone: the boot guard is disabled/,
    ],
    [
      'until enough looks found it',
      look('web1', [MODE]),
      { rules: { confirmLooks: 3 }, earlier: 1 },
      /3 looks in a row/,
    ],
  ];
  test.each(cases)('%s', (_, seen, play, why) => {
    const chosen = choose([seen], play);
    expect(chosen.act).toEqual([]);
    expect(chosen.skip).toEqual([{ host: 'web1', why: expect.stringMatching(why) }]);
    expect(chosen.quarantine).toEqual([]);
  });

  test('and not spoken of when it cannot be reached, or all that it has is accepted', () => {
    const acceptances = [acceptance({ id: findingId(MODE), until: after(HOUR).toISOString() })];
    const chosen = choose([look('web1', [MODE]), unreachable('web2')], { memory: { acceptances } });
    expect(chosen).toEqual({ act: [], skip: [], quarantine: [] });
  });
});

describe('the budget of an hour', () => {
  test('counts hosts of the last hour, whatever became of them, and the worst drift comes first', () => {
    const tried = [record('web8', -HOUR), record('web9', -HOUR + 1, 'refused'), record('web10', -1)];
    const remediations = [...tried, record('web10', -1, RELEASED)];
    const looks = [look('web1', [MODE]), look('web2', [RULE])];
    const { act, skip } = choose(looks, { rules: { hostsPerHour: 3 }, memory: { remediations } });
    expect(hosts(act)).toEqual(['web2']);
    expect(skip).toEqual([{ host: 'web1', why: '3 of the 3 hosts of an hour are used up' }]);
  });

  test('takes both ends of a link or none', () => {
    const looks = [look('web1', [MODE]), look('web2', [RULE])];
    const links = [['web1', 'web2']] as const;
    expect(hosts(choose(looks, { links }).act)).toEqual(['web1', 'web2']);
    const { act, skip } = choose(looks, { links, rules: { hostsPerHour: 1 } });
    expect(act).toEqual([]);
    expect(skip[0]?.why).toBe('2 drifting hosts share links and move together, more than the 1 of an hour');
  });
});

describe('a host that was worked on within a day', () => {
  const again = (parts: { readonly second?: HostLook; readonly hours?: number; readonly outcome?: string }) => {
    const { second = look('web1', [MODE]), hours = 2, outcome } = parts;
    const watch = new Watch({ hosts: FLEET });
    watch.pass(0, look('web1', [MODE]));
    watch.pass(60, look('web1'));
    watch.pass(hours * HOUR, second);
    const memory = { ...watch.memory, remediations: [record('web1', 1, outcome)] };
    const links = new Map();
    const rules = { kinds: ['file-mode', 'rule-missing'], hosts: new Set(FLEET), hostsPerHour: 4, links } as const;
    return chooseRemediations(memory, [second], { ...rules, confirmLooks: 1 }, after(hours * HOUR));
  };

  test('and drifts again in the same kind is quarantined', () => {
    expect(again({})).toMatchObject({
      act: [],
      quarantine: [
        {
          host: 'web1',
          since: after(2 * HOUR).toISOString(),
          reason: expect.stringMatching(/^it drifts again \(file-mode\)/),
        },
      ],
    });
  });

  test('and has what could not be put right is quarantined', () => {
    expect(again({ outcome: 'unchanged' }).quarantine[0]?.reason).toMatch(/nothing that could be put right/);
  });

  test.each([
    ['in another kind', { second: look('web1', [RULE]) }],
    ['a day later', { hours: 25 }],
    ['after it had refused to begin', { outcome: 'refused' }],
  ])('and drifts %s is worked on', (_, parts) => {
    expect(hosts(again(parts).act)).toEqual(['web1']);
  });
});

test('a host that a person released is worked on, and quarantined anew when it drifts again after that', () => {
  const released = { ...record('web1', 2, RELEASED), planDigest: '' };
  const remediations = [record('web1', 1), released];
  const play = (records: readonly RemediationRecord[]): Play => ({ memory: { remediations: records }, earlier: 9 });
  const { act, quarantine } = choose([look('web1', [MODE])], play(remediations));
  expect([hosts(act), quarantine]).toEqual([['web1'], []]);
  const again = choose([look('web1', [MODE])], play([...remediations, record('web1', 5)]));
  expect(hosts(again.quarantine)).toEqual(['web1']);
});

test('more than a fifth of the fleet drifting at once has a cause of its own: nothing is done', () => {
  const some = (count: number) => FLEET.slice(0, count).map((host) => look(host, [MODE]));
  expect(choose(some(2)).act).toHaveLength(2);
  const { act, halted } = choose(some(3));
  expect(act).toEqual([]);
  expect(halted).toMatch(/^3 of 10 hosts drift at once, more than 20 %/);
});

/** A plan of these hosts, each with a change of the rule towards the address. */
function changeTowards(host: string, towards: string, parts: Partial<HostPlan> = {}): HostPlan {
  return hostPlan(host, {
    files: [{ kind: 'keep', path: '/etc/inet/ipsecinit.conf', mode: '0400', sha256: 'a'.repeat(64) }],
    steps: ['policy'],
    rulesAdded: [`{ raddr ${towards}/32 } ipsec { }`],
    ...parts,
  });
}

function sift(plans: readonly HostPlan[], looks: readonly HostLook[], remediations: readonly RemediationRecord[] = []) {
  const plan: FleetPlan = {
    run: 'r',
    fleet: 'test',
    made: START.toISOString(),
    hosts: plans,
    groups: plans.filter(({ steps }) => steps.length > 0).map(({ host }) => [host]),
    pulledIn: [],
    excluded: [],
  };
  return siftPlan({
    plan,
    histories: new Map(),
    memory: { ...new Watch().memory, remediations },
    looks,
    near: linksOf([['web1', 'web2']]),
    addresses: (name) => [parseAddress(`10.0.0.${name.replace('web', '')}`)].flatMap((one) => one ?? []),
    now: START,
  });
}

describe('of a plan', () => {
  const mine = changeTowards('web1', '10.0.0.2');
  const drifted = look('web1', [RULE]);

  test('what was reverted, failed, or was cut short is never tried again, and the host is quarantined', () => {
    for (const outcome of ['reverted', 'failed', 'unknown', 'begun']) {
      const tried = { ...record('web1', -30 * 24 * HOUR, outcome), planDigest: planDigest(mine) };
      const { groups, quarantines, left } = sift([mine], [drifted, look('web2')], [tried]);
      expect([groups, left, hosts(quarantines)]).toEqual([[], [], ['web1']]);
    }
    const fine = { ...record('web1', 0), planDigest: planDigest(mine) };
    expect(triedInVain({ ...new Watch().memory, remediations: [fine] }, mine)).toBeUndefined();
  });

  test('the same files are the same plan under any number, and other files are not', () => {
    expect(planDigest({ ...mine, files: [...mine.files] })).toBe(planDigest(mine));
    const [file] = mine.files;
    const other = file?.kind === 'keep' ? { ...file, sha256: 'b'.repeat(64) } : undefined;
    expect(planDigest({ files: other === undefined ? [] : [other] })).not.toBe(planDigest(mine));
  });

  test.each([
    ['stays when the other end of its link is as confirmed', look('web2'), [['web1']]],
    ['goes when the other end drifted and is not put right with it', look('web2', [MODE]), []],
    ['goes when the other end is in a transaction', look('web2', [], { openTransaction: true }), []],
    ['goes when the other end cannot be reached', unreachable('web2'), []],
  ])('a host %s', (_, peer, groups) => {
    expect(sift([mine], [drifted, peer]).groups).toEqual(groups);
  });

  test('a host whose change does not concern the link stays whatever the other end is', () => {
    expect(sift([changeTowards('web1', '10.0.0.9')], [drifted, unreachable('web2')]).groups).toEqual([['web1']]);
  });

  test('a host that was applied to since the look is left alone, and one without anything to do is told so', () => {
    const moved = changeTowards('web1', '10.0.0.9', { expect: { generation: 8, files: [], spd: '' } });
    const idle = changeTowards('web3', '10.0.0.9', { steps: [], rulesAdded: [] });
    const { groups, left, unchanged } = sift([moved, idle], [drifted, look('web3', [RULE])]);
    expect(groups).toEqual([]);
    expect(left).toEqual([{ host: 'web1', why: 'its generation is 8 since it was looked at' }]);
    expect(unchanged).toMatchObject([{ host: 'web3', outcome: 'unchanged' }]);
  });
});
