import { expect, test } from 'vitest';
import { parseAddress, type Address } from '../../../controller/model/address.js';
import { IkeNetwork } from '../../../controller/lab/ike-network.js';
import type { MachineSetup } from '../../../controller/lab/machine.js';
import type { KernelState, PacketFilter, SaUse } from '../../../controller/lab/packet-filter.js';
import { PlainWire } from '../../../controller/lab/plain-wire.js';
import { hostRules } from '../../../controller/policy/spd.js';
import { testMachine, type TestMachine } from './test-machine.js';

const A = '10.0.0.1';
const B = '10.0.0.2';

const config = (local: string, remote: string, more = 'p2_lifetime_secs 1000'): string => `{ label "to ${remote}"
  local_addr ${local}
  remote_addr ${remote}
  p1_xform { auth_method preshared oakley_group 14 auth_alg sha256 encr_alg aes(256) }
  ${more} }
`;

const psk = (local: string, remote: string, key = '00112233445566778899aabbccddeeff'): string =>
  `{ localidtype IP localid ${local} remoteidtype IP remoteid ${remote} key ${key} }\n`;

const POLICY = (remote: string, algorithms = 'encr_algs aes(256) encr_auth_algs sha256'): string =>
  `{lport 22 ulp tcp dir both} bypass {}\n{raddr ${remote}} ipsec {${algorithms} sa shared}\n`;

const address = (text: string): Address => parseAddress(text) ?? { family: 4, value: 0n };

interface Told {
  readonly policy?: string;
  readonly psk?: string;
  readonly config?: string;
}

async function host(own: string, remote: string, more: Partial<MachineSetup>, told: Told = {}): Promise<TestMachine> {
  const machine = testMachine(undefined, { addresses: [address(own)], ...more });
  machine.files
    .put('/host/etc/inet/ike/config', told.config ?? config(own, remote), 0o644)
    .put('/host/etc/inet/secret/ike.preshared', told.psk ?? psk(own, remote), 0o600)
    .put('/host/etc/inet/ipsecinit.conf', told.policy ?? POLICY(remote), 0o644);
  await machine.machine.boot();
  await machine.run('ipsecconf -a /host/etc/inet/ipsecinit.conf');
  await machine.run('svcadm enable -s ike');
  return machine;
}

async function pair(here: Told = {}, there: Told = {}): Promise<{ a: TestMachine; b: TestMachine; wire: PlainWire }> {
  const wire = new PlainWire();
  const setup = { wire, ike: wire.ike };
  return { a: await host(A, B, setup, here), b: await host(B, A, setup, there), wire };
}

/** A load is slow enough to be overtaken, if anything could. */
class WatchedFilter implements PacketFilter {
  readonly loads: KernelState[] = [];
  broken = false;
  async load(state: KernelState): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    if (this.broken) throw new Error('no such table');
    this.loads.push(state);
  }
  uses(): Promise<ReadonlyMap<string, SaUse>> {
    return Promise.resolve(new Map());
  }
}

async function enforced(
  here: Told = {},
  there: Told = {},
): Promise<{ a: TestMachine; b: TestMachine; filter: WatchedFilter }> {
  const ike = new IkeNetwork({ isEager: true });
  const filter = new WatchedFilter();
  return {
    a: await host(A, B, { ike, filter }, here),
    b: await host(B, A, { ike, filter: new WatchedFilter() }, there),
    filter,
  };
}

const spis = async (machine: TestMachine): Promise<string[]> =>
  [...(await machine.run('ipseckey -n save all')).stdout.matchAll(/spi (0x[0-9a-f]+)/g)]
    .map(([, spi = '']) => spi)
    .sort();

const probe = async (from: TestMachine, to: string, port: number): Promise<string> => {
  const { exit, stderr } = await from.run(`nc -v -n -z -w 2 ${to} ${port}`);
  return exit === 0 ? 'open' : /refused/.test(stderr) ? 'closed' : 'silent';
};

/** A try that nothing answers waits for the clock. */
async function silent(machine: TestMachine, work: Promise<string>): Promise<string> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  await machine.advance(2);
  return work;
}

test('traffic that must be protected has the daemons negotiate, and is counted at both ends', async () => {
  const { a, b } = await pair();
  expect(await spis(a)).toEqual([]);
  expect(await probe(a, B, 80)).toBe('closed');
  const found = await spis(a);
  expect(found).toHaveLength(2);
  expect(await spis(b)).toEqual(found);
  for (const machine of [a, b]) {
    const { stdout } = await machine.run('ipseckey -n -p dump');
    expect(stdout.match(/CLT: 40 bytes protected, 0 allocations used\./g)).toHaveLength(2);
    expect(stdout.match(/CLT: SA first used at time/g)).toHaveLength(2);
    expect(stdout.match(/flags=0x[0-9a-f]+ < X_USED X_PAIRED X_(OUT|IN)BOUND >/g)).toHaveLength(2);
    expect(stdout).toMatch(/KMC: Protocol 1, cookie="to 10\.0\.0\.\d" \(1\)/);
  }
  expect((await a.run('ikeadm dump p1')).stdout).toContain('The local host is the initiator.');
  expect((await b.run('ikeadm dump p1')).stdout).toContain('The local host is the responder.');
  // More packets take the SAs that are there.
  await probe(b, A, 80);
  expect(await spis(a)).toEqual(found);
});

test('clear traffic that a rule lets through needs no SA', async () => {
  const { a, b } = await pair({ policy: '{rport 22 ulp tcp dir both} bypass {}\n' });
  expect(await probe(a, B, 22)).toBe('open');
  expect(await silent(a, probe(a, B, 80))).toBe('silent');
  // The kernel answers echo requests whatever its policy.
  expect((await a.run(`ping ${B} 2`)).stdout).toBe(`${B} is alive\n`);
  const other = b.run(`ping ${A} 2`).then(({ stdout }) => stdout);
  expect(await silent(b, other)).toBe(`no answer from ${A}\n`);
});

test.each([
  ['another key', { psk: psk(B, A, 'ffeeddccbbaa99887766554433221100') }],
  ['identities that are not turned round', { psk: psk(A, B) }],
  ['no rule for this peer', { config: config(B, '10.0.0.9') }],
  ['another algorithm', { policy: POLICY(A, 'encr_algs 3des encr_auth_algs sha256') }],
  ['another key length', { policy: POLICY(A, 'encr_algs aes(128) encr_auth_algs sha256') }],
])('with %s at the other end there are no SAs, and nothing gets through', async (_, there) => {
  const { a, b } = await pair({}, there);
  expect(await silent(a, probe(a, B, 80))).toBe('silent');
  expect(await spis(a)).toEqual([]);
  expect(await spis(b)).toEqual([]);
});

test('SAs outlive the daemon; one that starts with another key negotiates no more', async () => {
  const { a, b } = await pair();
  await probe(a, B, 80);
  const found = await spis(a);
  b.files.put('/host/etc/inet/secret/ike.preshared', psk(B, A, 'ffeeddccbbaa99887766554433221100'), 0o600);
  await b.run('svcadm restart -s ike');
  expect(await probe(a, B, 80)).toBe('closed');
  expect(await spis(b)).toEqual(found);
  await a.run('ipseckey flush');
  expect(await silent(a, probe(a, B, 80))).toBe('silent');
  expect(await spis(a)).toEqual([]);
  expect((await a.run('ikeadm get stats')).stdout).toMatch(/Failed: +initiator: +1 /);
});

test('an SA that its daemon deletes goes at the other end as well', async () => {
  const { a, b } = await pair();
  await probe(a, B, 80);
  const spi = [...a.machine.sad.values()].find((sa) => sa.outbound)?.spi ?? 0;
  await a.run(`ipseckey delete esp spi 0x${spi.toString(16)} dst ${B}`);
  expect(await spis(b)).not.toContain(`0x${spi.toString(16)}`);
  expect(await spis(b)).toHaveLength(1);
});

test('SAs come to their end: idle ones go, worn ones are negotiated anew while they last', async () => {
  const { a, b } = await pair();
  await probe(a, B, 80);
  const first = await spis(a);
  for (const seconds of [450, 450]) {
    await a.advance(seconds);
    await b.advance(seconds);
    await probe(a, B, 80);
  }
  const second = await spis(a);
  expect(second).toHaveLength(4);
  expect(second).toEqual(expect.arrayContaining(first));
  expect((await a.run('ipseckey dump')).stdout).toContain('state=DYING');
  await a.advance(200);
  await b.advance(200);
  expect((await spis(a)).filter((spi) => first.includes(spi))).toEqual([]);
  await a.advance(500);
  expect(await spis(a)).toEqual([]);
});

test('where packets cannot ask, SAs are there as soon as both ends want them', async () => {
  const { a, b, filter } = await enforced();
  const found = await spis(a);
  expect(found).toHaveLength(2);
  expect(await spis(b)).toEqual(found);
  expect(filter.loads.at(-1)?.sad).toBe(a.machine.sad);
  await b.run('ipseckey flush');
  expect(await spis(b)).toHaveLength(2);
  await a.run('ipseckey flush');
  await b.run('svcadm disable -s ike');
  await a.run('ipseckey flush');
  expect(await spis(a)).toEqual([]);
  await b.run('svcadm enable -s ike');
  expect(await spis(a)).toHaveLength(2);
});

test('a worn SA is negotiated anew without anybody asking', async () => {
  const busy = (local: string, remote: string): Told => ({ config: `p2_idletime_secs 5000\n${config(local, remote)}` });
  const { a, b } = await enforced(busy(A, B), busy(B, A));
  const first = await spis(a);
  await b.advance(895);
  await a.advance(895);
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(await spis(a)).toHaveLength(4);
  expect(await spis(a)).toEqual(expect.arrayContaining(first));
});

test('a daemon out of step tells of phase 1, lets the kernel be without SAs, and is mended by a restart', async () => {
  const { a, b } = await enforced();
  a.machine.faults.place({ tool: 'ikeadm', fault: { kind: 'out-of-step', lost: 'in' } });
  expect(await spis(a)).toHaveLength(1);
  await b.run('ipseckey flush');
  await a.run('ipseckey flush');
  expect(await spis(a)).toEqual([]);
  expect((await a.run('ikeadm -n dump p1')).stdout).toContain(`REMIP: AF_INET: port 500, ${B}.`);
  await a.run('svcadm restart -s ike');
  expect(await spis(a)).toHaveLength(2);
  expect(await spis(b)).toEqual(await spis(a));
});

test('nobody is answered before packets are treated so; what cannot be loaded fails loudly', async () => {
  const { a, filter } = await enforced();
  await a.run('ipsecconf -F');
  expect(filter.loads.at(-1)?.spd).toBe(a.machine.spd);
  filter.broken = true;
  const reply = await a.run('ipsecconf -a /host/etc/inet/ipsecinit.conf');
  expect(reply.exit).toBe(126);
  expect(reply.stderr).toContain('the lab could not carry this out: no such table');
  filter.broken = false;
  const loads = filter.loads.length;
  a.machine.powerCut();
  expect(filter.loads).toHaveLength(loads);
  await a.machine.boot();
  expect(filter.loads[loads]?.sad.size).toBe(0);
  await a.run('ipsecconf -F');
  a.machine.faults.place({ tool: 'ipsecconf', fault: { kind: 'lie' } });
  expect((await a.run('ipsecconf -a /host/etc/inet/ipsecinit.conf')).exit).toBe(0);
  expect(filter.loads.at(-1)?.spd).toBe(a.machine.spd);
  expect(hostRules(a.machine.spd)).toEqual([]);
});

test('a host that is off, cut off or not of the lab is silent', async () => {
  const { a, b, wire } = await pair({ policy: '# nothing\n' }, { policy: '# nothing\n' });
  wire.listen(address(B), [80]);
  expect(await probe(a, B, 80)).toBe('open');
  expect(await probe(a, B, 443)).toBe('closed');
  wire.setCut(address(B), true);
  expect(await silent(a, probe(a, B, 80))).toBe('silent');
  wire.setCut(address(B), false);
  expect((await a.run(`ping ${B}`)).exit).toBe(0);
  b.machine.powerCut();
  expect(await silent(a, probe(a, B, 80))).toBe('silent');
  expect(await silent(a, probe(a, '192.0.2.77', 22))).toBe('silent');
  expect((await a.run('ping -q -c 1 -W 2 10.0.0.2')).stderr).toContain('illegal option -- q');
  expect((await a.run('ping nobody')).stderr).toBe('ping: unknown host nobody\n');
});
