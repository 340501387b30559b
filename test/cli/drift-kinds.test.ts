/** Everything that may befall a host, done to a host of the lab: each is found under its own name, and nothing else is. */

import { createHash, randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clock } from '../../controller/cli/context.js';
import { agentFolder } from '../../controller/cli/package-files.js';
import { readTextNow } from '../../controller/files/workspace.js';
import { parseInventory } from '../../controller/inventory/parse.js';
import type { Fault } from '../../controller/lab/tools/faults.js';
import { silentLog } from '../../controller/log/logger.js';
import type { HostLook } from '../../controller/model/drift.js';
import type { Host, Inventory, Keying } from '../../controller/model/host.js';
import type { KeyStore } from '../../controller/ports.js';
import { readAgent } from '../../controller/remote/agent-bundle.js';
import { createHostLink } from '../../controller/remote/agent-link.js';
import { desireFleet, type DesiredFleet } from '../../controller/run/desire-fleet.js';
import { driftPass, type DriftPassInput } from '../../controller/run/drift-pass.js';
import { OPENING, TestFleet } from '../support/cli.js';
import { IKE_FILE, KEYS_FILE, POLICY_FILE, PSK_FILE, type WatchedHost } from '../support/watched-host.js';
import { builtInTemplates } from '../support/seed-case.js';

const POLICY = 'network/ipsec/policy';
const MANUAL_KEY = 'network/ipsec/manual-key';
const IKE = 'network/ipsec/ike';
const GUARD = 'site/ipsec-deploy-guard';
const STATE = '/var/ipsec-deploy';
/** Loaded on each host before the first apply: the baseline has it. */
const OLD_RULE = '{lport 25 ulp tcp dir both} bypass {}\n';

/** A fleet as it was applied, and the way back to that. */
interface Applied {
  readonly fleet: TestFleet;
  /** Looks at both hosts before anything was applied. */
  readonly before: readonly HostLook[];
  look(name: string, how?: Look): Promise<HostLook>;
  /** Files, what is loaded and services of the host as the apply left them. */
  restore(host: WatchedHost): Promise<void>;
}

interface Look extends Partial<Pick<DriftPassInput, 'clock' | 'lastGenerations'>> {
  /** When all keys are said to be drawn. */
  readonly drawn?: string;
  readonly host?: (host: Host) => Host;
}

async function startApplied(keying: Keying): Promise<Applied> {
  const fleet = await TestFleet.start({ keying });
  const link = createHostLink({
    agent: await readAgent(agentFolder),
    env: process.env,
    randomBytes,
    log: silentLog().log,
  });
  for (const host of fleet.hosts.values()) {
    host.write('/tmp/old', OLD_RULE);
    await host.tool('ipsecconf', '-q', '-a', host.path('/tmp/old'));
  }
  /** Worked out anew for another inventory, and once there are keys. */
  let known:
    | {
        readonly inventory: Inventory;
        readonly store: KeyStore;
        readonly desired: DesiredFleet | undefined;
        readonly text: string;
      }
    | undefined;
  const wanted = async (): Promise<NonNullable<typeof known>> => {
    if (known?.desired === undefined || known.text !== fleet.inventory) {
      const { inventory } = parseInventory({ path: fleet.file('inventory.yaml'), readFile: readTextNow });
      const store = await fleet.keys();
      const desired =
        store.keys.size === 0 ? undefined : desireFleet(inventory, inventory.hosts, builtInTemplates(), store);
      known = { inventory, store, desired, text: fleet.inventory };
    }
    return known;
  };
  const look = async (
    name: string,
    { host: changed = (same) => same, drawn, ...how }: Look = {},
  ): Promise<HostLook> => {
    const { inventory, store, desired } = await wanted();
    const keyDates = new Map([...store.keys].map(([id, key]) => [id, drawn ?? key.created]));
    const looks: HostLook[] = [];
    const pass = await driftPass({
      hosts: inventory.hosts.filter((host) => host.name === name).map(changed),
      desired,
      salt: store.salt,
      link,
      forks: 4,
      clock,
      stop: new AbortController().signal,
      settings: { inventory: 'inventory.yaml', keyAgeDays: 90, clockSeconds: 30, keyDates },
      emit: (one) => looks.push(one),
      ...how,
    });
    expect(pass.looks).toEqual(looks);
    const [only] = looks;
    if (only === undefined) throw new Error(`no look at ${name}`);
    for (const secret of secretsOf(store)) expect(JSON.stringify(only)).not.toContain(secret);
    return only;
  };
  const kept = new Map<string, string>();
  const restore = async (host: WatchedHost): Promise<void> => {
    host.lab.machine.faults.clear();
    const copy = kept.get(host.lab.name);
    if (copy === undefined) throw new Error('nothing was kept');
    for (const folder of FOLDERS) {
      fs.rmSync(host.path(folder), { recursive: true, force: true });
      fs.cpSync(join(copy, folder), host.path(folder), {
        recursive: true,
        preserveTimestamps: true,
        verbatimSymlinks: true,
      });
    }
    await settle(host, keying);
  };
  const before = await Promise.all(['web1', 'db1'].map((name) => look(name)));
  await fleet.expect(0, 'apply');
  for (const host of fleet.hosts.values()) {
    const copy = fleet.file(`kept-${host.lab.name}`);
    kept.set(host.lab.name, copy);
    for (const folder of FOLDERS)
      fs.cpSync(host.path(folder), join(copy, folder), { recursive: true, preserveTimestamps: true });
  }
  return { fleet, before, look, restore };
}

const FOLDERS = ['/etc/inet', STATE] as const;

/** A part of each stored key, in hex. */
function secretsOf({ keys }: KeyStore): readonly string[] {
  const parts = [...keys.values()].flatMap((key) => (key.kind === 'psk' ? [key.secret] : [key.encrKey, key.authKey]));
  return parts.flatMap((part) => (part === undefined ? [] : [part.revealHex().slice(0, 16)]));
}

/** Services as they should be, and what they load loaded. */
async function settle(host: WatchedHost, keying: Keying): Promise<void> {
  const run = (...words: readonly [string, ...string[]]): Promise<string> => host.tool(...words);
  const wanted = keying === 'manual' ? { on: MANUAL_KEY, off: IKE } : { on: IKE, off: MANUAL_KEY };
  await run('svccfg', '-s', POLICY, 'setprop', 'config/config_file', '=', POLICY_FILE);
  await run('svcadm', 'disable', '-s', wanted.off);
  for (const service of [GUARD, POLICY, wanted.on]) {
    await run('svcadm', 'clear', service);
    await run('svcadm', 'enable', '-s', service);
    await run('svcadm', 'refresh', service);
  }
  if (keying === 'ike-psk') {
    await run('svcadm', 'disable', '-s', IKE);
    await run('svcadm', 'enable', '-s', IKE);
  }
  await host.lab.machine.idle();
  await run('ipsecconf', '-q', '-F', '-a', host.path(POLICY_FILE));
  await run('ipseckey', 'flush');
  if (keying === 'manual') await run('ipseckey', '-f', host.path(KEYS_FILE));
}

interface Case {
  /** What was done, as somebody would tell it. */
  readonly done: string;
  readonly found: string;
  readonly severity?: string;
  /** Words of the finding: what, cause and mend together. */
  readonly says?: RegExp;
  readonly look?: Look;
  readonly inject: (host: WatchedHost) => void | Promise<void>;
}

const nothing = (): void => undefined;
const text = (host: WatchedHost, file: string, change: (text: string) => string): void =>
  host.write(file, change(host.read(file)), fs.statSync(host.path(file)).mode & 0o777);

/** Loads SAs by hand: lines of a key file. */
async function loadSas(host: WatchedHost, lines: string): Promise<void> {
  host.write('/tmp/sas', lines);
  await host.tool('ipseckey', '-f', host.path('/tmp/sas'));
}

async function loadRules(host: WatchedHost, rules: string, ...options: readonly string[]): Promise<void> {
  host.write('/tmp/rules', rules);
  await host.tool('ipsecconf', '-q', ...options, '-a', host.path('/tmp/rules'));
}

/** The first SA of the key file, with how it is named to ipseckey. */
function firstSa(host: WatchedHost): { readonly line: string; readonly name: readonly string[] } {
  const line = /^add esp .*$/m.exec(host.read(KEYS_FILE).replaceAll('\\\n', ' '))?.[0] ?? '';
  const [, spi = '', dst = ''] = /spi (\S+).* dst6? (\S+)/.exec(line) ?? [];
  return { line, name: ['esp', 'spi', spi, 'dst', dst] };
}

async function reload(host: WatchedHost, change: (line: string) => string): Promise<void> {
  const { line, name } = firstSa(host);
  await host.tool('ipseckey', 'delete', ...name);
  await loadSas(host, `${change(line)}\n`);
}

function fault(tool: string, what: Fault): (host: WatchedHost) => void {
  return (host) => void host.fault(tool, what);
}

const svcadm =
  (...words: readonly string[]): ((host: WatchedHost) => Promise<void>) =>
  async (host) => {
    await host.tool('svcadm', ...words);
    await host.lab.machine.idle();
  };

const OTHER_RULE = '{lport 8080 ulp tcp dir both} bypass {}\n';

/** The policy file. */
const POLICY_FILES: readonly Case[] = [
  {
    done: 'the policy file is removed',
    found: 'file-missing',
    severity: 'critical',
    inject: (host) => host.remove(POLICY_FILE),
  },
  {
    done: 'a rule is written into the policy file',
    found: 'file-content',
    severity: 'critical',
    says: /8080.* was protected and is clear.*edited by hand.*ipsec-deploy apply inventory\.yaml --limit db1/s,
    inject: (host) => text(host, POLICY_FILE, (old) => old + OTHER_RULE),
  },
  {
    done: 'a comment is written into the policy file',
    found: 'file-content',
    severity: 'info',
    says: /ipsecinit\.conf was changed; it has the same meaning/,
    inject: (host) => text(host, POLICY_FILE, (old) => `# for later\n\n${old}`),
  },
  {
    done: 'the policy file is edited and loaded',
    found: 'file-content',
    severity: 'critical',
    says: /is loaded so/,
    inject: async (host) => {
      text(host, POLICY_FILE, (old) => old + OTHER_RULE);
      await host.tool('ipsecconf', '-q', '-F', '-a', host.path(POLICY_FILE));
    },
  },
  {
    done: 'an older policy file is restored from a backup',
    found: 'file-content',
    says: /restored from a backup/,
    inject: (host) => {
      text(host, POLICY_FILE, (old) => old + OTHER_RULE);
      fs.utimesSync(host.path(POLICY_FILE), 1_600_000_000, 1_600_000_000);
    },
  },
  {
    done: 'the policy file is emptied',
    found: 'policy-file-empty',
    severity: 'critical',
    inject: (host) => host.write(POLICY_FILE, '# nothing\n'),
  },
  {
    done: 'the policy file is opened',
    found: 'file-mode',
    inject: (host) => fs.chmodSync(host.path(POLICY_FILE), 0o644),
  },
  {
    done: 'the policy file becomes a link',
    found: 'file-type',
    inject: (host) => {
      fs.renameSync(host.path(POLICY_FILE), host.path('/etc/inet/elsewhere'));
      fs.symlinkSync('elsewhere', host.path(POLICY_FILE));
    },
  },
  // Who may give files away.
  ...(process.getuid?.() === 0
    ? [
        {
          done: 'the policy file is given to somebody else',
          found: 'file-owner',
          inject: (host: WatchedHost) => fs.chownSync(host.path(POLICY_FILE), 1234, 0),
        },
      ]
    : []),
  {
    done: 'the policy file gets a second name',
    found: 'file-type',
    inject: (host) => fs.linkSync(host.path(POLICY_FILE), host.path('/etc/inet/second')),
  },
];

/** The loaded policy and its service. */
const LOADED_POLICY: readonly Case[] = [
  {
    done: 'the policy is flushed',
    found: 'policy-empty',
    severity: 'critical',
    says: /ipsecconf -F/,
    inject: async (host) => void (await host.tool('ipsecconf', '-F')),
  },
  {
    done: 'the policy service is disabled',
    found: 'policy-empty',
    severity: 'critical',
    says: /svcadm disable network\/ipsec\/policy/,
    inject: svcadm('disable', '-s', POLICY),
  },
  {
    done: 'a rule is deleted from the kernel',
    found: 'rule-missing',
    inject: async (host) => {
      const index = /#INDEX (\d+)\s/.exec(await host.tool('ipsecconf', '-Ln'))?.[1] ?? '';
      await host.tool('ipsecconf', '-q', '-d', index);
    },
  },
  {
    done: 'a rule is added by hand',
    found: 'rule-foreign',
    severity: 'critical',
    says: /`ipsecconf -a` was run by hand/,
    inject: (host) => loadRules(host, OTHER_RULE),
  },
  {
    done: 'another policy is loaded by hand',
    found: 'rule-foreign',
    says: /ipsecconf -F -a/,
    inject: (host) => loadRules(host, OTHER_RULE, '-F'),
  },
  { done: 'a rule of old is loaded again', found: 'policy-stale', inject: (host) => loadRules(host, OLD_RULE) },
  {
    done: 'the policy service goes to maintenance',
    found: 'service-state',
    severity: 'critical',
    inject: svcadm('mark', 'maintenance', POLICY),
  },
  {
    done: 'the policy service is told to read another file',
    found: 'service-settings',
    severity: 'critical',
    inject: async (host) => {
      await host.tool('svccfg', '-s', POLICY, 'setprop', 'config/config_file', '=', '/etc/inet/other.conf');
      await host.tool('svcadm', 'refresh', POLICY);
      await host.lab.machine.idle();
      await host.tool('ipsecconf', '-q', '-F', '-a', host.path(POLICY_FILE));
    },
  },
];

/** What we keep there, and what nobody owns. */
const OUR_RECORD: readonly Case[] = [
  {
    done: 'a copy of a key file is left beside it',
    found: 'file-orphan',
    severity: 'critical',
    inject: (host) => host.write('/etc/inet/secret/ipseckeys.bak', 'add esp\n', 0o644),
  },
  {
    done: 'staged files are left by a transaction that is over',
    found: 'file-orphan',
    inject: (host) => {
      fs.mkdirSync(host.path('/etc/inet/.ipsec-deploy'));
      host.write('/etc/inet/.ipsec-deploy/ipsecinit.conf', '');
    },
  },
  {
    done: 'notes are left in the state folder',
    found: 'file-orphan',
    inject: (host) => host.write(`${STATE}/notes`, ''),
  },
  {
    done: 'the state folder is opened',
    found: 'state-folder-open',
    severity: 'critical',
    inject: (host) => fs.chmodSync(host.path(STATE), 0o755),
  },
  { done: 'the boot guard is disabled', found: 'boot-guard-missing', inject: svcadm('disable', '-s', GUARD) },
  {
    done: "the boot guard's script is removed",
    found: 'boot-guard-missing',
    inject: (host) => host.remove(`${STATE}/agent/boot`),
  },
  {
    done: "the boot guard's script is edited",
    found: 'boot-guard-missing',
    severity: 'critical',
    inject: (host) => host.write(`${STATE}/agent/boot`, 'exit 0\n', 0o700),
  },
  {
    done: 'the tool was updated since the last change',
    found: 'agent-outdated',
    severity: 'info',
    inject: (host) => {
      const old = 'exit 1\n#@end\n';
      host.write(`${STATE}/agent/${createHash('sha256').update(old).digest('hex')}`, old, 0o700);
      host.write(`${STATE}/agent/boot`, old, 0o700);
    },
  },
];

/** The key file, SAs, and the key daemon that should not be. */
const MANUAL_KEYS: readonly Case[] = [
  {
    done: 'the key file is opened',
    found: 'file-mode',
    severity: 'critical',
    inject: (host) => fs.chmodSync(host.path(KEYS_FILE), 0o644),
  },
  {
    done: 'a key is changed in the key file',
    found: 'key-differs',
    severity: 'critical',
    inject: (host) => text(host, KEYS_FILE, (old) => old.replace(/encrkey \w{8}/, 'encrkey 0badcafe')),
  },
  {
    done: 'a comment is written into the key file',
    found: 'file-content',
    severity: 'info',
    says: /ipseckeys was changed; it has the same meaning/,
    inject: (host) => text(host, KEYS_FILE, (old) => `# for later\n${old}`),
  },
  {
    done: 'an SA is deleted',
    found: 'sa-missing',
    says: /^1 SA of \d+.*ipseckey delete/s,
    inject: async (host) => void (await host.tool('ipseckey', 'delete', ...firstSa(host).name)),
  },
  {
    done: 'all SAs are flushed',
    found: 'sa-missing',
    says: /ipseckey flush/,
    inject: async (host) => void (await host.tool('ipseckey', 'flush')),
  },
  {
    done: 'an SA is loaded by hand',
    found: 'sa-foreign',
    says: /ipseckey delete esp spi 0x9001 dst 10\.0\.2\.21/,
    inject: (host) =>
      loadSas(
        host,
        `add esp spi 0x9001 src 10.0.9.9 dst 10.0.2.21 encr_alg aes encrkey ${'ab'.repeat(16)} auth_alg sha1 authkey ${'cd'.repeat(20)}\n`,
      ),
  },
  {
    done: 'an SA is loaded with another key',
    found: 'sa-key-differs',
    severity: 'critical',
    inject: (host) => reload(host, (line) => line.replace(/encrkey \w{8}/, 'encrkey 0badcafe')),
  },
  {
    done: 'an SA is loaded with a lifetime',
    found: 'sa-expiring',
    inject: (host) => reload(host, (line) => `${line} hard_addtime 3600`),
  },
  {
    done: 'manual-key goes to maintenance',
    found: 'service-state',
    says: /svcadm clear/,
    inject: svcadm('mark', 'maintenance', MANUAL_KEY),
  },
  {
    done: 'manual-key is disabled',
    found: 'service-state',
    says: /SAs? of its file/,
    inject: svcadm('disable', '-s', MANUAL_KEY),
  },
  {
    done: 'the key daemon is set up and started',
    found: 'daemon-unexpected',
    inject: async (host) => {
      const later = new Date(Date.now() + 60_000);
      host.write(IKE_FILE, '# empty\n', 0o600);
      fs.utimesSync(host.path(IKE_FILE), later, later);
      await svcadm('enable', '-s', IKE)(host);
    },
  },
];

/** IKE: its files and its daemon. */
const KEY_DAEMON: readonly Case[] = [
  {
    done: 'the key daemon is disabled',
    found: 'service-state',
    severity: 'critical',
    says: /svcadm disable network\/ipsec\/ike/,
    inject: svcadm('disable', '-s', IKE),
  },
  {
    done: 'the key daemon is dead',
    found: 'daemon-down',
    severity: 'critical',
    inject: fault('ikeadm', { kind: 'fail' }),
  },
  {
    done: 'the daemon was given other rules',
    found: 'daemon-out-of-step',
    inject: async (host) => {
      host.write('/tmp/ike', host.read(IKE_FILE).replace(/label "[^"]*"/, 'label "by hand"'));
      await host.tool('ikeadm', 'read', 'rule', host.path('/tmp/ike'));
    },
  },
  {
    done: 'daemon and kernel are out of step',
    found: 'daemon-out-of-step',
    severity: 'critical',
    inject: fault('ikeadm', { kind: 'out-of-step' }),
  },
  {
    done: 'a preshared key is changed',
    found: 'key-differs',
    severity: 'critical',
    inject: (host) => text(host, PSK_FILE, (old) => old.replace(/key \w{8}/, 'key 0badcafe')),
  },
  {
    done: 'IKE is told another lifetime',
    found: 'file-content',
    severity: 'warning',
    inject: (host) => text(host, IKE_FILE, (old) => `p2_lifetime_secs 60\n${old}`),
  },
  {
    done: 'a comment is written into the file of IKE',
    found: 'file-content',
    severity: 'info',
    inject: (host) => text(host, IKE_FILE, (old) => `# for later\n${old}`),
  },
];

/** What time does. */
const TIME: readonly Case[] = [
  {
    done: 'the clock is an hour off',
    found: 'clock-off',
    says: /3[56]\d\d s behind ours/,
    look: { clock: { ...clock, now: () => new Date(Date.now() + 3_600_000) } },
    inject: nothing,
  },
  {
    done: 'keys are older than they may be',
    found: 'key-old',
    look: { drawn: '2020-01-01T00:00:00Z' },
    inject: nothing,
  },
];

/** What keeps everything else from being told. */
const NOTHING_BESIDES: readonly Case[] = [
  {
    done: 'the record of the last generation is lost',
    found: 'generation-moved',
    inject: (host) => fs.rmSync(host.path(`${STATE}/generations/1`), { recursive: true }),
  },
  {
    done: 'the controller remembers a later generation',
    found: 'generation-moved',
    look: { lastGenerations: [{ host: 'db1', generation: 7 }] },
    inject: nothing,
  },
  {
    done: 'the state folder is removed, and the controller remembers what the host was on',
    found: 'generation-moved',
    says: /^the host is on no generation, and generation 1 was confirmed there\n.* was removed, or the host made anew/,
    look: { lastGenerations: [{ host: 'db1', generation: 1 }] },
    inject: (host) => fs.rmSync(host.path(STATE), { recursive: true }),
  },
  {
    done: 'nothing answers',
    found: 'host-unreachable',
    inject: (host) => void (host.lab.faults.refuseConnections = true),
  },
  {
    done: 'another host key is presented',
    found: 'host-key-changed',
    severity: 'critical',
    look: {
      host: (host) => ({
        ...host,
        ssh: {
          ...host.ssh,
          hostKeys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f'],
        },
      }),
    },
    inject: nothing,
  },
  {
    done: 'nobody may log in any more',
    found: 'access-refused',
    look: { host: (host) => ({ ...host, ssh: { ...host.ssh, auth: [] } }) },
    inject: nothing,
  },
  {
    done: 'a tool of the host is gone',
    found: 'agent-fails',
    says: /ipsecconf is missing/,
    inject: (host) => fs.renameSync(host.path('/usr/sbin/ipsecconf'), host.path('/usr/sbin/away')),
  },
];

/**
 * What does not touch the same things is done together, which takes half the looks: all of it is found, and nothing else. A round is the
 * next case of each list.
 */
function rounds(...lists: readonly (readonly Case[])[]): readonly (readonly Case[])[] {
  const most = Math.max(...lists.map(({ length }) => length));
  return Array.from({ length: most }, (_, at) => lists.flatMap((list) => list[at] ?? []));
}

describe.each([
  { keying: 'manual', all: [...rounds(POLICY_FILES, MANUAL_KEYS, TIME), ...rounds(NOTHING_BESIDES)] },
  { keying: 'ike-psk', all: rounds(LOADED_POLICY, KEY_DAEMON, OUR_RECORD) },
] as const)('hosts with $keying keys', ({ keying, all }) => {
  let applied: Applied;
  beforeAll(async () => {
    applied = await startApplied(keying);
  });
  afterAll(() => applied.fleet.close());

  test('nothing is found where nothing was done', async () => {
    for (const name of ['web1', 'db1'])
      expect(await applied.look(name)).toMatchObject({ host: name, state: 'clean', findings: [], generation: 1 });
  });

  test.each(all.map((cases) => ({ cases, done: cases.map(({ done }) => done).join('; ') })))(
    '$done',
    async ({ cases }) => {
      const host = applied.fleet.db1;
      try {
        for (const { inject } of cases) await inject(host);
        const { findings } = await applied.look('db1', Object.assign({}, ...cases.map(({ look }) => look)));
        expect(findings.map(({ kind }) => kind).sort(), JSON.stringify(findings, undefined, 1)).toEqual(
          cases.map(({ found }) => found).sort(),
        );
        for (const { found, severity, says } of cases) {
          const fitting = findings.filter(
            (one) =>
              one.kind === found &&
              (severity ?? one.severity) === one.severity &&
              (says?.test([one.what, one.cause, one.mend].join('\n')) ?? true),
          );
          expect(
            fitting,
            `${found} ${severity} ${String(says)}: ${JSON.stringify(findings, undefined, 1)}`,
          ).toHaveLength(1);
        }
      } finally {
        host.lab.faults.refuseConnections = false;
        const away = host.path('/usr/sbin/away');
        if (fs.existsSync(away)) fs.renameSync(away, join(dirname(away), 'ipsecconf'));
        await applied.restore(host);
      }
    },
  );

  test('what was put back is clean again, and what the inventory asks for besides is no drift', async () => {
    expect(await applied.look('db1')).toMatchObject({ state: 'clean', findings: [] });
    const { inventory } = applied.fleet;
    applied.fleet.openPort(8443);
    const look = await applied.look('db1');
    applied.fleet.writeInventory(inventory);
    expect(look.state).toBe('pending');
    expect(look.findings.map((one) => [one.class, one.kind])).toEqual([['pending', 'pending-change']]);
  });

  test('a host that nothing was ever applied to waits for it', () => {
    for (const { state, findings } of applied.before)
      expect([state, findings.map(({ kind }) => kind)]).toEqual(['pending', ['never-applied']]);
  });

  test.runIf(keying === 'ike-psk')(
    'while an apply runs a host tells of its transaction, and the apply is not disturbed',
    async () => {
      const { fleet, look } = applied;
      fleet.openPort(8443);
      const hanging = fleet.db1.fault('ipsecconf', { kind: 'hang' }, (args) => args.includes('-F'), 1);
      const run = fleet.start('apply', ...OPENING);
      await Promise.all([run.said(/^web1: verified; reverts at /m), run.said(/^db1: chmod done$/m)]);
      for (const name of ['web1', 'db1']) {
        const { findings, openTransaction } = await look(name);
        expect(openTransaction).toBe(true);
        expect(findings).toMatchObject([{ kind: 'transaction-open', class: 'pending', severity: 'info' }]);
      }
      hanging.release();
      expect((await run.ended).exit).toBe(0);
      expect((await look('db1')).findings).toEqual([]);
    },
  );

  test.runIf(keying === 'ike-psk')(
    'a transaction that could not be taken back whole is told of alone, and the next boot takes it back',
    async () => {
      const { fleet, look } = applied;
      fleet.openPort(9443);
      let loads = 0;
      fleet.db1.fault('ipsecconf', { kind: 'fail' }, (args) => args.includes('-F') && ++loads > 1);
      fleet.web1.fault('ipsecconf', { kind: 'fail' }, (args) => args.includes('-F'), 1);
      await fleet.run('apply', ...OPENING);
      const { findings } = await look('db1');
      expect(findings).toMatchObject([{ kind: 'transaction-failed', severity: 'critical' }]);
      expect(findings[0]?.mend).toMatch(
        /^ipsec-deploy status .* tries again by itself, at the latest at its next boot/,
      );
      fleet.db1.lab.machine.faults.clear();
      await fleet.db1.lab.powerCut();
      await fleet.db1.lab.boot();
      expect((await look('db1')).findings).toMatchObject([{ kind: 'pending-change' }]);
    },
  );

  test.runIf(keying === 'ike-psk')('rules of one class that were loaded in another order by hand', async () => {
    const { fleet, look } = applied;
    const own = (net: string, bits: number) =>
      `{raddr ${net} ulp udp dir both} ipsec {encr_algs aes(${bits}) encr_auth_algs sha256 sa shared}`;
    const [narrow, wide] = [own('10.0.9.0/24', 128), own('10.0.0.0/16', 256)];
    const lines = `${narrow}\n${wide}\n`;
    const template = '    template: peer # what passes between it and the web server is ESP\n';
    fleet.edit(template, `${template}    vars: { extraRules: ['${narrow}', '${wide}'] }\n`);
    await fleet.expect(0, 'apply', ...OPENING);
    expect(fleet.db1.read(POLICY_FILE)).toContain(lines);
    await loadRules(fleet.db1, fleet.db1.read(POLICY_FILE).replace(lines, `${wide}\n${narrow}\n`), '-F');
    expect((await look('db1')).findings).toMatchObject([{ kind: 'rule-order', severity: 'warning' }]);
  });
});
