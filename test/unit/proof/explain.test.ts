import { describe, expect, test } from 'vitest';
import { OperatorError } from '../../../controller/errors.js';
import { parseAskedFlow } from '../../../controller/proof/asked-flow.js';
import { checkEndpoints, findEndpoint } from '../../../controller/proof/endpoint.js';
import { explainFlow } from '../../../controller/proof/explain-flow.js';
import { explainVerdict } from '../../../controller/proof/explain-verdict.js';
import { flowProver } from '../../../controller/proof/pair-flows.js';
import { explainText } from '../../../controller/report/explain-text.js';
import { offlineFleet, type OfflineFleet } from '../../../controller/run/offline-fleet.js';
import { handMade } from './pairs-hosts.js';
import { builtInTemplates, keysFor, readInventory, seedInventory } from '../../support/seed-case.js';

function fleetOf(text: string): OfflineFleet {
  const inventory = readInventory(text);
  return offlineFleet(inventory, builtInTemplates(), keysFor(inventory));
}

const seed = fleetOf(seedInventory());

function explained(from: string, to: string, flow?: string, fleet = seed, why = false) {
  const ends = { from: findEndpoint(from, fleet.pictures), to: findEndpoint(to, fleet.pictures) };
  checkEndpoints(ends.from, ends.to);
  const asked = flow === undefined ? undefined : parseAskedFlow(flow);
  const explanation = explainFlow({ ...ends, flow: asked, why }, flowProver());
  const verdict = explainVerdict(explanation);
  const text = explainText({
    from,
    to,
    flow,
    explanation,
    verdict,
    notes: [],
    why,
    fingerprintOf: (name) => (name.startsWith('psk') ? '0123456789abcdef' : undefined),
  });
  // Where the checkout lies is no matter here.
  return { explanation, verdict, text: text.replace(/\(\S*?templates\//g, '(templates/') };
}

describe('explain', () => {
  test('a protected flow is told with both rules, the IKE rule and the key by its fingerprint', () => {
    const { verdict, text } = explained('web1', 'db1', 'tcp/5432');
    expect(verdict).toMatchObject({ kind: 'protected', passes: true });
    expect(text).toMatch(/^web1 → db1 tcp\/5432: protected, both ways, with exceptions\n/);
    expect(text).toContain('there web1 10.0.1.11 → db1 10.0.2.21\n  protected tcp/5432 but tcp/5432 from 80,443\n');
    expect(text).toMatch(
      /sends by {6}\{ dir out \} ipsec .*\n.*ipsecinit\.conf:\d+ \(templates\/solaris\/web-server\.hbs:\d+:\d+\)/,
    );
    expect(text).toContain('protection    ESP aes-cbc(256) with hmac-sha256(256)');
    expect(text).toContain('IKE rule      "db1--web1 ');
    expect(text).toContain('key           PSK db1–web1 01234567…');
    expect(text).toContain('  but clear tcp/5432 from 80,443');
    expect(text.split('\n').length).toBeLessThan(28);
  });

  test('a manual SA is told by its SPI and the names of its keys, never by a key', () => {
    const fleet = fleetOf(seedInventory({ keying: 'manual' }));
    const { text } = explained('web1', 'db1', 'tcp/5432', fleet);
    expect(text).toMatch(/manual SA {5}ESP SA 0x[0-9a-f]+, aes-cbc\(256\) with hmac-sha256/);
    expect(text).toContain('SA 10.0.1.11→10.0.2.21 encryption key');
    for (const key of fleet.store.keys.values()) {
      if (key.kind !== 'sa') continue;
      for (const secret of [key.encrKey, key.authKey]) expect(text).not.toContain(secret?.revealHex());
    }
  });

  test('a client of nobody’s is let in to a web server in the clear, and nowhere else', () => {
    expect(explained('192.0.2.9', 'web1', 'tcp/443').verdict).toMatchObject({ kind: 'clear', passes: true });
    const refused = explained('192.0.2.9', 'web1', 'tcp/22');
    expect(refused.verdict).toMatchObject({ kind: 'refused', passes: false });
    expect(refused.text).toContain('no rule of 192.0.2.9: leaves in the clear');
    expect(refused.text).toContain('because');
  });

  test('one way alone is no connection', () => {
    const policy = '{lport 80 ulp tcp dir in} bypass {}\n{dir out} drop {}\n';
    const ends = [handMade('a', '10.0.0.1', {}), handMade('b', '10.0.0.2', { policy })];
    const pictures = new Map(ends.map((one) => [one.name, one]));
    const [from, to] = [findEndpoint('a', pictures), findEndpoint('b', pictures)];
    const verdict = explainVerdict(explainFlow({ from, to, flow: parseAskedFlow('tcp/80'), why: false }, flowProver()));
    expect(verdict).toEqual({
      kind: 'refused',
      passes: false,
      text: 'refused on the way back: the way there is open, and no answer comes',
    });
  });

  test('without a port everything between the two is divided in few lines', () => {
    const { text } = explained('db1', 'web1');
    expect(text).toContain('protected anything but tcp/80,443, tcp,udp from 53');
    expect(text).toContain('but clear tcp/80,443, tcp,udp from 53');
  });

  test('asked why, it names the rules that were passed over and what is other about the packet', () => {
    const { text } = explained('web1', 'db1', 'tcp/5432', seed, true);
    expect(text).toContain('not { ulp 6 lport 80 dir out } pass { }: another own port');
    expect(text).toContain('nor 1 for another remote address');
  });

  test("the key daemons' own packets pass in the clear both ways", () => {
    expect(explained('web1', 'db1', 'udp/500').verdict).toMatchObject({ kind: 'clear', passes: true });
  });

  test('an address of a host stands for the host', () => {
    expect(explained('10.0.1.11', 'db1', 'tcp/5432').explanation.there[0]?.from).toBe('web1');
  });

  test.each([
    ['db2', 'web1', 'UNKNOWN_END', 'did you mean "db1"?'],
    ['web1', 'web1', 'NOTHING_BETWEEN', 'name two different ends'],
    ['web1', 'fd00::9', 'NOTHING_BETWEEN', 'name addresses of one family'],
    ['192.0.2.1', '192.0.2.2', 'NOTHING_BETWEEN', 'name a host as FROM or TO'],
  ])('%s to %s is refused: %s', (from, to, code, todo) => {
    try {
      explained(from, to);
      expect.fail('it went on');
    } catch (error) {
      expect(error).toBeInstanceOf(OperatorError);
      expect(error).toMatchObject({ code, todo });
    }
  });
});

describe('kinds of traffic in words', () => {
  test.each([
    ['tcp/5432', { protocol: 6, port: 5432 }],
    ['UDP/53', { protocol: 17, port: 53 }],
    ['icmp', { protocol: 'icmp', port: undefined }],
    ['58', { protocol: 'icmp', port: undefined }],
    ['47', { protocol: 47, port: undefined }],
  ])('%s', (words, asked) => {
    expect(parseAskedFlow(words)).toMatchObject(asked);
  });

  test.each(['', 'tpc/80', 'tcp/0', 'tcp/65536', 'tcp/http', 'tcp/80/81', 'icmp/8', '256', '-1', '\u0000'])(
    '%j is refused with what to write',
    (words) => {
      expect(() => parseAskedFlow(words)).toThrow(/names/);
    },
  );
});
