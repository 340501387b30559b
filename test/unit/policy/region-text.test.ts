import { expect, test } from 'vitest';
import { trafficText } from '../../../controller/policy/region-text.js';
import { covered, cutEvery } from '../../../controller/policy/traffic-cover.js';
import { everyTraffic, selectedTraffic, type Traffic } from '../../../controller/policy/traffic.js';

const tcp = (ports: { localPort?: number; remotePort?: number }): readonly Traffic[] =>
  selectedTraffic({ family: 4, protocol: 6, ...ports });
const icmp = (type: number): readonly Traffic[] =>
  selectedTraffic({ family: 4, protocol: 1, icmpType: { from: type, to: type } });
const all = everyTraffic(4);
/** Any of these, as disjoint boxes. */
const either = (...sets: (readonly Traffic[])[]): readonly Traffic[] =>
  sets.reduce((known, set) => [...known, ...cutEvery(set, known)], []);

test.each<[string, readonly Traffic[]]>([
  ['anything', all],
  ['tcp/80', tcp({ remotePort: 80 })],
  ['tcp from 80', tcp({ localPort: 80 })],
  ['tcp/80,443', either(tcp({ remotePort: 80 }), tcp({ remotePort: 443 }))],
  ['tcp from 80,443', either(tcp({ localPort: 80 }), tcp({ localPort: 443 }))],
  ['tcp/53, tcp from 80', either(tcp({ localPort: 80 }), tcp({ remotePort: 53 }))],
  ['icmp type 0,8', either(icmp(0), icmp(8))],
  ['anything but icmp type 8', cutEvery(all, icmp(8))],
  ['anything but tcp/80,443', cutEvery(all, [...tcp({ remotePort: 80 }), ...tcp({ remotePort: 443 })])],
  ['anything but tcp/53, tcp from 80', cutEvery(all, [...tcp({ localPort: 80 }), ...tcp({ remotePort: 53 })])],
  ['tcp but tcp/22', cutEvery(tcp({}), tcp({ remotePort: 22 }))],
  [
    'tcp/53 but tcp/53 from 80,443',
    cutEvery(tcp({ remotePort: 53 }), [...tcp({ localPort: 80 }), ...tcp({ localPort: 443 })]),
  ],
  ['other protocols', all.slice(2)],
  ['protocol gre', selectedTraffic({ family: 4, protocol: 47 })],
])('a set of traffic reads: %s', (words, set) => {
  expect(trafficText(set, 4)).toBe(words);
});

test('boxes grown for words hold what the set holds, no more and no less', () => {
  const ports = [22, 53, 80, 443];
  for (let seed = 1; seed <= 300; seed++) {
    const pick = (n: number): number => (seed * 7919 + n * 104729) % 11;
    const taken = Array.from({ length: 1 + (seed % 4) }, (_, n) => {
      const port = ports[pick(n) % 4] ?? 22;
      return pick(n) % 3 === 0 ? icmp(pick(n)) : tcp(pick(n) % 2 === 0 ? { localPort: port } : { remotePort: port });
    });
    const set = seed % 2 === 0 ? cutEvery(all, taken.flat()) : either(...taken);
    const grown = covered(set);
    expect([cutEvery(grown, set), cutEvery(set, grown)]).toEqual([[], []]);
    expect(grown.length).toBeLessThanOrEqual(set.length);
  }
});
