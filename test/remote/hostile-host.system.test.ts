/** One host of three is in the hands of an attacker: every command against it, in every way it could lie, beside two honest ones. */

import * as fs from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { KeyStore, StoredKey } from '../../controller/ports.js';
import { OPENING, PROGRAM, TestFleet } from '../support/cli.js';
import { type Ran } from '../support/runs.js';
import { SecretSearch } from '../support/secrets.js';
import { TwistedHost, type Twist } from './twisted-host.js';

let fleet: TestFleet;
const hosts = new Map<string, TwistedHost>();
const host = (name: string): TwistedHost => {
  const found = hosts.get(name);
  if (found === undefined) throw new Error(`no host ${name}`);
  return found;
};

beforeAll(async () => {
  fleet = await TestFleet.start({ hosts: 3, confirmWindowSeconds: 10 });
  fleet.edit(
    '  - between: [web, db]\n',
    '  - between: [web1, db1]\n  - { between: [web1, db2], keying: manual }\n  - between: [db1, db2]\n',
  );
  fleet.edit('privilege: pfexec', 'privilege: pfexec, replyTimeoutSeconds: 4');
  for (const [name, { lab }] of fleet.hosts) {
    const twisted = await TwistedHost.start(lab);
    hosts.set(name, twisted);
    const line = new RegExp(`(  ${name}: .*ssh: \\{ port: )\\d+( \\}, hostKey: ).*( \\}\\n)`);
    const changed = fleet.inventory.replace(line, `$1${twisted.port}$2${twisted.hostKey}$3`);
    expect(changed).not.toBe(fleet.inventory);
    fleet.writeInventory(changed);
  }
});
beforeEach(() => {
  for (const one of hosts.values()) one.twist = undefined;
});
afterAll(async () => {
  await Promise.all([...hosts.values()].map((one) => one.close()));
  await fleet.close();
});

/** Little memory: what would fill it ends the run with a signal. */
function run(...words: readonly string[]): Promise<Ran> {
  return fleet.spawn('env', ['NODE_OPTIONS=--max-old-space-size=400', process.execPath, PROGRAM, ...words]).ended;
}

const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

/** Whatever a host says: an exit status of ours, words that no terminal obeys, no bug report. */
function expectUnharmed(ran: Ran, what: string): void {
  const said = `${what}: exit ${ran.exit ?? ran.signal}\n${ran.stdout.slice(-3000)}\n${ran.stderr.slice(-3000)}`;
  expect([0, 1, 2, 3, 4, 5], said).toContain(ran.exit);
  expect(ran.stderr, said).not.toContain('this is a bug');
  const at = CONTROL.exec(ran.stdout + ran.stderr)?.index;
  const place = at === undefined ? '' : JSON.stringify((ran.stdout + ran.stderr).slice(Math.max(0, at - 200), at + 80));
  expect(place, what).toBe('');
}

const isMarked = (line: string): boolean => /^[0-9a-f]{16} /.test(line);
const EVIL = '\u001b]0;owned\u0007\u001b[2J\u009b31m\r\u0000\u007f\u202e\u2066';
const EVIL_BYTES = Buffer.from(EVIL, 'utf8').toString('latin1');

/** Each is begun anew with each command. */
const ATTACKS: Readonly<Record<string, () => Twist>> = {
  'puts escape sequences into every text': () => (line) =>
    isMarked(line)
      ? line.replace(/ text=.*$/, `$&${EVIL_BYTES}`).replace(/ run=\S*/, `$&${EVIL_BYTES}`)
      : line.replace(/^(run|made) .*$/, `$&${EVIL_BYTES}`).replace(/^(#.*|.*\}|.*conf)$/, `$&${EVIL_BYTES}`),
  'puts escape sequences between its words': () => (line) => (isMarked(line) ? line : `${line}${EVIL_BYTES}`),
  'says each line twice': () => (line) => `${line}\n${line}`,
  'says its lines in another order': () => {
    let before: string | undefined;
    return (line) => {
      const now = before;
      before = line.startsWith('ipsec-deploy-agent') ? undefined : line;
      return before === undefined ? line : now;
    };
  },
  'has numbers beyond all measure': () => (line) =>
    isMarked(line) ? line.replace(/=\d+(?= |$)/g, `=${'9'.repeat(30)}`) : line.replace(/\b\d+\b/g, '9'.repeat(30)),
  'has numbers that just fit': () => (line) =>
    isMarked(line) ? line.replace(/=\d+(?= |$)/g, `=${'9'.repeat(15)}`) : line,
  'lies about how long it waits': () => (line) => line.replace(/ reverts_in=\S+/, ' reverts_in=900000000'),
  'says that all is confirmed': () => (line) =>
    line.replace(/ outcome id=(\S+) .*/, ' outcome id=$1 state=confirmed generation=7'),
  'has times that are none': () => (line) => line.replace(/\d{4}-\d\d-\d\dT[\d:]+Z/g, '+275760-09-13T00:00:01Z'),
  'speaks in bytes that are no text': () => (line) =>
    isMarked(line) ? line : Buffer.from([0xff, 0xfe, 0, 0xc3, 0x28, 10]),
  'never comes to the end of a line': () => (line) =>
    line.startsWith('ipsec-deploy-agent') ? line : Buffer.alloc(2 * 1024 * 1024, 'x'),
  'sends empty lines without end': () => (line) =>
    line.startsWith('ipsec-deploy-agent')
      ? line
      : Buffer.concat([Buffer.from(`${line}\n`), Buffer.alloc(20_000_000, '\n')]),
  'opens sections without end': () => (line) =>
    isMarked(line) ? `${line}\n${`${line.slice(0, 17)}begin x\n`.repeat(10)}` : line,
  'says records without end': () => (line) =>
    / begin /.test(line) ? `${line}\n${`${line.slice(0, 17)}fact name=a text=b\n`.repeat(600_000)}` : line,
  'has a policy of twenty thousand rules': () => (line) =>
    / begin spd/.test(line)
      ? `${line}\n${Array.from({ length: 20_000 }, (_, i) => `#INDEX ${i + 100}\n{ laddr 10.${i % 250}.${i >> 8}.0/24 lport ${(i % 60_000) + 1} ulp 6 dir out } pass { }`).join('\n')}`
      : line,
  'claims that others own its keys': () => (line) =>
    line
      .replace(/^key (\S+) (\S+) (\S+) .*$/, 'key $1 $2 $3 psk:db1--db2')
      .replace(/hostname text=.*/, 'hostname text=../../../../tmp/owned'),
};

/** The inventory's own file of keys stays out of it: the same keys, before and after. */
const LOOKS = [
  ['plan'],
  ['verify', '--output', 'json'],
  ['status'],
  ['drift'],
  ['drift', '--output', 'json'],
  ['drift', '--output', 'junit'],
  ['diff'],
  ['import', '--from', 'inventory.yaml', '--out'],
] as const;
const CHANGES = [
  ['apply', '--output', 'json', '--log-file', 'run.log', ...OPENING],
  ['rollback', '--limit', 'web1'],
  ['drill', 'web1', 'db1', '--window', '3'],
] as const;

/** Every command against every attack takes five minutes; without this word each attack meets four of them, and each command several attacks. */
const ALL = process.env['HOSTILE_HOST'] === 'all';
if (!ALL) console.log('hostile host: a part of the commands for each attack; HOSTILE_HOST=all for all of them');

/** Those of a list that the attack at this place meets. */
function turn<T>(list: readonly T[], at: number, count: number): readonly T[] {
  return ALL ? list : list.filter((_, i) => (i - at * count + list.length * 100) % list.length < count);
}

let folders = 0;
const wordsOf = (words: readonly string[]): readonly string[] =>
  words[0] === 'import' ? [...words, `adopted-${(folders += 1)}`] : words;

describe('a host that', () => {
  test('is honest is applied first, and the others with it', async () => {
    const ran = await run('apply', '--log-file', 'run.log');
    expect(ran.exit, `${ran.stdout}\n${ran.stderr}`).toBe(0);
  });

  let port = 8000;
  test.each(Object.keys(ATTACKS))('%s hurts no command, and no other host', { timeout: 300_000 }, async (attack) => {
    fleet.openPort((port += 1));
    host('web1').twist = ATTACKS[attack];
    const before = fs.readdirSync(fleet.folder).filter((name) => !name.startsWith('adopted-'));
    const at = Object.keys(ATTACKS).indexOf(attack);
    const looks = turn(LOOKS, at, 3).map(wordsOf);
    const ran = await Promise.all(looks.map((words) => run(...words)));
    for (const [i, one] of ran.entries()) expectUnharmed(one, `${attack}: ${looks[i]?.join(' ') ?? ''}`);
    for (const words of turn(CHANGES, at, 1)) expectUnharmed(await run(...words), `${attack}: ${words.join(' ')}`);
    const after = fs.readdirSync(fleet.folder).filter((name) => !name.startsWith('adopted-'));
    expect(after.filter((name) => !before.includes(name))).toEqual([]);
    expect(fs.readFileSync(fleet.file('run.log'), 'utf8')).not.toMatch(CONTROL);
  });
});

/** Bytes of the keys whose ids have, or lack, a host among the ends of their link. */
function keysOf(store: KeyStore, name: string, ends: boolean): Buffer[] {
  const bytes = (key: StoredKey): Buffer[] =>
    (key.kind === 'psk' ? [key.secret] : [key.encrKey, key.authKey]).flatMap((secret) =>
      secret === undefined ? [] : [Buffer.from(secret.reveal())],
    );
  return [...store.keys.values()]
    .filter(({ id }) => new RegExp(`[:-]${name}(--|:|$)`).test(id) === ends)
    .flatMap(bytes);
}

test('no host was ever sent a key of a link between the others, and the search finds those it was sent', async () => {
  const store = await fleet.keys();
  for (const [name, { allHeard }] of hosts) {
    const [own, foreign] = [true, false].map((ends) => {
      const search = new SecretSearch();
      const secrets = keysOf(store, name, ends);
      expect(secrets.length).toBeGreaterThan(0);
      search.add(secrets);
      return search.find(allHeard);
    });
    expect(own, `${name} was sent its keys`).toBeDefined();
    expect(foreign, `${name} was sent no other`).toBeUndefined();
  }
});
