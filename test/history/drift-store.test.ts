import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import sqlite from 'node-sqlite3-wasm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { findingId } from '../../controller/drift/finding-id.js';
import { OperatorError } from '../../controller/errors.js';
import { lockPasses, openDriftStore } from '../../controller/history/drift-store.js';
import {
  EMPTY_MEMORY,
  type DriftDigest,
  type DriftMemory,
  type Incident,
  type IncidentGroup,
} from '../../controller/model/drift.js';
import { acceptance, after, finding, look, pass, START, unreachable } from '../unit/drift/memory-support.js';

let folder: string;
let path: string;

beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), 'ipsec-history-'));
  path = join(folder, 'state', 'drift.db');
});
afterEach(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});

const store = (waitSeconds = 0, now = START) => openDriftStore({ path, clock: { now: () => now }, waitSeconds });

function incident(parts: Partial<Incident> = {}): Incident {
  const { finding: found = finding() } = parts;
  const at = START.toISOString();
  return {
    id: findingId(found),
    finding: found,
    firstSeen: at,
    lastSeen: at,
    seen: 1,
    returns: 0,
    told: true,
    ...parts,
  };
}

function group(parts: Partial<IncidentGroup> = {}): IncidentGroup {
  const { kind, severity, what, mend } = finding();
  return { kind, severity, what, mend, hosts: ['web1', 'web2'], ids: ['file-mode-1f3a9c'], ...parts };
}

function digest(id: string): DriftDigest {
  const hosts = { clean: 3, drift: 2, pending: 0, unreachable: 1 };
  const lists = { opened: [group()], cleared: [group({ what: 'über 🛠' })], quarantined: [] };
  return { fleet: 'lab', pass: id, at: START.toISOString(), hosts, ...lists };
}

const FULL: DriftMemory = {
  incidents: [
    incident({
      cleared: after(60).toISOString(),
      told: false,
      toldAs: 'critical',
      finding: finding({
        kind: 'rule-foreign',
        class: 'drift',
        severity: 'critical',
        what: "a rule 'of nobody' — läuft 🛠",
        since: { at: '2026-11-20T00:00:00Z', by: 'service log' },
        cause: 'ipsecconf -a was run by hand',
        details: ['+ {lport 80} bypass {}', '', 'tab\tand "quotes"\n'],
      }),
    }),
    incident({ firstSeen: after(900).toISOString(), seen: 3, returns: 2, told: false }),
  ],
  acceptances: [acceptance({ id: findingId(finding()), until: after(900).toISOString() })],
  quarantines: [{ host: 'db1', since: START.toISOString(), reason: 'drifted again' }],
  remediations: [{ host: 'db1', at: START.toISOString(), outcome: 'reverted', planDigest: 'ab12' }],
  generations: [
    { host: 'db1', generation: 3, confirmed: START.toISOString() },
    { host: 'web1', generation: 1 },
  ],
  backlog: [
    { notifier: 'chat', digest: { ...digest('pass-2'), test: true, lapsed: [acceptance({ id: 'x' })] } },
    {
      notifier: 'chat',
      digest: {
        ...digest('pass-1'),
        quarantined: [{ host: 'db1', since: START.toISOString(), reason: 'drifted again' }],
        putRight: [group({ severity: 'info', hosts: [], ids: [] })],
        accepted: [{ ...group(), until: START.toISOString(), reason: 'a test', by: 'mara' }],
        inventory: 'inventory.yaml',
      },
    },
    { notifier: 'mail', digest: digest('pass-1') },
  ],
  lastPass: { id: 'pass-1', begun: START.toISOString(), ended: after(5).toISOString() },
};

async function failure(work: Promise<unknown>): Promise<OperatorError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof OperatorError) return error;
    throw error;
  }
  throw new Error('nothing failed');
}

const code = async (work: Promise<unknown>): Promise<string> => (await failure(work)).code;
const modeOf = (file: string): string => (fs.statSync(file).mode & 0o777).toString(8);
const names = (): readonly string[] => fs.readdirSync(join(folder, 'state')).sort();

/** What somebody with SQLite at hand did to the file. */
function tamper(sql: string): void {
  const database = new sqlite.Database(path);
  database.exec(sql);
  database.close();
}

describe('what is remembered', () => {
  test('before the first write there is nothing, and reading makes no file', async () => {
    expect(await store().read()).toEqual(EMPTY_MEMORY);
    expect(fs.existsSync(join(folder, 'state'))).toBe(false);
  });

  test('comes back as it was, in a file for nobody else', async () => {
    await store().write(FULL, pass([look('web1', [finding()]), look('web2'), unreachable('db1')], START));
    expect(await store().read()).toEqual(FULL);
    expect(names()).toEqual(['drift.db']);
    expect([modeOf(path), modeOf(join(folder, 'state'))]).toEqual(['600', '700']);
    const database = new sqlite.Database(path, { readOnly: true });
    expect(database.all('SELECT clean, drift, pending, unreachable, findings FROM passes')).toEqual([
      { clean: 1, drift: 1, pending: 0, unreachable: 1, findings: 2 },
    ]);
    database.close();
  });

  test('what is not there any more is gone, and what changed is changed', async () => {
    const mine = store();
    await mine.write(FULL);
    const less: DriftMemory = {
      ...EMPTY_MEMORY,
      incidents: FULL.incidents.slice(1).map((one) => ({ ...one, seen: 9 })),
    };
    await mine.write(less);
    expect(await store().read()).toEqual(less);
  });

  test('a finding cleared and another of its name opened go into one write', async () => {
    const mine = store();
    const open = incident();
    await mine.write({ ...EMPTY_MEMORY, incidents: [open] });
    const next = incident({ firstSeen: after(60).toISOString() });
    await mine.write({ ...EMPTY_MEMORY, incidents: [next, { ...open, cleared: after(60).toISOString() }] });
    expect((await store().read()).incidents).toHaveLength(2);
  });

  test('passes are kept for ninety days', async () => {
    const day = 86_400;
    for (const days of [0, 1, 91]) await store(0, after(days * day)).write(FULL, pass([], after(days * day)));
    const database = new sqlite.Database(path, { readOnly: true });
    expect(database.all('SELECT ended FROM passes ORDER BY ended')).toEqual([
      { ended: after(day).toISOString() },
      { ended: after(91 * day).toISOString() },
    ]);
    database.close();
  });
});

describe('two processes', () => {
  test('an acceptance made during a pass is not lost by the pass', async () => {
    const service = store();
    await service.write({ ...FULL, acceptances: [] });
    const seen = await service.read();
    const operator = store();
    await operator.write({ ...(await operator.read()), acceptances: FULL.acceptances });
    await service.write({ ...seen, incidents: [], lastPass: undefined }, pass([], START));
    await service.write({ ...seen, incidents: [incident()], lastPass: undefined });
    expect(await service.read()).toEqual({ ...FULL, incidents: [incident()], lastPass: undefined });
  });

  test('writes of many at once are all kept', async () => {
    await store().write(EMPTY_MEMORY);
    const hosts = Array.from({ length: 6 }, (_none, i) => `h${i}`);
    await Promise.all(
      hosts.map(async (host) => {
        const one = store(30);
        const memory = await one.read();
        const until = after(60).toISOString();
        await one.write({ ...memory, acceptances: [...memory.acceptances, acceptance({ host, id: 'x', until })] });
      }),
    );
    expect((await store().read()).acceptances.map(({ host }) => host)).toEqual(hosts);
    expect(names()).toEqual(['drift.db']);
  });

  test('a process that is using it is named', async () => {
    await store().write(FULL);
    const owner = { pid: process.pid, host: hostname(), since: after(-30).toISOString() };
    fs.writeFileSync(`${path}.busy`, `${JSON.stringify(owner)}\n`);
    const error = await failure(store().write(FULL));
    expect([error.code, error.what]).toEqual([
      'DRIFT_STORE_LOCKED',
      `process ${process.pid} on ${hostname()} has been using the memory of drift for 30 seconds`,
    ]);
  });

  test('two services never run, and the second is told of the first', async () => {
    const release = await lockPasses(path, START);
    const error = await failure(lockPasses(path, after(90)));
    expect(error.code).toBe('DRIFT_RUNNING');
    expect(error.what).toContain(`process ${process.pid} on ${hostname()}`);
    expect(error.what).toContain(`since ${START.toISOString()}`);
    await release();
    await (
      await lockPasses(path, START)
    )();
    expect(names()).toEqual([]);
  });

  test('a lock of a number that another process has by now is taken over', async () => {
    fs.mkdirSync(join(folder, 'state'));
    const owner = { pid: process.pid, host: hostname(), since: START.toISOString(), start: 'an earlier boot/4711' };
    fs.writeFileSync(`${path}.running`, `${JSON.stringify(owner)}\n`);
    await (
      await lockPasses(path, START)
    )();
    expect(names()).toEqual([]);
  });
});

describe('a file that is not what it should be is refused and left as it is', () => {
  async function refused(): Promise<string> {
    const before = fs.readFileSync(path);
    const [reading, writing] = [await failure(store().read()), await failure(store().write(EMPTY_MEMORY))];
    expect(reading.todo).toBeTruthy();
    expect(writing.code).toBe(reading.code);
    expect(fs.readFileSync(path).equals(before)).toBe(true);
    expect(names()).toEqual(['drift.db']);
    return reading.code;
  }

  let sound: Buffer | undefined;

  beforeEach(async () => {
    if (sound !== undefined) {
      fs.mkdirSync(join(folder, 'state'));
      fs.writeFileSync(path, sound);
      return;
    }
    const incidents = Array.from({ length: 200 }, (_none, i) => incident({ finding: finding({ subject: `/f${i}` }) }));
    await store().write({ ...FULL, incidents });
    sound = fs.readFileSync(path);
  });

  test.each([
    ['emptied', (bytes: Buffer) => bytes.subarray(0, 0)],
    ['cut off', (bytes: Buffer) => bytes.subarray(0, bytes.length - 5000)],
    ['cut off in its header', (bytes: Buffer) => bytes.subarray(0, 60)],
    ['another text', () => Buffer.from('version: 1\r\n'.repeat(1000))],
    ['overwritten in the middle', (bytes: Buffer) => Buffer.from(bytes).fill(0xa5, 4096, bytes.length - 4096)],
  ])('%s', async (_how, change) => {
    fs.writeFileSync(path, change(fs.readFileSync(path)));
    expect(await refused()).toBe('DRIFT_STORE_DAMAGED');
  });

  test.each([
    ["UPDATE incidents SET severity = 'dire'", 'DRIFT_STORE_DAMAGED'],
    ["UPDATE incidents SET last_seen = 'yesterday'", 'DRIFT_STORE_DAMAGED'],
    ["UPDATE incidents SET details = '{}'", 'DRIFT_STORE_DAMAGED'],
    ["UPDATE incidents SET details = '['", 'DRIFT_STORE_DAMAGED'],
    ['UPDATE incidents SET seen = -1', 'DRIFT_STORE_DAMAGED'],
    ['DROP TABLE quarantines', 'DRIFT_STORE_DAMAGED'],
    ['PRAGMA user_version = 0', 'DRIFT_STORE_DAMAGED'],
    ['PRAGMA user_version = 99', 'DRIFT_STORE_NEWER'],
    ['PRAGMA application_id = 7', 'DRIFT_STORE_FOREIGN'],
  ])('%s', async (sql, expected) => {
    tamper(sql);
    expect(await refused()).toBe(expected);
  });

  test('a folder in its place, and a folder that is a file', async () => {
    fs.rmSync(path);
    fs.mkdirSync(path);
    expect(await code(store().read())).toBe('DRIFT_STORE_UNREADABLE');
    fs.rmSync(join(folder, 'state'), { recursive: true });
    fs.writeFileSync(join(folder, 'state'), '');
    expect(await code(store().read())).toBe('DRIFT_STORE_UNREADABLE');
    expect(await code(store().write(FULL))).toBe('DRIFT_STORE_UNWRITABLE');
    expect(await code(lockPasses(path, START))).toBe('DRIFT_STORE_UNWRITABLE');
  });

  test.each([
    ['no JSON', `'{'`],
    ['another thing', `'[]'`],
    ['a field missing', `json_remove(digest, '$.pass')`],
    ['a kind of a later version', `json_set(digest, '$.opened[0].kind', 'file-haunted')`],
    ['a host that is no text', `json_set(digest, '$.cleared[0].hosts[0]', 7)`],
    ['a count that is no number', `json_set(digest, '$.hosts.clean', 'many')`],
  ])('news that cannot be read again is passed over: %s', async (_what, sql) => {
    await store().write(FULL);
    tamper(`UPDATE backlog SET digest = ${sql} WHERE notifier = 'mail'`);
    expect((await store().read()).backlog).toEqual(FULL.backlog.slice(0, 2));
  });

  test('a finding of a kind that only a later version knows is passed over and kept', async () => {
    tamper("UPDATE incidents SET kind = 'sun-spots' WHERE rowid = 1");
    const mine = store();
    const memory = await mine.read();
    expect(memory.incidents).toHaveLength(199);
    await mine.write({ ...memory, incidents: [] });
    const database = new sqlite.Database(path, { readOnly: true });
    expect(database.all('SELECT kind FROM incidents')).toEqual([{ kind: 'sun-spots' }]);
    database.close();
  });
});

describe('a process that comes to its end in the middle of a write', () => {
  const ROOT = join(import.meta.dirname, '..', '..');
  let writer: string;

  /** The store in a process of its own that writes a thousand incidents, and is killed by itself at a chosen moment. */
  beforeAll(() => {
    writer = fs.mkdtempSync(join(tmpdir(), 'ipsec-writer-'));
    fs.symlinkSync(join(ROOT, 'node_modules'), join(writer, 'node_modules'));
    const contents = `
      import fsp from 'node:fs/promises';
      import { syncBuiltinESMExports } from 'node:module';
      import sqlite from 'node-sqlite3-wasm';
      import { openDriftStore } from './controller/history/drift-store.ts';
      import { EMPTY_MEMORY } from './controller/model/drift.ts';
      const [path, killedAt] = process.argv.slice(2);
      const die = () => process.kill(process.pid, 'SIGKILL');
      const { prepare } = sqlite.Database.prototype;
      let rows = 0;
      sqlite.Database.prototype.prepare = function (sql) {
        const statement = prepare.call(this, sql);
        const run = statement.run.bind(statement);
        statement.run = (values) => {
          if (killedAt === 'row' && ++rows === 900) die();
          return run(values);
        };
        return statement;
      };
      const { rename } = fsp;
      fsp.rename = async (from, to) => {
        if (to !== path) return rename(from, to);
        await rename(from, to);
        if (killedAt === 'renamed') die();
      };
      syncBuiltinESMExports();
      const at = '2026-11-22T12:00:00.000Z';
      const finding = { host: 'h', class: 'drift', kind: 'file-mode', severity: 'info', what: 'x'.repeat(900), mend: 'm' };
      const incidents = Array.from({ length: 1000 }, (_none, i) => ({
        id: 'file-mode-' + i, firstSeen: at, lastSeen: at, seen: 1, returns: 0, told: true,
        finding: { ...finding, subject: '/f' + i },
      }));
      try {
        await openDriftStore({ path, clock: { now: () => new Date() } }).write({ ...EMPTY_MEMORY, incidents });
      } catch (error) {
        console.log(error.code + ': ' + error.what);
        process.exitCode = 1;
      }`;
    buildSync({
      stdin: { contents, resolveDir: ROOT, loader: 'ts' },
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      external: ['node-sqlite3-wasm'],
      outfile: join(writer, 'writer.mjs'),
    });
  });
  afterAll(() => {
    fs.rmSync(writer, { recursive: true, force: true });
  });

  function write(killedAt: 'row' | 'renamed' | 'never', limits = ''): ReturnType<typeof spawnSync> {
    const words = [process.execPath, join(writer, 'writer.mjs'), path, killedAt];
    return spawnSync('sh', ['-c', `${limits}exec "$0" "$@"`, ...words], { encoding: 'utf8' });
  }

  test.each(['row', 'renamed'] as const)('killed at %s: old or new, and the next start works', async (at) => {
    await store().write(FULL);
    const before = fs.readFileSync(path);
    expect(write(at).signal).toBe('SIGKILL');
    expect(names()).toContain('drift.db.busy');
    // What a reader that was killed as well left beside it.
    fs.mkdirSync(`${path}.lock`);

    const mine = store();
    const memory = await mine.read();
    if (at === 'renamed') expect(memory.incidents).toHaveLength(1000);
    else expect([memory, fs.readFileSync(path).equals(before)]).toEqual([FULL, true]);
    await mine.write({ ...memory, quarantines: [] });
    expect(await store().read()).toEqual({ ...memory, quarantines: [] });
    expect(names()).toEqual(['drift.db']);
  });

  test('a disk that is full is told, and what was remembered is still there', async () => {
    await store().write(FULL);
    const before = fs.readFileSync(path);
    // Blocks of 512 bytes, or of 1024: more than the file has, less than it would come to.
    const ran = write('never', 'ulimit -f 600; ');
    expect(ran.stdout).toMatch(
      /^DRIFT_STORE_UNWRITABLE: the memory of drift could not be written \(.+\); it is as it was\n$/,
    );
    expect(fs.readFileSync(path).equals(before)).toBe(true);
    expect(names()).toEqual(['drift.db']);
  });

  test('a disk without room for a lock is left as it was', async () => {
    await store().write(FULL);
    expect(write('never', 'ulimit -f 0; ').stdout).toMatch(/^DRIFT_STORE_UNWRITABLE: .+; it is as it was\n$/);
    expect(names()).toEqual(['drift.db']);
  });
});
