import { describe, expect, test } from 'vitest';

import { spreadHosts } from '../../../controller/drift/spread.js';

const hosts = Array.from({ length: 1000 }, (_, i) => ({ name: `web${i}` }));
const startsBy = (fraction: number) =>
  new Map(spreadHosts(hosts, 600, () => fraction).map(({ host, afterSeconds }) => [host.name, afterSeconds]));

describe('hosts of a pass', () => {
  test('come one after the other, all of them within the time given', () => {
    const starts = spreadHosts(hosts, 600, () => 0.999).map(({ afterSeconds }) => afterSeconds);
    expect(starts).toEqual([...starts].sort((a, b) => a - b));
    expect(starts).toHaveLength(1000);
    expect(Math.min(...starts)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...starts)).toBeLessThan(600);
  });

  test('are spread evenly: no minute of ten has more than one and a half times its share', () => {
    const minutes = new Map<number, number>();
    for (const { afterSeconds } of spreadHosts(hosts, 600, () => 0)) {
      const minute = Math.floor(afterSeconds / 60);
      minutes.set(minute, (minutes.get(minute) ?? 0) + 1);
    }
    expect(Math.max(...minutes.values())).toBeLessThan(150);
  });

  test('keep their place from pass to pass, but for a tenth of the time that is chance', () => {
    const [one, other] = [startsBy(0), startsBy(0.999)];
    for (const [name, afterSeconds] of one) {
      const moved = (other.get(name) ?? 0) - afterSeconds;
      expect(moved).toBeGreaterThan(0);
      expect(moved).toBeLessThan(60);
    }
  });

  test('begin at once and in their order when nothing is to be spread', () => {
    const starts = spreadHosts(hosts.slice(0, 3), 0, () => 0.5);
    expect(starts).toEqual(hosts.slice(0, 3).map((host) => ({ host, afterSeconds: 0 })));
  });
});
