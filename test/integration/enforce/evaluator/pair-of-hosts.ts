/** Two network namespaces with a wire between them, each held by its prober: when that ends, nothing is left. */

import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { NftFilter } from '../../../../controller/lab/enforce/filter/nft-filter.js';

export interface ProbedHost {
  readonly filter: NftFilter;
  /** Goes before what the filter gives to nft, in the same transaction. */
  before: string;
  nft(args: readonly string[], stdin?: string): Promise<string>;
  /** Gives the prober its orders; resolves when it has carried them out. */
  probe(orders: readonly string[]): Promise<void>;
  inside(command: string): Promise<string>;
  /** A program in the host that goes on; the caller ends it. */
  start(program: string, args: readonly string[]): ChildProcess;
}

export interface PairOfHosts extends AsyncDisposable {
  readonly a: ProbedHost;
  readonly b: ProbedHost;
}

export async function pairOfHosts(addresses: {
  readonly a: readonly string[];
  readonly b: readonly string[];
}): Promise<PairOfHosts> {
  const children = [startProber(), startProber()] as const;
  const [a, b] = children.map(probedHost);
  if (a === undefined || b === undefined) throw new Error('two hosts');
  const [, pidB] = children.map(({ pid }) => pid);
  // Once each has answered, its namespace is there.
  await Promise.all([a.probe([]), b.probe([])]);
  await a.inside(`ip link add wire type veth peer name wire netns ${pidB ?? 0}`);
  await Promise.all([
    setUp(a, { own: addresses.a, peer: addresses.b, mac: MACS.a, peerMac: MACS.b }),
    setUp(b, { own: addresses.b, peer: addresses.a, mac: MACS.b, peerMac: MACS.a }),
  ]);
  return {
    a,
    b,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(
        children.map(async (child) => {
          const ended = new Promise((resolve) => child.once('exit', resolve));
          child.kill('SIGKILL');
          await ended;
        }),
      );
    },
  };
}

function startProber(): ChildProcess {
  const script = fileURLToPath(new URL('prober.pl', import.meta.url));
  return spawn('unshare', ['--net', 'perl', script], { stdio: ['pipe', 'pipe', 'inherit'] });
}

const MACS = { a: '02:00:00:00:00:0a', b: '02:00:00:00:00:0b' };

interface Ends {
  /** With prefix lengths. */
  readonly own: readonly string[];
  readonly peer: readonly string[];
  readonly mac: string;
  readonly peerMac: string;
}

/** Neighbours are known beforehand: a new interface needs up to a second until it answers for its addresses. */
async function setUp(host: ProbedHost, { own, peer, mac, peerMac }: Ends): Promise<void> {
  const settings = [
    'net.ipv4.icmp_ratelimit=0',
    'net.ipv6.icmp.ratelimit=0',
    'net.ipv4.icmp_msgs_per_sec=100000',
    'net.ipv4.icmp_msgs_burst=100000',
    'net.netfilter.nf_conntrack_tcp_loose=0',
  ];
  const bare = (one: string): string => one.replace(/\/.*/, '');
  await host.inside(
    [
      'ip link set lo up',
      `ip link set wire address ${mac} gso_max_segs 1`,
      ...own.map((one) => `ip addr add ${one} dev wire${one.includes(':') ? ' nodad' : ''}`),
      'ip link set wire up',
      ...peer.map((one) => `ip neigh replace ${bare(one)} lladdr ${peerMac} dev wire nud permanent`),
      `sysctl -q -w ${settings.join(' ')}`,
    ].join(' && '),
  );
}

function probedHost(child: ChildProcess): ProbedHost {
  const { stdin, stdout, pid } = child;
  if (stdin === null || stdout === null || pid === undefined) throw new Error('the prober did not start');
  const waiting: (() => void)[] = [];
  createInterface({ input: stdout }).on('line', () => waiting.shift()?.());
  const enter = ['-t', String(pid), '-n'];
  const nft = (args: readonly string[], text = ''): Promise<string> => run('nsenter', [...enter, 'nft', ...args], text);
  const flushed = { before: '' };
  const filter = new NftFilter((args, text) => nft(args, text && flushed.before + text));
  return Object.assign(flushed, {
    nft,
    filter,
    probe: (orders: readonly string[]) =>
      new Promise<void>((resolve) => {
        waiting.push(resolve);
        stdin.write([...orders, 'sync', ''].join('\n'));
      }),
    start: (program: string, args: readonly string[]) =>
      spawn('nsenter', [...enter, program, ...args], { stdio: 'ignore' }),
    inside: (command: string) => run('nsenter', [...enter, 'sh', '-c', command], ''),
  });
}

function run(program: string, args: readonly string[], stdin: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, { maxBuffer: 1 << 28 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(stderr === '' ? error.message : stderr));
    });
    // A program that ends without reading says why by its status.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(stdin);
  });
}
