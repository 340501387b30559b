import { describe, expect, test } from 'vitest';

import { compileFilter } from '../../../../controller/lab/enforce/filter/compile-filter.js';
import { keepPolicy, type KeptPolicies } from '../../../../controller/lab/enforce/filter/kept-policies.js';
import { NftFilter } from '../../../../controller/lab/enforce/filter/nft-filter.js';
import { policyRules, type PolicyRules } from '../../../../controller/lab/enforce/filter/policy-rules.js';
import { transaction } from '../../../../controller/lab/enforce/filter/rule-set.js';
import { wireTag } from '../../../../controller/lab/enforce/filter/wire-tag.js';
import { saId, type KernelState } from '../../../../controller/lab/packet-filter.js';
import { parseAddress, type Address } from '../../../../controller/model/address.js';
import { NO_LIMITS, SA_TYPE, type SecurityAssociation } from '../../../../controller/model/sa.js';
import { Secret } from '../../../../controller/model/secret.js';
import { loadPolicy } from '../../../../controller/policy/load-policy.js';
import { EMPTY_STORE, marksAlone } from '../../../../controller/policy/remembered-actions.js';
import { emptySpd, hostRules } from '../../../../controller/policy/spd.js';
import { STOCK_NAMES } from '../../../../controller/policy/stock-names.js';

const KEY = '00112233445566778899aabbccddeeff';

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}

function sa(changes: Partial<SecurityAssociation> = {}): SecurityAssociation {
  return {
    type: SA_TYPE.esp,
    spi: 0x100,
    pairSpi: undefined,
    auth: 0,
    encr: 12,
    replayWindow: 0,
    replayValue: 0,
    inbound: true,
    outbound: false,
    dead: false,
    used: false,
    hard: NO_LIMITS,
    soft: NO_LIMITS,
    idle: NO_LIMITS,
    authKey: undefined,
    encrKey: { secret: Secret.fromHex(KEY), bits: 128 },
    salt: undefined,
    srcId: undefined,
    dstId: undefined,
    protocol: 0,
    src: { address: address('10.0.0.2'), port: 0 },
    dst: { address: address('10.0.0.1'), port: 0 },
    inner: undefined,
    natLocal: undefined,
    natRemote: undefined,
    addedAt: 1,
    ...changes,
  };
}

function state(policy: string, ...sas: SecurityAssociation[]): KernelState {
  const { spd } = loadPolicy(emptySpd(), policy, { check: false, quiet: true }, STOCK_NAMES);
  return { spd, sad: new Map(sas.map((one) => [saId(one), one])), remembered: EMPTY_STORE };
}

function rules(policy: string): PolicyRules {
  return policyRules(hostRules(state(policy).spd), marksAlone);
}

const PROTECT = '{} ipsec {encr_algs aes}\n';

/** Two SPIs whose packets look alike, found by trying. */
function alike(): readonly [number, number] {
  const seen = new Map<string, number>();
  for (let spi = 256; ; spi++) {
    const { label, dscp } = wireTag([sa({ spi })]);
    const other = seen.get(`${label} ${dscp}`);
    if (other !== undefined) return [other, spi];
    seen.set(`${label} ${dscp}`, spi);
  }
}

describe('what a lab host gives to nft', () => {
  test('no key is in it, and another key gives another tag', () => {
    const kept = keepPolicy(undefined, rules(PROTECT));
    const text = transaction(
      undefined,
      compileFilter(kept, [sa(), sa({ inbound: false, outbound: true, spi: 0x101 })]).ruleSet,
    );
    expect(text).toContain('ip protocol 50');
    for (const form of [KEY, KEY.slice(0, 8), Buffer.from(KEY, 'hex').toString('base64')])
      expect(text).not.toContain(form);
    expect(wireTag([sa()])).not.toEqual(
      wireTag([sa({ encrKey: { secret: Secret.fromHex(KEY.replace('0', '1')), bits: 128 } })]),
    );
  });

  test('a new SA leaves the counters of the others and the rules of the policy alone', () => {
    const kept = keepPolicy(undefined, rules(PROTECT));
    const before = compileFilter(kept, [sa()]).ruleSet;
    const text = transaction(before, compileFilter(kept, [sa(), sa({ spi: 0x101 })]).ruleSet);
    expect(text).toContain('counter sa_3_101_');
    expect(text).not.toContain('delete counter');
    expect(text).not.toContain('counter sa_3_100_4_a000001_1_in { }');
    expect(text).not.toContain('chain policy1_');
    expect(transaction(before, before)).toBe('');
  });

  test('an SA that is gone takes its counter along, and one added anew begins at nothing', () => {
    const kept = keepPolicy(undefined, rules(PROTECT));
    const text = transaction(compileFilter(kept, [sa()]).ruleSet, compileFilter(kept, [sa({ addedAt: 2 })]).ruleSet);
    expect(text).toContain('delete counter inet lab_ipsec sa_3_100_4_a000001_1_in\n');
    expect(text).toContain('counter sa_3_100_4_a000001_2_in { }\n');
  });

  test('two SAs that look alike on the wire are refused with their SPIs, unless their packets come from different hosts', () => {
    const kept = keepPolicy(undefined, rules(PROTECT));
    const [one, other] = alike();
    expect(() => compileFilter(kept, [sa({ spi: one }), sa({ spi: other })])).toThrow(
      `packets of SPI 0x${one.toString(16)} from packets of SPI 0x${other.toString(16)}`,
    );
    const elsewhere = { address: address('10.0.0.3'), port: 0 };
    expect(() => compileFilter(kept, [sa({ spi: one }), sa({ spi: other, src: elsewhere })])).not.toThrow();
  });
});

describe('the policies that connections are latched to', () => {
  const policy = (port: number): PolicyRules => rules(`{lport ${port} dir both} bypass {}\n`);
  const after = (ports: readonly number[]): KeptPolicies =>
    ports.reduce<KeptPolicies | undefined>((kept, port) => keepPolicy(kept, policy(port)), undefined) ??
    keepPolicy(undefined, rules(''));

  test('a policy that comes back has the number it had', () => {
    const kept = after([1, 2, 1]);
    expect([kept.current.number, ...kept.former.map(({ number }) => number)]).toEqual([1, 2]);
  });

  test('the oldest of many is forgotten', () => {
    const kept = after(Array.from({ length: 30 }, (_, i) => i + 1));
    expect(kept.current.number).toBe(30);
    expect(kept.former.map(({ number }) => number)).toEqual(Array.from({ length: 15 }, (_, i) => 29 - i));
  });

  test('nothing latches while there are no rules, and what latched before stays', () => {
    const kept = keepPolicy(after([1]), rules(''));
    expect(kept.current.number).toBe(0);
    expect(kept.former.map(({ number }) => number)).toEqual([1]);
    const input = compileFilter(kept, []).ruleSet.chains.get('input')?.rules.join('\n') ?? '';
    expect(input).not.toContain('ct mark set 0x');
    expect(input).toContain('ct mark & 0xffff == 1 jump policy1_in4');
  });
});

describe('loads', () => {
  test('one that nft refuses says so, and the next one starts from what is still in force', async () => {
    const texts: string[] = [];
    const filter = new NftFilter((_args, stdin = '') => {
      texts.push(stdin);
      return texts.length === 2 ? Promise.reject(new Error('Error: No space left\nmore')) : Promise.resolve('');
    });
    await filter.load(state(''));
    await expect(filter.load(state(PROTECT))).rejects.toThrow(
      'nft did not do what the lab asked of it: Error: No space left',
    );
    await filter.load(state(PROTECT));
    expect(texts[2]).toBe(texts[1]);
  });

  test('what SAs have carried is told by their names, both ways together', async () => {
    const counter = (name: string, packets: number): object => ({ counter: { name, packets, bytes: packets * 100 } });
    const listed = [
      { metainfo: {} },
      counter('sa_3_100_4_a000001_1_in', 3),
      counter('sa_3_100_4_a000001_1_out', 2),
      counter('x', 9),
    ];
    const filter = new NftFilter((args) =>
      Promise.resolve(args.includes('-j') ? JSON.stringify({ nftables: listed }) : ''),
    );
    expect((await filter.uses()).size).toBe(0);
    const both = sa({ outbound: true });
    await filter.load(state(PROTECT, both));
    expect([...(await filter.uses())]).toEqual([[saId(both), { packets: 5, bytes: 500 }]]);
  });
});
