import { createHash } from 'node:crypto';

import { describe, expect, test } from 'vitest';

import { fileText, type ManagedFile, type ManagedPath } from '../../../controller/model/managed-file.js';
import type { Observation, ObservedFile } from '../../../controller/model/observation.js';
import { isUnchanged } from '../../../controller/plan/host-plan.js';
import { differingFiles, type DesiredHost } from '../../../controller/plan/file-changes.js';
import { predictLoad } from '../../../controller/policy/predict-load.js';
import { parsePlan, printPlan } from '../../../controller/plan/plan-file.js';
import { inTheWay } from '../../../controller/plan/in-the-way.js';
import { planHost } from '../../../controller/plan/plan-host.js';
import type { Adapter } from '../../../controller/platform/adapter.js';
import { SOLARIS_LEGACY } from '../../../controller/platform/solaris-legacy.js';
import { SOLARIS_SMF } from '../../../controller/platform/solaris-smf.js';
import { observationOf } from '../../support/fake-fleet.js';

const POLICY = '{lport 80 ulp tcp dir out} bypass {}\n';
const RULE = '{ ulp 6 lport 80 dir out } pass { }';
const online = new Map([
  ['network/ipsec/policy', 'online'],
  ['network/ipsec/ike', 'online'],
  ['network/ipsec/manual-key', 'online'],
]);

const policy: ManagedFile = {
  path: '/etc/inet/ipsecinit.conf',
  mode: '0400',
  parts: ['# generation ', { generation: true }, `\n${POLICY}`],
};
const psk: ManagedFile = {
  path: '/etc/inet/secret/ike.preshared',
  mode: '0600',
  parts: ['# generation ', { generation: true }, '\n{ key ', { key: 'psk:db1--web1', part: 'psk' }, ' }\n'],
};
const keyName = { id: 'psk:db1--web1', part: 'psk', bits: 256, fingerprint: '51de51de51de51de' } as const;

const desired: DesiredHost = { host: 'web1', files: [policy, psk], spd: [RULE], keys: [keyName] };

function digest(file: ManagedFile, generation: number): string {
  return createHash('sha256')
    .update(fileText(file, { generation, key: () => 'aa'.repeat(32) }))
    .digest('hex');
}

function onHost(file: ManagedFile, generation: number, mode: string = file.mode): ObservedFile {
  return { path: file.path, state: 'present', sha256: digest(file, generation), mode, uid: 0, gid: 3 };
}

function settled(changes: Partial<Observation> = {}): Observation {
  return observationOf({
    generation: 5,
    files: [onHost(policy, 5), onHost(psk, 2)],
    spd: [RULE],
    services: online,
    daemonRunning: true,
    ...changes,
  });
}

function plan(
  seen: Observation,
  wanted = desired,
  currentTexts = new Map<string, string>(),
  adapter: Adapter = SOLARIS_SMF,
) {
  const rules = wanted.spd.length === 0 ? [] : predictLoad(POLICY).rules;
  return planHost({ desired: wanted, rules, seen, digest, adapter, currentTexts, installedKeys: [] });
}

describe('a host that is as asked', () => {
  test('has nothing to do, even when its files were written by different generations', () => {
    expect(isUnchanged(plan(settled()))).toBe(true);
  });

  test('is left alone although a file we never wrote is there', () => {
    const stray: ObservedFile = {
      path: '/etc/inet/secret/ipseckeys',
      state: 'present',
      sha256: 'f'.repeat(64),
      mode: '0600',
      uid: 0,
      gid: 0,
    };
    expect(isUnchanged(plan(settled({ files: [onHost(policy, 5), onHost(psk, 2), stray] })))).toBe(true);
  });
});

describe('what is no plain file', () => {
  const seen = settled({
    files: [{ path: policy.path, state: 'present', type: 'folder', mode: '0755', uid: 0, gid: 0 }, onHost(psk, 2)],
  });

  test('is a difference under its own name', () => {
    const judged = plan(seen);
    expect(isUnchanged(judged)).toBe(false);
    expect(judged.reasons).toContain('/etc/inet/ipsecinit.conf is a folder, and should be a file');
  });

  test('is in the way of a change, with the command that takes it away', () => {
    expect(inTheWay(settled(), SOLARIS_SMF)).toBeUndefined();
    expect(inTheWay(seen, SOLARIS_SMF)?.refusal).toMatch(/ipsecinit.conf is a folder/);
    expect(inTheWay(seen, SOLARIS_SMF)?.todo).toContain('rm -r /etc/inet/ipsecinit.conf;');
  });

  test('counts also where a link leads to the very content', () => {
    const files = [{ ...onHost(policy, 5), type: 'link', linkTo: '/x' } as const, onHost(psk, 2)];
    const judged = plan(settled({ files }), { ...desired, modes: 'as-found' });
    expect(judged.reasons).toEqual(['/etc/inet/ipsecinit.conf is a symbolic link to /x, and should be a file']);
    expect(isUnchanged(judged)).toBe(false);
  });
});

describe('what needs mending is done and nothing else', () => {
  const cases: { name: string; seen: Observation; steps: string[]; ike?: string; reason?: RegExp }[] = [
    {
      name: 'first contact',
      seen: observationOf(),
      steps: ['read', 'chmod', 'policy', 'ike'],
      ike: 'start',
      reason: /ike is disabled/,
    },
    {
      name: 'policy file edited by hand',
      seen: settled({ files: [{ ...onHost(policy, 5), sha256: 'e'.repeat(64) }, onHost(psk, 2)] }),
      steps: ['read', 'chmod', 'policy'],
    },
    {
      name: 'PSK file gone',
      seen: settled({ files: [onHost(policy, 5)] }),
      steps: ['read', 'chmod', 'ike'],
      ike: 'restart',
    },
    {
      name: 'mode loosened',
      seen: settled({ files: [onHost(policy, 5, '0644'), onHost(psk, 2)] }),
      steps: ['chmod'],
      reason: /mode or owner 0644/,
    },
    {
      name: 'rule loaded by hand',
      seen: settled({ spd: [RULE, '{ dir in } drop { }'] }),
      steps: ['policy'],
      reason: /loaded policy is not the one/,
    },
    { name: 'rules in another order', seen: settled({ spd: [] }), steps: ['policy'], reason: /loaded policy/ },
    {
      name: 'daemon dead',
      seen: settled({ daemonRunning: false }),
      steps: ['ike'],
      ike: 'restart',
      reason: /does not answer/,
    },
    {
      name: 'policy service in maintenance',
      seen: settled({ services: new Map([...online, ['network/ipsec/policy', 'maintenance']]) }),
      steps: ['policy'],
      reason: /policy is maintenance/,
    },
  ];
  for (const { name, seen, steps, ike, reason } of cases) {
    test(name, () => {
      const made = plan(seen);
      expect(made.steps).toEqual(steps);
      expect(made.ike).toBe(ike ?? 'none');
      if (reason !== undefined) expect(made.reasons.join('\n')).toMatch(reason);
    });
  }
});

test('a changed policy does not restart the IKE daemon for the sake of a new banner', () => {
  const changed: ManagedFile = { ...policy, parts: [...policy.parts, '{lport 443 ulp tcp dir out} bypass {}\n'] };
  const made = plan(settled(), {
    ...desired,
    files: [changed, psk],
    spd: [RULE, '{ ulp 6 lport 443 dir out } pass { }'],
  });
  expect(made.files.map((file) => [file.path, file.kind])).toEqual([
    ['/etc/inet/ipsecinit.conf', 'update'],
    ['/etc/inet/secret/ike.preshared', 'keep'],
  ]);
  expect(made.ike).toBe('none');
  expect(made.generation).toBe(6);
  expect(made.rulesAdded).toEqual(['{ ulp 6 lport 443 dir out } pass { }']);
});

test('a file of ours that is no longer wanted is taken away, and the daemon stops with its last one', () => {
  const manifest = {
    generation: 5,
    run: 'r',
    made: 'm',
    files: [policy, psk].map(({ path, mode }) => ({ path, mode, sha256: 'x' })),
    keys: [keyName],
  };
  const made = plan(settled({ manifest }), { ...desired, files: [policy], keys: [] });
  expect(made.files.find((file) => file.path === psk.path)?.kind).toBe('remove');
  expect(made.ike).toBe('stop');
  expect(made.keyChanges).toEqual([
    { label: 'PSK db1–web1', id: 'psk:db1--web1', before: '51de51de51de51de', after: undefined, bits: 256 },
  ]);
});

test('the key file of a host without manual links any more is emptied, not removed: its service has to find it at boot', () => {
  const keys: ManagedFile = { path: '/etc/inet/secret/ipseckeys', mode: '0400', parts: ['add …\n'] };
  const manifest = {
    generation: 5,
    run: 'r',
    made: 'm',
    files: [policy, keys].map(({ path, mode }) => ({ path, mode, sha256: 'x' })),
    keys: [],
  };
  const withKeys = settled({ manifest, files: [onHost(policy, 5), onHost(psk, 2), onHost(keys, 5)] });
  const change = plan(withKeys).files.find((file) => file.path === keys.path);
  if (change?.kind !== 'update') throw new Error(`the key file is to ${change?.kind ?? 'stay as it is'}`);
  expect(fileText(change.file, { generation: 6, key: () => '' })).toBe(
    '# Managed by ipsec-deploy: generation 6. No link of this host uses manual keys any more.\n',
  );
  const emptied = settled({
    generation: 6,
    manifest,
    files: [onHost(policy, 5), onHost(psk, 2), onHost(change.file, 6)],
  });
  expect(isUnchanged(plan(emptied))).toBe(true);
});

test('a key change is shown by fingerprints, never by the key', () => {
  const manifest = {
    generation: 5,
    run: 'r',
    made: 'm',
    files: [],
    keys: [{ ...keyName, fingerprint: '9f3c9f3c9f3c9f3c' }],
  };
  const seen = settled({ manifest, files: [onHost(policy, 5), { ...onHost(psk, 2), sha256: 'd'.repeat(64) }] });
  const made = plan(seen, desired, new Map([[psk.path, '# generation 2\n{ key [key] }\n']]));
  expect(made.keyChanges).toEqual([
    { label: 'PSK db1–web1', id: 'psk:db1--web1', before: '9f3c9f3c9f3c9f3c', after: '51de51de51de51de', bits: 256 },
  ]);
  expect(JSON.stringify(made)).not.toContain('aa'.repeat(32));
});

test('the diff of a file shows what stays around what changes', () => {
  const before = '# generation 5\n{lport 8080 ulp tcp dir out} bypass {}\n';
  const seen = settled({ files: [{ ...onHost(policy, 5), sha256: 'e'.repeat(64) }, onHost(psk, 2)] });
  const change = plan(seen, desired, new Map<ManagedPath | string, string>([[policy.path, before]])).files[0];
  expect(change?.kind === 'update' ? change.patch.split('\n').filter((line) => /^[-+][^-+]/.test(line)) : []).toEqual([
    '-# generation 5',
    '-{lport 8080 ulp tcp dir out} bypass {}',
    '+# generation 6',
    '+{lport 80 ulp tcp dir out} bypass {}',
  ]);
});

test('every managed file is expected to be as it was seen, present or absent', () => {
  expect(plan(settled()).expect.files).toEqual([
    { path: '/etc/inet/ipsecinit.conf', sha256: digest(policy, 5) },
    { path: '/etc/inet/secret/ipseckeys', sha256: undefined },
    { path: '/etc/inet/ike/config', sha256: undefined },
    { path: '/etc/inet/secret/ike.preshared', sha256: digest(psk, 2) },
  ]);
});

test('a file that a later generation than the current one wrote is not taken for ours', () => {
  expect(differingFiles(desired, settled({ files: [onHost(policy, 9), onHost(psk, 2)] }), digest, SOLARIS_SMF)).toEqual(
    ['/etc/inet/ipsecinit.conf'],
  );
});

describe('a host without services', () => {
  const legacy = (seen: Observation, wanted = desired) => plan(seen, wanted, new Map(), SOLARIS_LEGACY);
  const quiet = (changes: Partial<Observation> = {}): Observation => settled({ services: new Map(), ...changes });

  test('is as asked when its policy is loaded and its daemon answers', () => {
    expect(isUnchanged(legacy(quiet()))).toBe(true);
  });

  test.each([
    { name: 'first contact', seen: observationOf(), steps: ['read', 'chmod', 'policy', 'ike'], ike: 'start' },
    {
      name: 'only a comment of the policy differs',
      seen: quiet({ files: [{ ...onHost(policy, 5), sha256: 'e'.repeat(64) }, onHost(psk, 2)] }),
      steps: ['read', 'chmod'],
      ike: 'none',
    },
    { name: 'policy flushed by hand', seen: quiet({ spd: [] }), steps: ['policy'], ike: 'none' },
    { name: 'daemon dead', seen: quiet({ daemonRunning: false }), steps: ['ike'], ike: 'start' },
    {
      name: 'PSK file gone',
      seen: quiet({ files: [onHost(policy, 5)] }),
      steps: ['read', 'chmod', 'ike'],
      ike: 'restart',
    },
  ])('$name: only what is needed is done', ({ seen, steps, ike }) => {
    expect(legacy(seen)).toMatchObject({ platform: 'solaris-legacy', steps, ike });
  });

  test('gets the order of its changes with the plan, which a saved plan keeps', () => {
    const DROPPED = '{ ulp 6 lport 80 dir out } drop { }';
    const changed = legacy(quiet({ spd: [DROPPED, DROPPED] }));
    expect(changed.ruleByRule?.changes).toEqual([
      { kind: 'add', rule: '{ ulp 6 laddr 0.0.0.1/0 lport 80 dir out } pass { }' },
      { kind: 'add', rule: '{ ulp 6 laddr ::1/0 lport 80 dir out } pass { }' },
      { kind: 'delete', rule: DROPPED },
      { kind: 'delete', rule: DROPPED },
      { kind: 'add', rule: RULE },
      { kind: 'delete', rule: '{ ulp 6 laddr ::1/0 lport 80 dir out } pass { }' },
      { kind: 'delete', rule: '{ ulp 6 laddr 0.0.0.1/0 lport 80 dir out } pass { }' },
    ]);
    const fleet = { run: 'r', fleet: 'f', made: 'now', hosts: [changed], groups: [], pulledIn: [], excluded: [] };
    const saved = { plan: fleet, inventory: 'inventory.yaml', accepted: [] };
    expect(parsePlan(printPlan(saved), 'plan.json').plan.hosts[0]?.ruleByRule).toEqual(changed.ruleByRule);
  });

  test('rebuilds its policy by itself where a loaded rule cannot be read', () => {
    const { ruleByRule, gaps } = legacy(quiet({ spd: ['{ odd } thing { }'] }));
    expect(ruleByRule).toEqual({ gaps: [], interruptions: [] });
    expect(gaps.join()).toMatch(/cannot be changed one by one \(some of the loaded rules cannot be read\)/);
  });
});
