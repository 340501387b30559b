import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatPrefix,
  hostPrefix,
  parseAddress,
  parsePrefix,
  prefixContains,
} from '../../../controller/model/address.js';
import type { Address, Prefix } from '../../../controller/model/address.js';
import { lockedOut } from '../../../controller/policy/lockout.js';
import { decideInbound, decideOutbound, isDoubtful } from '../../../controller/policy/match-flow.js';
import { predictLoad } from '../../../controller/policy/predict-load.js';

function prefix(text: string): Prefix {
  const parsed = parsePrefix(text);
  if (parsed === undefined) throw new Error(`not a prefix: ${text}`);
  return parsed;
}

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`not an address: ${text}`);
  return parsed;
}

function cuts(policy: string, management: string, host = '10.0.1.11'): string[] {
  const { rules, messages } = predictLoad(policy);
  if (rules.length === 0 && policy !== '') throw new Error(messages);
  return lockedOut(rules, [address(host)], [prefix(management)], 22).map(
    ({ source, direction, rule }) => `${formatPrefix(source)} ${direction} ${rule.source.line}`,
  );
}

const PROTECT_ALL = '{} ipsec {encr_algs aes encr_auth_algs sha256}\n';

describe('SSH from management sources', () => {
  test('passes where there is no policy', () => {
    expect(cuts('', '10.0.0.0/24')).toEqual([]);
  });

  test('is cut both ways by a policy that protects everything', () => {
    expect(cuts(PROTECT_ALL, '10.0.0.5')).toEqual(['10.0.0.5 in 1', '10.0.0.5 out 1']);
  });

  test('is saved by a bypass rule wherever it stands', () => {
    expect(cuts(`${PROTECT_ALL}{raddr 10.0.0.5 lport 22 ulp tcp dir both} bypass {}\n`, '10.0.0.5')).toEqual([]);
  });

  test('is saved only for the part of the prefix that the bypass covers', () => {
    const policy = `${PROTECT_ALL}{raddr 10.0.0.0/25 lport 22 ulp tcp dir both} bypass {}\n`;
    expect(cuts(policy, '10.0.0.0/24')).toEqual(['10.0.0.128/25 in 1', '10.0.0.128/25 out 1']);
  });

  test('is cut in one direction by a bypass of the other', () => {
    expect(cuts(`${PROTECT_ALL}{raddr 10.0.0.5 lport 22 dir in} bypass {}\n`, '10.0.0.5')).toEqual(['10.0.0.5 out 1']);
  });

  test('is cut by a rule that stands above a plain bypass by its class', () => {
    const policy =
      '{lport 22 ulp tcp dir both} bypass {}\n{raddr 10.0.0.5} ipsec {encr_algs aes encr_auth_algs sha256} or pass {}\n';
    expect(cuts(policy, '10.0.0.0/30')).toEqual([]);
    expect(cuts(policy, '10.0.0.4/30')).toEqual(['10.0.0.5 in 2', '10.0.0.5 out 2']);
  });

  test('is untouched by rules for other ports, protocols, addresses, families and tunnels', () => {
    const policy = [
      '{lport 23 dir both} drop {}',
      '{ulp udp dir both} drop {}',
      '{laddr 10.0.1.12 dir both} drop {}',
      '{raddr fd00::/8 dir both} drop {}',
      '{tunnel ip.tun0 negotiate tunnel raddr 10.0.0.5 dir both} drop {}',
      '',
    ].join('\n');
    expect(cuts(policy, '10.0.0.5')).toEqual([]);
  });

  test('is cut by a drop of one client port', () => {
    expect(cuts('{rport 1023 lport 22 dir in} drop {}\n', '10.0.0.5')).toEqual(['10.0.0.5 in 1']);
  });
});

test('every address of a prefix is cut exactly when the evaluator says so', () => {
  const lines = fc.record({
    remote: fc.option(fc.tuple(fc.integer({ min: 0, max: 15 }), fc.integer({ min: 27, max: 32 })), { nil: undefined }),
    port: fc.constantFrom('', 'lport 22', 'lport 80', 'rport 7'),
    dir: fc.constantFrom('in', 'out', 'both'),
    action: fc.constantFrom(
      'pass {}',
      'drop {}',
      'ipsec {auth_algs sha1}',
      'ipsec {encr_algs aes encr_auth_algs sha1}',
      'pass {} or ipsec {auth_algs sha1}',
      'ipsec {auth_algs sha1} or pass {}',
    ),
  });
  fc.assert(
    fc.property(fc.array(lines, { maxLength: 6 }), (entries) => {
      const text = entries
        .map(({ remote, port, dir, action }) => {
          const raddr = remote === undefined ? '' : `raddr 10.0.0.${remote[0]}/${remote[1]}`;
          return `{${raddr} ${port} dir ${dir}} ${action}\n`;
        })
        .join('');
      const { rules } = predictLoad(text);
      const local = address('10.0.1.11');
      const found = lockedOut(rules, [local], [prefix('10.0.0.0/28')], 22);
      for (let last = 0; last < 16; last++) {
        const remote = address(`10.0.0.${last}`);
        const cut = { in: false, out: false };
        for (const remotePort of [7, 50000]) {
          const packet = { local, remote, protocol: 6, localPort: 22, remotePort };
          const arrived = decideInbound(rules, packet, { kind: 'clear' });
          cut.in ||= arrived.verdict === 'drop' || isDoubtful(arrived.rule);
          cut.out ||= decideOutbound(rules, packet).verdict !== 'clear';
        }
        for (const dir of ['in', 'out'] as const) {
          const said = found.some((one) => one.direction === dir && prefixContains(one.source, hostPrefix(remote)));
          expect({ text, last, dir, said }).toEqual({ text, last, dir, said: cut[dir] });
        }
      }
    }),
    { numRuns: 200 },
  );
});
