/** The evaluator of the policy brain against packets: random policies on two hosts, random probes, the same verdicts. */

import { describe, expect, test } from 'vitest';

import { parseAddress, type Address } from '../../../controller/model/address.js';
import type { SecurityAssociation } from '../../../controller/model/sa.js';
import { loadPolicy } from '../../../controller/policy/load-policy.js';
import { EMPTY_STORE, marksIn, remember } from '../../../controller/policy/remembered-actions.js';
import { emptySpd, hostRules } from '../../../controller/policy/spd.js';
import { STOCK_NAMES } from '../../../controller/policy/stock-names.js';
import { readCounters } from '../../../controller/lab/enforce/filter/nft-counters.js';
import { saId, type KernelState } from '../../../controller/lab/packet-filter.js';
import type { Book, Side } from './evaluator/expected.js';
import { pairOfHosts, type PairOfHosts } from './evaluator/pair-of-hosts.js';
import {
  difference,
  latchedProbe,
  randomProbe,
  TCP_OPEN,
  UDP_OPEN,
  type Connection,
  type HostName,
  type Probe,
} from './evaluator/probes.js';
import { chanceOf, randomMenu, randomPolicies, randomSas } from './evaluator/random-policies.js';
import { FORGET, seen, watch } from './evaluator/sightings.js';

const TEXTS = { a: ['10.9.0.1', '10.9.0.3', 'fd09::1', 'fd09::3'], b: ['10.9.0.2', '10.9.0.4', 'fd09::2', 'fd09::4'] };
const ADDRESSES: Readonly<Record<HostName, readonly Address[]>> = {
  a: TEXTS.a.flatMap((one) => parseAddress(one) ?? []),
  b: TEXTS.b.flatMap((one) => parseAddress(one) ?? []),
};
const HOSTS = ['a', 'b'] as const;

const ROUNDS = Number(process.env.EVALUATOR_ROUNDS ?? 150);
const SEED = Number(process.env.EVALUATOR_SEED ?? 20_261_122);

const withLength = (one: string): string => `${one}/${one.includes(':') ? 64 : 24}`;

interface Loaded {
  readonly state: KernelState;
  readonly book: Book;
}

function loaded(text: string, sas: readonly SecurityAssociation[]): Loaded {
  const run = loadPolicy(emptySpd(), text, { check: false, quiet: true }, STOCK_NAMES);
  const remembered = remember(EMPTY_STORE, run.offered);
  const sad = new Map(sas.map((sa) => [saId(sa), sa]));
  return {
    state: { spd: run.spd, sad, remembered },
    book: { text, rules: hostRules(run.spd), marksOf: marksIn(remembered) },
  };
}

/** What differs, once nothing that is under way can still arrive. */
async function differences(pair: PairOfHosts, probes: readonly Probe[]): Promise<readonly string[]> {
  let found: readonly string[] = [];
  for (let tries = 0; tries < 4; tries++) {
    const [a, b] = await Promise.all([seen(pair.a), seen(pair.b)]);
    const sightings = { a, b };
    found = probes.flatMap(({ expected }) =>
      expected.flatMap((one) => difference(one, sightings[one.host][one.way]) ?? []),
    );
    if (found.length === 0) return [];
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return found;
}

describe('packets meet what the evaluator says of them', () => {
  test('random policies, SAs and probes between two hosts, connections of earlier policies included', async () => {
    await using pair = await pairOfHosts({ a: TEXTS.a.map(withLength), b: TEXTS.b.map(withLength) });
    await Promise.all(HOSTS.map((host) => watch(pair[host])));
    for (const host of HOSTS) pair[host].before = FORGET;
    const listening = [
      ...TCP_OPEN.map((port) => `listen tcp ${port}`),
      ...UDP_OPEN.map((port) => `listen udp ${port}`),
    ];
    await Promise.all(HOSTS.map((host) => pair[host].probe(listening)));
    const chance = chanceOf(SEED);
    const totals = { policies: 0, probes: 0, latched: 0, protected: 0, clear: 0, refused: 0 };
    const wrong: string[] = [];
    let connections: readonly Connection[] = [];
    const ages = new WeakMap<Connection, number>();
    for (let round = 0; round < ROUNDS && wrong.length < 20; round++) {
      const menu = randomMenu(chance);
      const [textA, textB] = randomPolicies(chance, { own: TEXTS.a, peer: TEXTS.b }, menu);
      const sas = randomSas(chance, ADDRESSES, { round, menu });
      const hosts = { a: loaded(textA, sas.a), b: loaded(textB, sas.b) };
      await Promise.all(HOSTS.map((host) => pair[host].filter.load(hosts[host].state)));
      const sides: Record<HostName, Side> = {
        a: { book: hosts.a.book, sas: sas.a, owners: new Map() },
        b: { book: hosts.b.book, sas: sas.b, owners: new Map() },
      };
      const probes: Probe[] = [];
      for (const from of HOSTS) {
        const mine = [
          ...connections.filter((one) => one.from === from).map((one) => latchedProbe(one, sides)),
          ...Array.from({ length: 15 }, () => randomProbe(chance, from, sides, ADDRESSES)),
        ];
        await pair[from].probe(mine.flatMap(({ orders }) => orders));
        probes.push(...mine);
      }
      const differing = await differences(pair, probes);
      if (differing.length > 0) wrong.push(`round ${round}\nA:\n${textA}B:\n${textB}${differing.join('\n')}\n`);
      totals.policies += 2;
      totals.probes += probes.length;
      totals.latched += connections.length;
      for (const { fate } of probes) totals[fate]++;
      // Some connections live through several policies, but not more than a host of the lab keeps.
      for (const { connection } of probes)
        if (connection !== undefined) ages.set(connection, (ages.get(connection) ?? 0) + 1);
      const open = probes.flatMap(({ connection }) => (connection === undefined ? [] : [connection]));
      const ended = probes.filter(
        ({ connection }) => connection === undefined || chance() < 0.3 || (ages.get(connection) ?? 0) > 12,
      );
      connections = open.filter((one) => !ended.some(({ connection }) => connection === one));
      for (const host of HOSTS) {
        const closed = ended.filter(({ from }) => from === host).flatMap(({ orders }) => orders);
        await pair[host].probe(
          closed.flatMap(
            (order) =>
              /^(?:tcp \S+|say) (\d+)/
                .exec(order)
                ?.slice(1)
                .map((port) => `close ${port}`) ?? [],
          ),
        );
      }
    }
    process.stdout.write(`seed ${SEED}: ${JSON.stringify(totals)}\n`);
    expect(wrong.join('\n')).toBe('');
    expect(Math.min(totals.latched, totals.protected, totals.clear, totals.refused)).toBeGreaterThan(ROUNDS / 5);
  }, 120_000);

  test('a flood meets two hundred loads of policies that drop it, and no packet passes', async () => {
    await using pair = await pairOfHosts({ a: TEXTS.a.map(withLength), b: TEXTS.b.map(withLength) });
    const drops = (round: number): KernelState => {
      const marker = `{ulp tcp lport ${1000 + round} dir both} bypass {}\n`;
      return loaded(`${marker}{ulp udp dir both} drop {}\n`, []).state;
    };
    await pair.a.filter.load(drops(0));
    const counts = (name: string, priority: number): string =>
      `counter ${name} { }\nchain ${name} {\ntype filter hook output priority ${priority};\nudp dport 9 counter name ${name}\n}\n`;
    await pair.a.nft(['-f', '-'], `table inet seen {\n${counts('sent', -400)}${counts('passed', 300)}}\n`);
    const send =
      'socket(S, 2, 2, 0); $to = pack_sockaddr_in(9, inet_aton("10.9.0.2")); while (1) { send(S, "x", 0, $to); select(undef, undef, undef, 0.00005) }';
    const flood = pair.a.start('perl', ['-MSocket', '-e', send]);
    for (let round = 1; round <= 200; round++) await pair.a.filter.load(drops(round));
    flood.kill('SIGKILL');
    const counters = readCounters(await pair.a.nft(['-j', 'list', 'counters', 'table', 'inet', 'seen']));
    process.stdout.write(`${counters.get('sent')?.packets ?? 0} packets met 200 loads\n`);
    expect(counters.get('sent')?.packets).toBeGreaterThan(1000);
    expect(counters.get('passed')?.packets).toBe(0);
  });
});
