import { describe, expect, test } from 'vitest';

import { parseAddress } from '../../../controller/model/address.js';
import type { SaCount } from '../../../controller/model/probe.js';
import { judgeProbe, type Seen } from '../../../controller/proof/judge-probe.js';
import { plannedProbe, type PlannedProbe } from '../../../controller/proof/plan-probes.js';

const [WEB, DB] = ['10.0.1.11', '10.0.2.21'];

function link(): PlannedProbe {
  const [source, destination] = [parseAddress(WEB), parseAddress(DB)];
  if (source === undefined || destination === undefined) throw new Error('no address');
  const way = { from: { name: 'web1' }, to: { name: 'db1' }, source, destination };
  return { ...plannedProbe(way, { protocol: 'tcp', port: 22 }, 'protected', 'policy'), second: { protocol: 'icmp' } };
}

/** Bytes of two pairs of SAs: those of TCP, 0x1 there and 0x2 back; those of pings, 0x3 and 0x4. */
function counts(bytes: readonly [number, number, number, number]): readonly SaCount[] {
  return bytes.map((carried, at) => {
    const [src, dst] = at % 2 === 0 ? [WEB, DB] : [DB, WEB];
    return { type: 'esp', spi: `0x${at + 1}`, src, dst, bytes: carried };
  });
}

function seen(first: Seen['first'], arrived: readonly [number, number, number, number]): Seen {
  const before = counts([0, 0, 0, 0]);
  return {
    first,
    second: { answer: 'open', text: '' },
    sender: { before, after: counts([first.answer === 'silent' ? 180 : 0, 0, 84, 84]) },
    receiver: { before, after: counts(arrived) },
    waitedSeconds: 10,
    hurried: false,
  };
}

describe('a ping that is answered', () => {
  test('hides no connection whose own SA the other end could not read', () => {
    const result = judgeProbe(link(), seen({ answer: 'silent', text: '' }, [0, 0, 84, 84]));
    expect(result).toMatchObject({ state: 'broken', fault: 'key-mismatch', flow: 'tcp/22' });
    expect(result).toHaveProperty('evidence', expect.stringContaining('SPI 0x1 moved 180 bytes out at web1; db1 has'));
  });

  test('is enough where the connection arrived, or could not be tried', () => {
    const filtered = judgeProbe(link(), seen({ answer: 'silent', text: '' }, [180, 0, 84, 84]));
    expect(filtered).toMatchObject({ state: 'held', flow: 'icmp' });
    expect(filtered).toHaveProperty('evidence', expect.stringContaining('tcp/22 had no answer'));
    const without = judgeProbe(link(), seen({ answer: 'untried', text: 'nc is not here' }, [0, 0, 84, 84]));
    expect(without).toMatchObject({ state: 'held', flow: 'icmp' });
    expect(without).toHaveProperty('evidence', expect.stringContaining('tcp/22 could not be tried (nc is not here)'));
  });
});

test('what a host has no means for is told with the reason of each way it could be tried', () => {
  const without = (text: string): Seen['first'] => ({ answer: 'untried', text });
  const tried = seen(without('no nc'), [0, 0, 0, 0]);
  expect(judgeProbe(link(), { ...tried, second: without('no ping') })).toMatchObject({
    state: 'untried',
    why: 'no nc; no ping',
  });
  expect(judgeProbe(link(), { ...tried, second: without('no nc') })).toHaveProperty('why', 'no nc');
});

test('a shell that sends from another address of its host is no proof of a leak; nc, which is told the address, is', () => {
  const other = (bytes: number): SaCount[] => [{ type: 'esp', spi: '0x9', src: '192.0.2.9', dst: DB, bytes }];
  const around = { before: other(0), after: other(120) };
  const by = (means: string): Seen => ({
    ...seen({ answer: 'closed', text: '' }, [0, 0, 0, 0]),
    first: { answer: 'closed', text: '', means },
    sender: around,
  });
  const result = judgeProbe(link(), by('bash'));
  expect(result).toMatchObject({ state: 'untried', why: expect.stringContaining('another address of web1: SPI 0x9') });
  expect(judgeProbe(link(), by('nc'))).toMatchObject({ state: 'broken', fault: 'in-the-clear' });
});
