import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Secret } from '../../controller/model/secret.js';
import { TestFleet, OPENING } from '../support/cli.js';
import { KEYS_FILE, POLICY_FILE, PSK_FILE, type WatchedHost } from '../support/watched-host.js';
import { filesWithSecrets, SecretSearch, secretsOf, watchProcesses, type FoundFile } from '../support/secrets.js';

/** Where keys may stand on a host: the managed files, what is staged for them, the copies that a way back needs. */
const PLACES = [
  /^\/etc\/inet\/(secret|\.ipsec-deploy(\/was)?)\/(ipseckeys|ike\.preshared)$/,
  /^\/var\/ipsec-deploy\/generations\/\d+\/(left\/)?(files\/(ipseckeys|ike\.preshared)|sad)$/,
  // Gone with the transaction.
  /^\/var\/ipsec-deploy\/tx\/(request|sad|keys\.\w+)$/,
];

let fleet: TestFleet;
const search = new SecretSearch();
/** Every stream and file that was collected, by name. */
const collected = new Map<string, string | Buffer>();
/** Files with keys that were found where none may be, or open to others, at any tool call. */
const stray = new Set<string>();

async function run(exit: number, ...words: readonly string[]): Promise<void> {
  search.add(secretsOf(await fleet.keys()));
  const ran = await fleet.expect(exit, ...words);
  search.add(secretsOf(await fleet.keys()));
  collected.set(`stdout of ${words.join(' ')} ${collected.size}`, ran.stdout);
  collected.set(`stderr of ${words.join(' ')} ${collected.size}`, ran.stderr);
  noteStray();
}

function noteStray(): void {
  for (const host of fleet.hosts.values()) {
    for (const found of ['/etc', '/var', '/tmp'].flatMap((folder) => filesWithSecrets(host.path(folder), search))) {
      if (!isInPlace(host, found)) stray.add(`${found.path.replace(host.lab.root, '')} ${found.mode.toString(8)}`);
    }
  }
}

function isInPlace(host: WatchedHost, { path, mode }: FoundFile): boolean {
  const inside = path.slice(host.lab.root.length);
  return (mode & 0o077) === 0 && PLACES.some((place) => place.test(inside));
}

const hex = (bytes: Buffer): string => bytes.toString('hex');
const foreign = Array.from({ length: 8 }, () => randomBytes(32));

beforeAll(async () => {
  fleet = await TestFleet.start({ hosts: 3 });
  fleet.edit('  - between: [web, db]\n', '  - between: [web1, db1]\n  - { between: [web1, db2], keying: manual }\n');
  search.add(foreign);
  search.add([
    Buffer.from(/AGE-SECRET-KEY-\S+/.exec(readFileSync(fleet.file('identity.txt'), 'utf8'))?.[0] ?? '', 'latin1'),
  ]);
  plantForeignKeys();
  for (const host of fleet.hosts.values()) host.before = noteStray;
  const sampler = await watchProcesses();

  await run(2, 'plan', '--out', 'plan.json', '--log-file', 'run.log');
  await run(0, 'apply', '--output', 'json', '--log-file', 'run.log');
  await Promise.all([
    run(0, 'verify', '--log-file', 'run.log'),
    run(0, 'status', '--output', 'json'),
    run(0, 'render', 'web1'),
  ]);
  for (const host of fleet.hosts.values()) host.before = undefined;
  // New keys, and a change that is taken back.
  await fleet.forgetKeys();
  const lie = fleet.web1.fault(
    'ipsecconf',
    { kind: 'lie' },
    (args) => args.at(-1)?.endsWith(POLICY_FILE) === true && args.includes('-F'),
  );
  fleet.openPort(8443);
  await run(3, 'apply', '--log-file', 'run.log', ...OPENING);
  lie.release();
  // A tool that fails and prints the keys it was given, as ipseckey does.
  fleet.web1.intercept = async (call, go) => {
    if (!call.tool.endsWith('ipseckey') || !call.args.includes('-f')) return go();
    const text = readFileSync(call.args.at(-1) ?? '', 'utf8');
    return {
      exit: 1,
      stdout: `Parse error on line 1:\n${text}${text.toUpperCase()}`,
      stderr: text.replaceAll('\n', ' '),
    };
  };
  await run(3, 'apply', '--output', 'json', '--log-file', 'run.log', ...OPENING);
  fleet.web1.intercept = undefined;
  await run(0, 'apply', '--log-file', 'run.log', ...OPENING);
  await run(0, 'rollback', '--log-file', 'run.log');
  await run(2, 'verify', '--output', 'json', '--log-file', 'run.log');

  // One that must be found on a command line, and one in an environment.
  await fleet.spawn('sh', ['-c', 'sleep 0.2; :', hex(planted)]).ended;
  for (const [index, text] of (await sampler.stop()).entries()) collected.set(`process ${index}`, text);
  for (const file of ['plan.json', 'run.log', 'inventory.yaml', 'keys.age'])
    collected.set(file, readFileSync(fleet.file(file)));
  for (const [name, host] of fleet.hosts) {
    collected.set(`replies of ${name}`, Buffer.concat(host.replies));
    collected.set(`arguments on ${name}`, host.typed.join('\n'));
  }
});
afterAll(() => fleet.close());

const planted = randomBytes(32);

/** Keys that were there before us, in every spelling the key files allow. */
function plantForeignKeys(): void {
  const [a, b, c, d, e, f, g, h] = foreign.map(hex);
  fleet.web1.write(
    PSK_FILE,
    `# the old key was ${a}\n{ localidtype IP localid 10.0.1.11 remoteidtype IP remoteid 10.9.0.7\n  key ${b?.toUpperCase()} }\n` +
      `{\n  localidtype IP\n  localid 10.0.1.11\n  remoteidtype IP\n  remoteid 10.9.0.8\n  key\n    0x${c}\n}\n` +
      `{ localidtype IP localid 10.0.1.11 remoteidtype IP remoteid 10.9.0.9 key "${d}" } # ${e}\n`,
    0o600,
  );
  fleet
    .host('db2')
    .write(
      KEYS_FILE,
      `# was ${f}\nadd esp spi 0x2001 src 10.0.2.22 dst 10.9.0.7 encr_alg aes \\\n  encrkey ${g} \\\n  auth_alg sha256 authkey ${h}/256\n`,
    );
}

test('no key is in any output, log, plan, reply, argument or environment', () => {
  const found = [...collected].flatMap(([name, bytes]) => {
    const what = search.find(bytes);
    return what === undefined ? [] : [`${name}: ${what}`];
  });
  expect(found).toEqual([]);
  expect(String(collected.get('run.log'))).toContain('run-ended');
});

test('keys that were there before are named by their fingerprints', async () => {
  const { salt } = await fleet.keys();
  const plan = [...collected].find(([name]) => name.startsWith('stdout of plan'))?.[1].toString() ?? '';
  // All but those that stand in comments.
  for (const bytes of [1, 2, 6, 7].map((index) => foreign[index] ?? Buffer.alloc(0))) {
    const print = new Secret(bytes).fingerprint(salt).slice(0, 8);
    expect(plan).toMatch(new RegExp(`key (PSK|SA) .*not ours: ${print}… → none, 256 bits`));
  }
});

test('no key is in a file of a host but the key files and their copies, and those are closed from the beginning', () => {
  expect([...stray].sort()).toEqual([]);
  for (const host of fleet.hosts.values()) expect(host.transactionIsOpen).toBe(false);
});

test('the controller’s folder holds keys in no file', () => {
  const found = filesWithSecrets(fleet.folder, search).map(({ path }) => path.slice(fleet.folder.length));
  expect(found.filter((path) => !path.startsWith('/hosts/'))).toEqual(['/identity.txt']);
});

test('the search finds a key that is there', () => {
  const finder = new SecretSearch();
  finder.add([planted]);
  // Neither neighbour begins or ends in a hex digit: one in sixteen times it would be the next of the key.
  const inside = (text: string | Buffer): Buffer =>
    Buffer.concat([Buffer.from('some words '), Buffer.from(text), Buffer.from(' or so')]);
  for (const form of [
    planted,
    hex(planted),
    hex(planted).toUpperCase(),
    hex(planted).slice(20, 36),
    (hex(planted).match(/../g) ?? []).join(':'),
    planted.toString('base64'),
    planted.toString('base64url'),
    Buffer.concat([Buffer.from('x'), planted, Buffer.from('y')]).toString('base64'),
  ]) {
    expect(finder.find(inside(form))).toBeDefined();
  }
  expect(finder.find(inside(hex(planted).slice(0, 15)))).toBeUndefined();
  // As the run was searched: a command line that lasted a moment, and a key file on a host.
  expect(
    [...collected].filter(([name, text]) => name.startsWith('process') && finder.find(text) !== undefined),
  ).not.toEqual([]);
  const files = filesWithSecrets(join(fleet.web1.lab.root, 'etc'), search);
  expect(files.map(({ path }) => path.slice(fleet.web1.lab.root.length)).sort()).toEqual([PSK_FILE, KEYS_FILE].sort());
});
