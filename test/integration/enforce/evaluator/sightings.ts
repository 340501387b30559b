/**
 * What each host sends past its filter and lets in past it, noted by a table of the test's own behind the product's: no packet
 * has to be waited for, and what was refused is told from what is late.
 */

import type { ProbedHost } from './pair-of-hosts.js';

/** A packet that went out: clear, or with a tag. */
export interface Sighting {
  readonly protocol: number;
  readonly dscp4: number;
  readonly dscp6: number;
  /** Ports; of ICMP type and code, then the checksum. */
  readonly first: number;
  readonly second: number;
  /** IPv4: identification; IPv6: flow label. */
  readonly label4: number;
  readonly label6: number;
}

export interface Sightings {
  /** By ports; of ICMP by type and code, and by the word that names the message. */
  find(first: number, second: number): readonly Sighting[];
  findMessage(typeAndCode: number, word: number): readonly Sighting[];
}

/** nft lists only sets of types that it knows the width of, so parts of headers go through the mark. */
function watchChain(hook: 'input' | 'output'): string {
  return `
  set tag_${hook} { type inet_proto . dscp . inet_service . inet_service . mark; flags dynamic; size 65535; }
  set word_${hook} { type inet_service . inet_service . mark; flags dynamic; size 65535; }
  chain ${hook} { type filter hook ${hook} priority 300;
    meta nfproto ipv4 meta mark set @nh,32,32 add @tag_${hook} { ip protocol . ip dscp . th sport . th dport . meta mark }
    meta nfproto ipv6 meta mark set @nh,0,32 add @tag_${hook} { ip6 nexthdr . ip6 dscp . th sport . th dport . meta mark }
    meta mark set @th,32,32 add @word_${hook} { th sport . th dport . meta mark }
    meta nfproto ipv4 th sport 0x300-0x3ff meta mark set @th,224,32 add @word_${hook} { th sport . th dport . meta mark }
    meta nfproto ipv6 th sport 0x100-0x1ff meta mark set @th,384,32 add @word_${hook} { th sport . th dport . meta mark }
  }`;
}

export async function watch(host: ProbedHost): Promise<void> {
  await host.nft(['-f', '-'], `table inet seen {${watchChain('input')}${watchChain('output')}\n}\n`);
}

/** What makes a host forget what it saw, for \`nft -f\`. */
export const FORGET = ['tag_input', 'word_input', 'tag_output', 'word_output']
  .map((set) => `flush set inet seen ${set}\n`)
  .join('');

/** What the host has let in and sent since it forgot. */
export async function seen(host: ProbedHost): Promise<Readonly<Record<'in' | 'out', Sightings>>> {
  const found = readElements(await host.nft(['-jn', 'list', 'table', 'inet', 'seen']));
  const of = (hook: string): Sightings => sightings(found.get(`tag_${hook}`) ?? [], found.get(`word_${hook}`) ?? []);
  return { in: of('input'), out: of('output') };
}

type Elements = readonly (readonly number[])[];

function sightings(tagElements: Elements, wordElements: Elements): Sightings {
  const tags = tagElements.map(([protocol = 0, dscp4 = 0, first = 0, second = 0, mark = 0]): Sighting => {
    const word = swapped(mark);
    return { protocol, first, second, dscp4, dscp6: (word >>> 22) & 0x3f, label4: word >>> 16, label6: word & 0xfffff };
  });
  const words = wordElements.map(([first = 0, second = 0, mark = 0]) => ({
    first,
    second,
    word: swapped(mark),
  }));
  const byPorts = new Map<number, Sighting[]>();
  for (const tag of tags) {
    const key = tag.first * 65_536 + tag.second;
    byPorts.set(key, [...(byPorts.get(key) ?? []), tag]);
  }
  const find = (first: number, second: number): readonly Sighting[] => byPorts.get(first * 65_536 + second) ?? [];
  return {
    find,
    findMessage: (typeAndCode, word) =>
      words
        .filter((one) => one.first === typeAndCode && one.word === word)
        .flatMap((one) => find(one.first, one.second)),
  };
}

/** A mark is printed as this machine reads it, lowest byte first. */
function swapped(mark: number): number {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(mark);
  return bytes.readUInt32BE();
}

interface SetElements {
  readonly set?: { readonly name: string; readonly elem?: readonly { readonly concat: readonly number[] }[] };
}

function readElements(text: string): ReadonlyMap<string, Elements> {
  const { nftables }: { nftables: readonly SetElements[] } = JSON.parse(text);
  return new Map(
    nftables.flatMap(({ set }) =>
      set === undefined ? [] : [[set.name, (set.elem ?? []).map(({ concat }) => concat)]],
    ),
  );
}
