import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAddress, type Address } from '../../../controller/model/address.js';
import type { Link } from '../../../controller/model/host.js';
import { encounter } from '../../../controller/policy/encounter.js';
import { findRule } from '../../../controller/policy/match-flow.js';
import { trafficTo, type Traffic } from '../../../controller/policy/traffic.js';
import { flowMatrix, type FlowMatrix, type PicturedEnd } from '../../../controller/proof/flow-matrix.js';
import { groupMatrix } from '../../../controller/proof/group-matrix.js';
import { pictureOfTexts } from '../../../controller/proof/host-picture.js';
import { classCell, matrixClasses } from '../../../controller/proof/matrix-classes.js';
import { offlineFleet } from '../../../controller/run/offline-fleet.js';
import { link } from '../../support/render-fleet.js';
import { builtInTemplates, keysFor, readInventory, seedInventory } from '../../support/seed-case.js';

function address(text: string): Address {
  const found = parseAddress(text);
  if (found === undefined) throw new Error(text);
  return found;
}

/** A host with a hand-written policy. */
function end(name: string, at: string, policy: string): PicturedEnd {
  const addresses = [address(at)];
  const texts = new Map([['/etc/inet/ipsecinit.conf', policy]] as const);
  const picture = pictureOfTexts({ name, addresses, texts, salt: '' });
  return { name, kind: 'host', group: undefined, addresses, picture };
}

function cell(matrix: FlowMatrix, from: string, to: string): readonly string[] {
  const place = (name: string): number => matrix.ends.findIndex((one) => one.name === name);
  const treatment = matrix.treatments[matrix.cells[place(from)]?.[place(to)] ?? -1];
  return (treatment?.parts ?? []).map(({ kind, traffic }) => `${kind} ${traffic}`);
}

function seedMatrix(text: string, asked?: Parameters<typeof flowMatrix>[2]): FlowMatrix {
  const inventory = readInventory(text);
  return flowMatrix(offlineFleet(inventory, builtInTemplates(), keysFor(inventory)).ends, inventory.links, asked);
}

const PROTECT = 'ipsec {encr_algs aes encr_auth_algs sha256}';

describe('a matrix of who can talk to whom', () => {
  test.each(['ike-psk', 'manual'] as const)('says of the seed case what the templates mean, keyed by %s', (keying) => {
    const matrix = seedMatrix(seedInventory({ keying }));
    expect(cell(matrix, 'web1', 'db1')).toEqual([
      'protected anything but tcp,udp/53, tcp from 80,443',
      'clear tcp,udp/53, tcp from 80,443',
    ]);
    expect(cell(matrix, 'db1', 'web1')).toEqual([
      'protected anything but tcp/80,443, tcp,udp from 53',
      'clear tcp/80,443, tcp,udp from 53',
    ]);
    expect(cell(matrix, 'web1', 'web1')).toEqual([]);
  });

  test('asked for one kind of traffic it answers for that alone', () => {
    const matrix = seedMatrix(seedInventory(), (family) => trafficTo(family, 6, 443));
    expect(cell(matrix, 'db1', 'web1')).toEqual(['clear tcp/443']);
  });

  test('two hosts that would protect what no link gives them keys for refuse each other', () => {
    const ends = [end('a', '10.0.0.1', `{} ${PROTECT}\n`), end('b', '10.0.0.2', `{} ${PROTECT}\n`)];
    const matrix = flowMatrix(ends, []);
    expect(cell(matrix, 'a', 'b')).toEqual(['refused anything']);
    expect(matrix.treatments[0]?.parts[0]?.because).toEqual(['no-keys']);
  });

  test('a link whose keys are nowhere is broken, not protected', () => {
    const ends = [end('a', '10.0.0.1', `{} ${PROTECT}\n`), end('b', '10.0.0.2', `{} ${PROTECT}\n`)];
    const matrix = flowMatrix(ends, [link('a', 'b', { keying: 'manual' })]);
    expect(cell(matrix, 'a', 'b')).toEqual(['broken anything']);
    expect(matrix.treatments.flatMap(({ parts }) => parts.flatMap(({ faults }) => faults)).join()).toContain('esp SA');
  });

  test('what one end of a link sends in the clear and the other takes protected is broken; without the link it is refused', () => {
    const ends = [
      end('a', '10.0.0.1', '{lport 80 ulp tcp dir both} bypass {}\n'),
      end('b', '10.0.0.2', `{raddr 10.0.0.1} ${PROTECT}\n`),
    ];
    expect(cell(flowMatrix(ends, []), 'a', 'b')).toEqual(['refused anything']);
    expect(cell(flowMatrix(ends, [link('a', 'b')]), 'a', 'b')).toEqual(['broken anything']);
  });

  test('ends without an address family in common have no treatment', () => {
    const matrix = flowMatrix([end('a', '10.0.0.1', ''), end('b', 'fd00::2', '')], []);
    expect(cell(matrix, 'a', 'b')).toEqual([]);
    expect(matrix.cells[0]?.[1]).toBeGreaterThanOrEqual(0);
  });

  test('hosts that nobody can tell apart are one class, and a class says how its members treat each other', () => {
    const ends = ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map((at, i) => end(`a${i + 1}`, at, `{} ${PROTECT}\n`));
    const matrix = flowMatrix([...ends, end('b', '10.0.1.1', '')], []);
    const classes = matrixClasses(matrix);
    expect(classes.map(({ members }) => members)).toEqual([[0, 1, 2], [3]]);
    const [some] = classes;
    if (some === undefined) throw new Error('no class');
    expect(classCell(matrix, some, some)).toBe(matrix.cells[0]?.[1]);
  });

  test('a matrix of groups counts pairs that differ', () => {
    const ends = [
      end('a1', '10.0.0.1', ''),
      end('a2', '10.0.0.2', '{} drop {}\n{laddr 10.0.0.2 dir both} drop {}\n'),
      end('b', '10.0.1.1', ''),
    ];
    const matrix = groupMatrix(flowMatrix(ends, []), new Map([['a', ['a1', 'a2']]]));
    expect(matrix.ends.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(cell(matrix, 'a', 'b')).toEqual(['clear 1 of 2 pairs: anything', 'refused 1 of 2 pairs: anything']);
  });
});

const ADDRESSES = ['10.0.0.1', '10.0.0.2', '10.0.0.3'];

/** Entries over few addresses and ports, so that rules meet each other often. */
const entry = fc
  .record({
    peer: fc.constantFrom('', ...ADDRESSES.map((one) => `raddr ${one} `), 'raddr 10.0.0.0/30 '),
    port: fc.constantFrom('', 'lport 80 ulp tcp ', 'rport 80 ulp tcp ', 'ulp udp ', 'ulp icmp '),
    dir: fc.constantFrom('dir in', 'dir out', 'dir both'),
    action: fc.constantFrom('bypass {}', 'drop {}', PROTECT, 'ipsec {encr_algs aes(128) encr_auth_algs sha1}'),
  })
  .map(({ peer, port, dir, action }) => `{${peer}${port}${dir}} ${action}\n`);

test('every cell agrees with the two rules that one packet meets', () => {
  const policies = fc.array(fc.array(entry, { maxLength: 4 }), { minLength: 3, maxLength: 3 });
  const ports = fc.record({
    protocol: fc.constantFrom(6, 17),
    local: fc.constantFrom(80, 81),
    remote: fc.constantFrom(80, 81),
  });
  fc.assert(
    fc.property(policies, ports, fc.boolean(), (texts, { protocol, local, remote }, linked) => {
      const ends = texts.map((some, i) => end(`h${i}`, ADDRESSES[i] ?? '', some.join('')));
      const links: readonly Link[] = linked ? [link('h0', 'h1')] : [];
      const one = (): readonly Traffic[] =>
        trafficTo(4, protocol, remote).map((box) =>
          box.kind === 'ports' ? { ...box, local: { from: local, to: local } } : box,
        );
      const matrix = flowMatrix(ends, links, one);
      for (const [row, from] of ends.entries()) {
        for (const [column, to] of ends.entries()) {
          if (row === column) continue;
          const [source, destination] = [from.addresses[0], to.addresses[0]];
          if (source === undefined || destination === undefined) throw new Error('no address');
          const out = { local: source, remote: destination, protocol, localPort: local, remotePort: remote };
          const into = { local: destination, remote: source, protocol, localPort: remote, remotePort: local };
          const met = encounter(findRule(from.picture.loaded, 'out', out), findRule(to.picture.loaded, 'in', into));
          const joined = linked && row + column === 1;
          const meant = met === 'sender-drops' || met === 'receiver-drops';
          // Nobody has keys here, so what both would protect does not pass.
          const expected = met === 'clear' ? 'clear' : joined && !meant ? 'broken' : 'refused';
          expect(matrix.treatments[matrix.cells[row]?.[column] ?? -1]?.parts.map(({ kind }) => kind)).toEqual([
            expected,
          ]);
        }
      }
    }),
    { numRuns: 60, seed: 7 },
  );
});
