/**
 * I1 and I4 with packets: the power of a host is cut at a step of a change, and it boots. Afterwards both ends of its link talk, protected,
 * whichever state they are in, and at no moment did anything of the link or of a stranger pass in the clear. Both platforms, both ways of
 * keying. POWER_CUTS=all plays every point of a transaction, a number so many of them, drawn with POWER_CUT_SEED.
 */

import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Keying } from '../../../controller/model/host.js';
import { allCells, pointText, sample, type Cell, type MatrixPlatform } from '../../matrix/cells.js';
import { stagePackage } from '../../matrix/instrumented-agent.js';
import { Meeting } from '../../matrix/meeting.js';
import { until } from '../../support/watched-host.js';
import { type Running } from '../../support/runs.js';
import { EnforcedFleet, SSH } from '../../support/enforce/fleet.js';
import { between, byKind, inTheClear, show, type Row } from '../../support/enforce/seen.js';
import { knock, startBurst } from '../../support/enforce/traffic.js';

const WINDOW = 10;
/** The window, the revert after it, and a busy machine. */
const PATIENCE_SECONDS = 40;
const VISITOR = '192.0.2.9';
/** Nobody listens: a host that lets a stranger's packet in answers with RST. */
const CLOSED_PORT = 7000;
/** Where the hosts meet us; the agent runs without a prefix. */
const MEETING = 'var/matrix';
/** On a machine that is busy the change may be given up before it comes to the point. */
const TRIES = 3;
const ACCEPTED = ['in-the-clear', 'gap'].flatMap((risk) => ['--accept-risk', risk]);

const { POWER_CUTS: wanted = '12', POWER_CUT_SEED: seed = '1' } = process.env;
const ALL = allCells(['solaris-smf', 'solaris-legacy']).filter(({ fault }) => fault === 'power-cut');
const CELLS = wanted === 'all' ? ALL : sample(ALL, Number(wanted), Number(seed));
const LONGEST_MS = 60_000 + CELLS.length * 15_000;

/** Two hosts with a link. The power of the first is cut. */
interface Pair {
  readonly name: string;
  readonly platform: MatrixPlatform;
  readonly keying: Keying;
  readonly hosts: readonly [string, string];
  readonly addresses: readonly [string, string];
}

const PAIRS: readonly Pair[] = (['solaris-smf', 'solaris-legacy'] as const).flatMap((platform, p) =>
  (['manual', 'ike-psk'] as const).flatMap((keying, k) =>
    [0, 1].map((n): Pair => {
      const name = `${platform.slice(8)}-${keying}-${n}`;
      const net = `10.${1 + p}.${1 + k}.${10 * (n + 1)}`;
      return { name, platform, keying, hosts: [`${name}-a`, `${name}-b`], addresses: [`${net}1`, `${net}2`] };
    }),
  ),
);

let fleet: EnforcedFleet;
let folder: string;
/** Which of the two contents is in force. */
const contents = new Map<string, 0 | 1>();
const meetings = new Map<string, Meeting>();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'power-cut-'));
  const program = join(stagePackage(join(folder, 'package'), [], `/${MEETING}`), 'bin/ipsec-deploy.js');
  const hosts = PAIRS.flatMap(({ hosts: names, addresses, platform }) =>
    names.map((name, at) => ({ name, addresses: [addresses[at] ?? ''], platform })),
  );
  fleet = await EnforcedFleet.start([...hosts, { name: 'visitor', addresses: [VISITOR], isOutsider: true }], program);
  for (const pair of PAIRS) {
    meetings.set(pair.name, new Meeting(join(fleet.host(pair.hosts[0]).root, MEETING)));
    contents.set(pair.name, 0);
    for (const content of [0, 1] as const)
      fleet.writeInventory(inventoryText([pair], content), settings(pair, content));
  }
  // All keys are drawn before anybody needs some at the same time as others.
  fleet.writeInventory(inventoryText(PAIRS, 1), { confirmWindowSeconds: 60 });
  await fleet.expect(2, 'plan');
  fleet.writeInventory(inventoryText(PAIRS, 0), { confirmWindowSeconds: 60 });
  await fleet.expect(0, 'apply', ...ACCEPTED);
}, 120_000);

afterAll(async () => {
  for (const meeting of meetings.values()) meeting.close();
  await fleet.close();
  rmSync(folder, { recursive: true, force: true });
});

function settings({ name }: Pair, content: 0 | 1) {
  return { confirmWindowSeconds: WINDOW, file: `${name}-${content}.yaml` };
}

/** The second content has a link more at each end and, where that draws no new keys, other algorithms for the one between the two. */
function inventoryText(pairs: readonly Pair[], content: 0 | 1): string {
  const ssh = SSH.replace('ssh: {', 'ssh: { connectTimeoutSeconds: 4, replyTimeoutSeconds: 15,');
  const one = '{ encr: aes(256), encrAuth: sha256 }';
  const suiteOf = (keying: Keying): string =>
    content === 0 || keying === 'manual' ? one : '{ encr: aes(128), encrAuth: sha512 }';
  const hosts = Object.fromEntries(pairs.flatMap(({ hosts: names }) => names.map((name) => [name, ''])));
  const links = pairs.flatMap(({ name, hosts: [a, b], keying, addresses }) => [
    `  - { between: [${a}, ${b}], keying: ${keying}, suite: ${suiteOf(keying)} }\n`,
    ...[a, b].slice(0, 2 * content).map((host, at) => {
      const external = (addresses[at] ?? '').replace('10.', '10.9');
      return `  - { between: [${host}, { external: ${name}-far${at}, address: ${external} }], keying: ${keying} }\n`;
    }),
  ]);
  return `defaults: { template: peer, vars: { others: refuse }, ${ssh} }
hosts:
${fleet.hostLines(hosts)}links:
${links.join('')}`;
}

function isOpen(host: string): boolean {
  return existsSync(join(fleet.host(host).root, 'var/ipsec-deploy/tx/armed'));
}

function generationOf(host: string): number {
  const generations = join(fleet.host(host).root, 'var/ipsec-deploy/generations');
  const confirmed = readdirSync(generations).filter((name) => existsSync(join(generations, name, 'confirmed')));
  return Math.max(...confirmed.map(Number));
}

/** The loaded policy is told to be none once the new one is loaded: the agent takes the change back by itself. */
function failVerification(host: string): void {
  let loaded = false;
  let told = false;
  fleet.host(host).intercept = async (call, run) => {
    const tool = call.tool.replace(/^.*\//, '');
    if (tool === 'ipsecconf' && call.args.some((arg) => /^-[Fad]/.test(arg))) loaded = true;
    if (tool === 'ipsecconf' && call.args.some((arg) => /^-[lL]/.test(arg)) && loaded && !told) {
      told = true;
      return { exit: 1, stdout: '', stderr: 'ipsecconf: failed as told\n' };
    }
    return run();
  };
}

/** Whether each end reaches the SSH port of the other; an SA that is negotiated first takes its time. */
async function talk({ hosts: [a, b], addresses }: Pair): Promise<boolean> {
  const try22 = async (from: string, to = ''): Promise<boolean> => {
    const answers = await knock(fleet.space(from), [{ id: 'ssh', to, protocol: 'tcp', port: 22 }]);
    return answers.get('ssh') === 'open';
  };
  for (let turn = 0; turn < 4; turn++) {
    const [there, back] = await Promise.all([try22(a, addresses[1]), try22(b, addresses[0])]);
    if (there && back) return true;
  }
  return false;
}

interface Played extends Row {
  readonly cell: string;
  readonly complaint: string;
}

async function play(pair: Pair, cell: Cell): Promise<Played> {
  const [victim, peer] = pair.hosts;
  const before = pair.hosts.map(generationOf);
  const next = contents.get(pair.name) === 0 ? 1 : 0;
  const meeting = meetings.get(pair.name);
  if (meeting === undefined) throw new Error('no meeting');
  const comeToPoint = async (): Promise<{ run: Running; isThere: boolean }> => {
    if (cell.point.step === 'revert') failVerification(victim);
    meeting.wait(pointText(cell.point));
    const run = fleet.startRun('apply', settings(pair, next).file, ...ACCEPTED);
    let over = false;
    void run.ended.then(() => (over = true));
    return { run, isThere: (await meeting.met(() => over)) !== undefined };
  };
  let { run, isThere } = await comeToPoint();
  for (let tries = 1; !isThere && tries < TRIES; tries++) {
    await until(() => !isOpen(victim) && !isOpen(peer), PATIENCE_SECONDS, `${pair.name}: a transaction stays open`);
    ({ run, isThere } = await comeToPoint());
  }
  if (isThere) await fleet.powerCut(victim);
  fleet.host(victim).intercept = undefined;
  if (isThere) await fleet.boot(victim);
  const ran = await run.ended;
  await until(() => !isOpen(victim) && !isOpen(peer), PATIENCE_SECONDS, `${pair.name}: a transaction stays open`);
  const after = pair.hosts.map(generationOf);
  const moved = after.map((generation, at) => (generation === before[at] ? 'old' : 'new'));
  const doTalk = await talk(pair);
  const isMixed = moved[0] !== moved[1];
  if (isMixed) await fleet.run('apply', settings(pair, next).file, ...ACCEPTED);
  if (isMixed || moved[0] === 'new') contents.set(pair.name, next);
  const complaints: string[] = [];
  if (!isThere) complaints.push(`the point was not reached: ${ran.stdout.slice(-600)}`);
  // Each end of a manual pair changes for itself. Of two confirmations, one may be lost with the power.
  if (isMixed && pair.keying === 'ike-psk' && cell.point.step !== 'confirm') complaints.push('the ends are apart');
  if (!isMixed && !doTalk) complaints.push('they do not talk');
  if (isMixed && !(await talk(pair))) complaints.push('they do not talk after the next apply');
  return {
    cell: cell.id.replace('/power-cut', ''),
    exit: ran.exit ?? '',
    ends: moved.join(' '),
    talk: doTalk ? 'yes' : 'no',
    complaint: complaints.join('; '),
  };
}

test(
  `power cuts at ${CELLS.length} of ${ALL.length} points, each followed by a boot`,
  async () => {
    const capture = await fleet.capture();
    const strangers = await Promise.all(
      PAIRS.map(({ addresses: [to] }) =>
        startBurst(fleet.space('visitor'), { to, port: CLOSED_PORT, atOnce: 1, patienceMs: 250 }),
      ),
    );
    const queue = [...CELLS];
    const played: Played[] = [];
    await Promise.all(
      PAIRS.map(async (pair) => {
        for (;;) {
          const at = queue.findIndex(({ platform, keying }) => platform === pair.platform && keying === pair.keying);
          const [cell] = at < 0 ? [] : queue.splice(at, 1);
          if (cell === undefined) return;
          played.push(await play(pair, cell));
        }
      }),
    );
    const heard = await Promise.all(strangers.map((burst) => burst.finish()));
    await Promise.all(strangers.map((burst) => burst.stop()));
    const packets = await capture.end();
    show(
      'power cuts: how the run ended, which generation each end is on, and whether they talk',
      played.sort((a, b) => a.cell.localeCompare(b.cell)),
    );
    const links = PAIRS.map((pair) => between(packets, [pair.addresses[0]], [pair.addresses[1]]));
    show(
      'power cuts: on the wire, and what a stranger heard all the while',
      PAIRS.map((pair, at) => {
        const { ok = 0, refused = 0, silent = 0, unsendable = 0 } = heard[at] ?? {};
        const { esp, clear } = byKind(links[at] ?? []);
        return { pair: pair.name, esp: esp ?? 0, clear: clear ?? 0, ok, refused, silent, unsendable };
      }),
    );
    expect(played.filter(({ complaint }) => complaint !== '')).toEqual([]);
    expect(played).toHaveLength(CELLS.length);
    for (const link of links) expect(inTheClear(link)).toEqual([]);
    for (const { ok, refused } of heard) expect({ ok, refused }).toEqual({ ok: 0, refused: 0 });
  },
  LONGEST_MS,
);
