import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hostPrefix } from '../../controller/model/address.js';
import type { Host } from '../../controller/model/host.js';
import { readAgent } from '../../controller/remote/agent-bundle.js';
import { createHostLink } from '../../controller/remote/agent-link.js';
import { importFleet, type ImportedFleet, type ImportFleetInput } from '../../controller/run/import-fleet.js';
import { openVault } from '../../controller/vault/age-vault.js';
import { jsonLines, TestFleet } from '../support/cli.js';
import {
  IKE_FILE,
  KEYS_FILE,
  POLICY_FILE,
  PSK_FILE,
  type HostState,
  type WatchedHost,
} from '../support/watched-host.js';
import { type Ran } from '../support/runs.js';
import { hostNamed } from '../support/fake-fleet.js';
import { expectDocumented } from '../support/json-document.js';
import { builtInTemplates } from '../support/render-fleet.js';
import { filesWithSecrets, SecretSearch, watchProcesses } from '../support/secrets.js';

const IKE_KEY = randomBytes(32);
const OLD_KEY = randomBytes(32);
const ENCR_KEYS = [fixedParity(randomBytes(24)), fixedParity(randomBytes(24))];
const AUTH_KEYS = [randomBytes(20), randomBytes(20)];
const PASSWORD = `Tr0ub4dor and ${randomBytes(9).toString('base64url')}`;

/** DES keys whose parity bits are right, since the kernel lists them so. */
function fixedParity(bytes: Buffer): Buffer {
  return Buffer.from(
    bytes.map((byte) => {
      const ones = [1, 2, 3, 4, 5, 6, 7].filter((bit) => (byte >> bit) & 1).length;
      return (byte & 0xfe) | (ones % 2 === 0 ? 1 : 0);
    }),
  );
}

const hex = (bytes: Buffer | undefined): string => (bytes ?? Buffer.alloc(0)).toString('hex');

/** Made on a PC, with a comment that a template must not take for its own language; SSH is not on port 22 in the lab. */
const webPolicy = (ssh: number): string => `# Web server, {{see}} the wiki: \\{ports}}\r
{ lport 80 ulp tcp dir both } bypass {}\r
{lport ${ssh}\traddr 127.0.0.1 ulp tcp dir both} bypass {}   \r
{ulp ipv6-icmp type 133-137 dir both} pass {}\r
\r
{laddr 10.0.1.11   raddr 10.0.2.21 dir both} ipsec {encr_algs aes(256) encr_auth_algs sha256 sa shared}\r
{ laddr web1 raddr db2\r
  dir both } ipsec { encr_algs 3des encr_auth_algs sha1 sa shared }\r
`;

const DB1_POLICY = `# old style
{daddr 10.0.1.11 dport 80 ulp tcp} bypass {dir out}
{saddr 10.0.1.11 sport 80 ulp tcp} bypass {dir in}
{saddr 10.0.1.11 daddr 10.0.2.21} permit {encr_algs aes(256) encr_auth_algs sha256}
{saddr 10.0.2.21 daddr 10.0.1.11} apply {encr_algs aes(256) encr_auth_algs sha256 sa shared}
`;

const db2Policy = (ssh: number): string => `{lport ${ssh} raddr 127.0.0.1 ulp tcp dir both} bypass {}
{raddr web1 rport 80 ulp tcp dir both} bypass {}
{laddr 10.0.2.22 raddr 10.0.1.11 dir both} ipsec {encr_algs 3des encr_auth_algs sha1 sa shared}
{dir both} drop {}
`;

const DB3_POLICY = `{lport 8080 ulp tcp dir both} bypass {}
{raddr 10.9.0.7 dir both} ipsec {encr_algs aes encr_auth_algs sha1}
`;

function ikeConfig(label: string, local: string, remote: string): string {
  return `# phase 1\n{ label "${label}"\n  local_addr ${local}\n\tremote_addr ${remote}\n  p1_xform { auth_method preshared oakley_group 14 auth_alg sha256 encr_alg aes(256..256) }\n  p2_pfs 14 }\n`;
}

function manualKeys(): string {
  return `# keys for web1 and db2, was ${hex(OLD_KEY)}
add esp spi 0x1001 src 10.0.1.11 dst 10.0.2.22 encr_alg 3des \\
    encrkey ${hex(ENCR_KEYS[0])} auth_alg sha1 authkey 0x${hex(AUTH_KEYS[0]).toUpperCase()}/160
add esp spi 4098 src 10.0.2.22 dst 10.0.1.11 encr_alg 3des encrkey ${hex(ENCR_KEYS[1])} auth_alg sha1 authkey ${hex(AUTH_KEYS[1])}
`;
}

/** The same SAs by an end that names hosts, counts in octal and saves its files as DOS does. */
function manualKeysOfDb2(): string {
  return manualKeys()
    .replace(/ \\\n\s*/, ' ')
    .replaceAll('10.0.1.11', 'web1')
    .replace('dst 10.0.2.22', 'dst DB2')
    .replace('spi 4098', 'spi 010002')
    .replaceAll('\n', '\r\n');
}

let fleet: TestFleet;
let words: readonly string[];
const LOGIN = [
  '--user',
  'deploy',
  '--privilege',
  'pfexec',
  '--identity',
  'client_ed25519',
  '--management',
  '127.0.0.1',
];
const search = new SecretSearch();
const collected = new Map<string, string | Buffer>();

const db3 = (): WatchedHost => fleet.host('db3');

async function load(host: WatchedHost, ...services: readonly string[]): Promise<void> {
  for (const service of services) {
    await host.tool('svcadm', 'enable', '-s', `svc:/network/ipsec/${service}:default`);
    await host.tool('svcadm', 'refresh', `svc:/network/ipsec/${service}:default`);
  }
}

beforeAll(async () => {
  fleet = await TestFleet.start({ hosts: 4, letIn: 'all' });
  search.add([IKE_KEY, OLD_KEY, ...ENCR_KEYS, ...AUTH_KEYS, Buffer.from(PASSWORD)]);
  const { web1, db1 } = fleet;
  const db2 = fleet.host('db2');
  web1.write(POLICY_FILE, webPolicy(web1.lab.port), 0o644);
  web1.write(IKE_FILE, ikeConfig('to db1', '10.0.1.11', '10.0.2.21'), 0o644);
  web1.write(
    PSK_FILE,
    `{ localidtype IP localid 10.0.1.11 remoteidtype IP remoteid 10.0.2.21\n  key 0x${hex(IKE_KEY).toUpperCase()} }\n`,
    0o600,
  );
  web1.write(KEYS_FILE, manualKeys(), 0o400);
  db1.write(POLICY_FILE, DB1_POLICY);
  db1.write(IKE_FILE, ikeConfig('to web1', '10.0.2.21', '10.0.1.11'));
  db1.write(
    PSK_FILE,
    `# key was ${hex(OLD_KEY)}\n{\n localidtype IP\n localid 10.0.2.21\n remoteidtype IP\n remoteid 10.0.1.11\n key ${hex(IKE_KEY)}\n}\n`,
    0o600,
  );
  db2.write(POLICY_FILE, db2Policy(db2.lab.port));
  db2.write(KEYS_FILE, manualKeysOfDb2(), 0o600);
  db3().write(POLICY_FILE, DB3_POLICY);
  db3().write(IKE_FILE, ikeConfig('to mainframe', '10.0.2.23', '10.9.0.7'));
  db3().write(
    PSK_FILE,
    `{ localidtype IP localid 10.0.2.23 remoteidtype IP remoteid 10.9.0.7 key "${PASSWORD}" }\n`,
    0o600,
  );
  await load(web1, 'policy', 'manual-key', 'ike');
  await load(db1, 'policy', 'ike');
  await load(db2, 'policy', 'manual-key');
  await load(db3(), 'policy', 'ike');
  const keys = [...fleet.hosts.values()].flatMap(({ lab }) => ['--host-key', `${lab.name}=${lab.hostKeyLine}`]);
  words = [...LOGIN, ...keys];
  fleet.forget();
});
afterAll(() => fleet.close());

function target(host: WatchedHost): string {
  return `${host.lab.name}=127.0.0.1:${host.lab.port}`;
}

async function run(exit: number, ...line: readonly string[]): Promise<Ran> {
  const ran = await fleet.expect(exit, ...line);
  collected.set(`stdout of ${line[0]} ${collected.size}`, ran.stdout);
  collected.set(`stderr of ${line[0]} ${collected.size}`, ran.stderr);
  return ran;
}

/** What a host has that an import must not change. */
const before = new Map<string, HostState>();

test('hosts set up by hand are adopted with their keys, and the first plan and apply have nothing to do', async () => {
  const sampler = await watchProcesses();
  for (const [name, host] of fleet.hosts) before.set(name, await host.state());
  fleet.forget();
  const targets = [...fleet.hosts.values()].map(target);
  const ran = await run(0, 'import', ...targets, '--out', 'adopted', '--log-file', 'import.log', ...words);
  for (const name of fleet.hosts.keys()) expect(ran.stdout).toContain(`${name}: renders back to the same: yes\n`);
  expect(ran.stdout).toContain(`${POLICY_FILE} (0644): rendered byte for byte`);
  expect(ran.stdout).toMatch(/wrote adopted: 4 hosts, 3 links, 12 templates, 7 keys/);
  expect([...fleet.hosts.values()].flatMap((host) => host.changes)).toEqual([]);
  fleet.forget();
  await run(0, 'plan', 'adopted/inventory.yaml', '--log-file', 'import.log');
  const applied = await run(0, 'apply', 'adopted/inventory.yaml', '--output', 'json', '--log-file', 'import.log');
  for (const [index, text] of (await sampler.stop()).entries()) collected.set(`process ${index}`, text);
  const outcomes = jsonLines(applied).filter(({ event }) => event === 'outcome');
  expect(outcomes.map(({ status }) => status)).toEqual(['unchanged', 'unchanged', 'unchanged', 'unchanged']);
  for (const [name, host] of fleet.hosts) expect(await host.state()).toEqual(before.get(name));
});

test('links, keys and SPIs are those of the files', async () => {
  const inventory = fs.readFileSync(fleet.file('adopted/inventory.yaml'), 'utf8');
  expect(inventory).toContain(
    `  - { between: [web1, db1], keying: ike-psk, suite: { encr: aes(256), encrAuth: sha256 } }
  - { between: [web1, db2], keying: manual, suite: { encr: 3des, encrAuth: sha1 } }
  - { between: [db3, { external: peer-10-9-0-7, address: 10.9.0.7 }], keying: ike-psk, suite: { encr: aes(256), encrAuth: sha1 } }
`,
  );
  const vault = openVault(
    { keyStore: fleet.file('adopted/keys.age'), identityFile: fleet.file('adopted/identity.txt'), recipients: [] },
    undefined,
  );
  const { keys } = await vault.read();
  const sa = keys.get('sa:db2--web1:10.0.2.22>10.0.1.11');
  expect(sa?.kind === 'sa' && [sa.spi, sa.encrKey?.revealHex()]).toEqual([4098, hex(ENCR_KEYS[1])]);
  const psk = keys.get('psk:db1--web1');
  expect(psk?.kind === 'psk' && psk.secret.revealHex()).toBe(hex(IKE_KEY));
  const password = keys.get('psk:db3--peer-10-9-0-7');
  expect(password?.kind === 'psk' && password.secret.revealText()).toBe(PASSWORD);
});

test('no key is in the inventory, a template, any output, the log, an argument or an environment', async () => {
  for (const name of ['adopted', 'adopted/templates'])
    for (const entry of fs.readdirSync(fleet.file(name), { withFileTypes: true }))
      if (entry.isFile()) collected.set(entry.name, fs.readFileSync(fleet.file(join(name, entry.name))));
  collected.set('import.log', fs.readFileSync(fleet.file('import.log')));
  for (const [name, host] of fleet.hosts) collected.set(`arguments on ${name}`, host.typed.join('\n'));
  const found = [...collected].flatMap(([name, bytes]) => (search.find(bytes) === undefined ? [] : [name]));
  expect(found).toEqual([]);
  expect([...collected.keys()].filter((name) => name.endsWith('.hbs'))).toHaveLength(12);
  // The same search finds them where they are.
  const onHosts = filesWithSecrets(join(db3().lab.root, 'etc'), search);
  expect(onHosts.map(({ path }) => path.slice(db3().lab.root.length))).toEqual([PSK_FILE]);
  const replies = Buffer.concat(db3().replies);
  expect(search.find(replies)).toBeUndefined();
});

test('the first real change of an adopted host goes through and can be taken back', async () => {
  const found = webPolicy(fleet.web1.lab.port);
  const line = '{lport 25 raddr 192.0.2.0/24 ulp tcp dir both} bypass {}';
  fs.appendFileSync(fleet.file('adopted/templates/found-web1.hbs'), `${line}{{cr}}\n`);
  await run(0, 'apply', 'adopted/inventory.yaml');
  const changed = await fleet.web1.state();
  expect(changed.rules).toContain('{ ulp 6 lport 25 raddr 192.0.2.0/24 dir in } pass { }');
  expect(changed.files[POLICY_FILE]).toEqual({ mode: '0400', text: `${found}${line}\r\n` });
  expect(changed.sas).toEqual(before.get('web1')?.sas);
  await run(0, 'rollback', 'adopted/inventory.yaml', '--limit', 'web1');
  const back = await fleet.web1.state();
  expect(back.files[POLICY_FILE]).toMatchObject({ text: found });
  expect(back.rules).toEqual(before.get('web1')?.rules);
});

/** Without a process of its own: the same workflow, on hosts that are not as their files say. */
async function importAgain(
  hosts: readonly Host[],
  changes: Partial<ImportFleetInput['options']> = {},
): Promise<ImportedFleet> {
  return importFleet({
    targets: hosts,
    isNamed: () => true,
    ownAddresses: [],
    link: createHostLink({ agent: await readAgent('agent'), env: {}, randomBytes, log: { event: () => undefined } }),
    forks: 4,
    stop: new AbortController().signal,
    options: {
      fleet: 'again',
      management: [hostPrefix({ family: 4, value: 0x7f000001n })],
      created: '2026-11-22T10:00:00.000Z',
      withKeys: true,
      identityFile: true,
      ...changes,
    },
    builtIn: builtInTemplates(),
  });
}

function reached({ lab }: WatchedHost, port = lab.port): Host {
  const host = hostNamed(lab.name);
  const auth = [{ kind: 'key', file: fleet.file('client_ed25519') }] as const;
  return { ...host, ssh: { ...host.ssh, port, privilege: 'pfexec', auth, hostKeys: [lab.hostKeyLine] } };
}

test('what is loaded by hand, out of reach, not started or at odds with the other end is told host by host', async () => {
  const { web1, db1 } = fleet;
  const db2 = fleet.host('db2');
  await web1.lab.machine.run('ipsecconf', ['-q', '-a', '-'], {
    env: {},
    stdin: '{lport 8443 ulp tcp dir in} bypass {}\n',
    cwd: web1.lab.root,
  });
  // It no longer lets pass what web1 does not protect.
  db1.write(POLICY_FILE, DB1_POLICY.replace(/^.*port 80.*\n/gm, ''));
  await load(db1, 'policy');
  await db2.tool('svcadm', 'disable', '-s', 'svc:/network/ipsec/manual-key:default');
  const { hosts, missing, adopted } = await importAgain([
    ...[web1, db1, db2].map((host) => reached(host)),
    { ...reached(db3(), 1), name: 'gone' },
  ]);
  const told = new Map(hosts.map((host) => [host.host, host]));
  expect(missing.map(({ host, outcome }) => [host, outcome.status])).toEqual([['gone', 'unreachable']]);
  expect(told.get('web1')?.differs).toEqual([
    '{ ulp 6 lport 8443 dir in } pass { } is loaded and not in the file: it was loaded by hand, or the file was changed since',
  ]);
  expect(told.get('db1')).toMatchObject({ same: true, differs: [] });
  expect(told.get('db1')?.notes.join()).toMatch(
    /link db1--web1 is written as a comment only, because its ends do not agree: .*tcp\/80/,
  );
  expect(adopted.inventory).toMatch(/^# {2}- { between: \[web1, db1\], keying: ike-psk/m);
  expect(adopted.inventory).toMatch(/^ {2}- { between: \[web1, db2\], keying: manual/m);
  expect(told.get('db2')?.differs.join()).toMatch(/manual-key is disabled/);
});

test('without its keys a host is adopted all the same, and no key leaves it', async () => {
  fleet.forget();
  const { hosts, adopted } = await importAgain([reached(fleet.web1), reached(fleet.host('db2'))], { withKeys: false });
  expect(adopted.keys).toEqual([]);
  expect(adopted.inventory).toMatch(/between: \[web1, db2\], keying: manual/);
  expect(hosts.map(({ same }) => same)).toEqual([false, false]);
  expect(search.find(Buffer.concat(fleet.web1.replies))).toBeUndefined();
});

test('a policy that a push would be refused for is adopted with an empty plan, and is refused once it is changed', async () => {
  db3().write(POLICY_FILE, `{lport 25} bypass {}\n${DB3_POLICY}{} ipsec {encr_algs aes encr_auth_algs sha1}\n`);
  await load(db3(), 'policy');
  const ran = await run(
    0,
    'import',
    target(db3()),
    '--out',
    'locked',
    ...LOGIN,
    '--host-key',
    `db3=${db3().lab.hostKeyLine}`,
    '--output',
    'json',
  );
  const lines = jsonLines(ran);
  expectDocumented(lines, 'imported', 'import-ended');
  expect(lines.at(-1)).toMatchObject({ folder: 'locked', hosts: 1, links: 1 });
  expect(ran.stdout).toContain('a push to it will be refused: db3 would cut off SSH from 127.0.0.1');
  expect(ran.stdout).toContain('a push to it will be refused: bypass has no direction');
  const empty = await run(0, 'plan', 'locked/inventory.yaml');
  expect(empty.stderr).toMatch(
    /warning: db3 would cut off SSH.*\n {2}nothing is pushed to db3, so this refuses nothing/,
  );
  fs.appendFileSync(fleet.file('locked/templates/found-db3.hbs'), '# changed\n');
  expect((await run(1, 'plan', 'locked/inventory.yaml')).stderr).toContain('error: db3 would cut off SSH');
});

test('rules that only a person loaded become a template, and what is no plain file is told at once', async () => {
  db3().write(POLICY_FILE, DB3_POLICY);
  await load(db3(), 'policy');
  const policy = join(db3().lab.root, POLICY_FILE);
  fs.rmSync(policy);
  const { hosts, adopted } = await importAgain([reached(db3())]);
  expect(hosts[0]?.differs).toContain(`${POLICY_FILE} is not there: the first apply writes it`);
  expect(adopted.templates[0]?.text).toContain(
    '{ ulp 6 lport 8080 dir both } pass { }\n{ raddr 10.9.0.7/32 dir both } ipsec {',
  );
  fs.mkdirSync(policy);
  const { missing } = await importAgain([reached(db3())]);
  expect(missing).toMatchObject([{ host: 'db3', outcome: { status: 'failed', touched: false } }]);
  fs.rmdirSync(policy);
});
