/**
 * Link probes with packets: changes that look right on each host, and whose links are dead or leak. Both ends go back, with the evidence; a
 * link beside them that works is confirmed in the same run.
 */

import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { EnforcedFleet, SSH } from '../../support/enforce/fleet.js';
import { show } from '../../support/enforce/seen.js';
import { knock } from '../../support/enforce/traffic.js';

const OLD = '{ encr: aes(256), encrAuth: sha256 }';
const NEW = '{ encr: aes(128), encrAuth: sha512 }';

interface Fault {
  readonly what: string;
  readonly ends: readonly [string, string];
  readonly keying: 'manual' | 'ike-psk';
  /** Not there before the change: SAs of an earlier pre-shared key would live on. */
  readonly isNew?: boolean;
  /** What the second end has in the changed inventory that the first has not. */
  readonly second: string;
  /** What the probes call it; nothing where the link is sound. */
  readonly called: RegExp | undefined;
}

const FAULTS: readonly Fault[] = [
  {
    what: 'other keys at one end',
    ends: ['a1', 'a2'],
    keying: 'manual',
    second: 'files: { manualKeys: other-keys }',
    called: /key-mismatch|no-answer/,
  },
  {
    what: 'another pre-shared key at one end',
    ends: ['b1', 'b2'],
    keying: 'ike-psk',
    second: 'files: { presharedKeys: other-psk }',
    isNew: true,
    called: /missing-sa|no-answer/,
  },
  {
    what: 'SAs of other algorithms at one end',
    ends: ['c1', 'c2'],
    keying: 'manual',
    second: 'files: { manualKeys: other-algorithms }',
    called: /key-mismatch|missing-sa|no-answer/,
  },
  {
    what: 'a kernel that lets clear packets in',
    ends: ['d1', 'd2'],
    keying: 'ike-psk',
    second: '',
    called: /not-refused/,
  },
  { what: 'nothing is wrong', ends: ['e1', 'e2'], keying: 'ike-psk', second: '', called: undefined },
];

const keysWith = (auth: string): string => `{{> banner}}
{{#each sas}}
add esp spi {{spi}} src {{src}} dst {{dst}} encr_alg {{encr}} encrkey ${'3c'.repeat(16)} ${auth}
{{/each}}
`;

const PSK = `{{> banner}}
{{#each ike.preshared}}
{
  localidtype IP
  localid {{local}}
  remoteidtype IP
  remoteid {{remote}}
  key ${'5e'.repeat(32)}
}
{{/each}}
`;

/** A machine that does much besides is slow, and no less right. */
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

let fleet: EnforcedFleet;

beforeAll(async () => {
  const hosts = FAULTS.flatMap(({ ends }, row) =>
    ends.map((name, column) => ({ name, addresses: [`10.0.${row + 1}.${column + 1}`] })),
  );
  fleet = await EnforcedFleet.start(hosts);
  fleet.writeTemplate('other-keys', keysWith(`auth_alg {{auth}} authkey ${'a7'.repeat(64)}`));
  fleet.writeTemplate('other-algorithms', keysWith(`auth_alg sha256 authkey ${'a7'.repeat(32)}`));
  fleet.writeTemplate('other-psk', PSK);
  writeInventory(
    OLD,
    () => '',
    FAULTS.filter(({ isNew }) => isNew !== true),
  );
  await fleet.expect(0, 'apply');
});

afterAll(() => fleet.close());

function writeInventory(suite: string, ofSecond: (fault: Fault) => string, faults = FAULTS): void {
  const hosts = faults.flatMap((fault) => fault.ends.map((name, at) => [name, at === 0 ? '' : ofSecond(fault)]));
  const links = faults.map(({ ends, keying }) => `  - { between: [${ends.join(', ')}], keying: ${keying} }\n`);
  fleet.writeInventory(
    `defaults: { template: peer, vars: { others: refuse }, suite: ${suite}, ${SSH} }
hosts:
${fleet.hostLines(Object.fromEntries(hosts))}links:
${links.join('')}`,
    { confirmWindowSeconds: 30 },
  );
}

/** Once the new policy is loaded, the host's kernel lets the controller's packets in and the answers out, whatever the policy says. */
function leakFrom(name: string): void {
  const host = fleet.host(name);
  host.intercept = async (call, run) => {
    const reply = await run();
    const isLoad = call.tool.endsWith('ipsecconf') && call.args.includes('-a');
    if (isLoad) {
      const own = host.startInNetwork([
        'nft',
        'insert rule inet lab_ipsec input ip saddr 10.0.0.5 accept;insert rule inet lab_ipsec output ip daddr 10.0.0.5 accept',
      ]);
      await new Promise((resolve) => own.once('close', resolve));
    }
    return reply;
  };
}

async function reaches([from, to]: readonly [string, string]): Promise<string> {
  const tries = [{ id: 'ssh', to: fleet.addressOf(to), protocol: 'tcp' as const, port: 22 }];
  return (await knock(fleet.space(from), tries)).get('ssh') ?? '';
}

test('links that are dead or leak are found before the change is confirmed, and both ends go back', async () => {
  leakFrom('d2');
  writeInventory(NEW, ({ second }) => second);
  const risks = ['pairs', 'lint', 'in-the-clear', 'failed-tests'].flatMap((risk) => ['--accept-risk', risk]);
  const ran = await fleet.run('apply', ...risks);
  fleet.host('d2').intercept = undefined;
  const lines = ran.stdout.split('\n');
  const broken = lines.filter((line) => line.includes(': BROKEN'));
  console.log(['link probes: what the run says', ...broken].join('\n'));
  const after = await Promise.all(FAULTS.map(({ ends }) => reaches(ends)));
  const rows = FAULTS.map(({ what, ends, called }, at) => ({
    what,
    ends: ends.join(' '),
    outcomes: ends.map((name) => outcomeOf(lines, name)).join(' '),
    'probes say': [
      ...new Set(broken.filter((line) => concerns(line, ends)).map((line) => /BROKEN, ([a-z-]+)/.exec(line)?.[1])),
    ].join(' '),
    wanted: called?.source ?? '',
    'they talk afterwards': after[at] ?? '',
  }));
  show('link probes', rows);
  if (ran.exit !== 3) console.log(ran.stdout.slice(-3000), ran.stderr);
  expect(ran.exit).toBe(3);
  for (const [at, { ends, called }] of FAULTS.entries()) {
    expect(rows[at]?.outcomes).toBe(called === undefined ? 'confirmed confirmed' : 'reverted reverted');
    const said = broken.filter((line) => concerns(line, ends));
    if (called === undefined) expect(said).toEqual([]);
    else expect(said.join('\n')).toMatch(called);
  }
  // The old state is back, and works.
  expect(after).toEqual(FAULTS.map(() => 'open'));
});

/** Its last word on a host. */
function outcomeOf(lines: readonly string[], host: string): string {
  const last = lines.filter((line) => line.startsWith(`${host}: `)).at(-1) ?? '';
  return /^\w+: (\w+)/.exec(last)?.[1] ?? '';
}

function concerns(line: string, ends: readonly string[]): boolean {
  return ends.some((name) => line.includes(` ${name} `) || line.startsWith(`${name} `));
}
