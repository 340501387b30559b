/** A box of packets as a plan file carries it: ranges as text, exact. */

import { formatAddress } from '../model/address.js';
import type { Family, NumberRange } from '../model/policy.js';
import { everyAddress, type AddressRange, type Region } from '../policy/region.js';
import { ALL_BYTES, ALL_PORTS, isEveryProtocol, protocolsOf, type Traffic } from '../policy/traffic.js';

/** Ranges as `from-to`; what is left out is everything. */
export interface FlowRegion {
  readonly family: Family;
  readonly local?: string;
  readonly remote?: string;
  readonly protocols?: string;
  readonly localPorts?: string;
  readonly remotePorts?: string;
  readonly icmpTypes?: string;
  readonly icmpCodes?: string;
}

/** Ranges and traffic that several boxes share are written once. */
export function flowRegions(regions: readonly Region[]): readonly FlowRegion[] {
  const addresses = new Map<AddressRange, string | undefined>();
  const addressOf = (range: AddressRange, family: Family): string | undefined => {
    if (!addresses.has(range)) addresses.set(range, isWhole(range, family) ? undefined : addressText(range, family));
    return addresses.get(range);
  };
  const traffics = new Map<Traffic, TrafficWords>();
  return regions.map((region): FlowRegion => {
    const { family, traffic } = region;
    const [local, remote] = [addressOf(region.local, family), addressOf(region.remote, family)];
    const words = traffics.get(traffic) ?? trafficWords(traffic, family);
    traffics.set(traffic, words);
    return { family, ...(local !== undefined && { local }), ...(remote !== undefined && { remote }), ...words };
  });
}

type TrafficWords = Omit<FlowRegion, 'family' | 'local' | 'remote'>;

function trafficWords(traffic: Traffic, family: Family): TrafficWords {
  const protocols =
    isEveryProtocol(traffic, family) && traffic.kind === 'other' ? 'others' : runs(protocolsOf(traffic, family));
  switch (traffic.kind) {
    case 'ports':
      return {
        protocols,
        ...(isAll(traffic.local, ALL_PORTS) ? {} : { localPorts: rangeText(traffic.local) }),
        ...(isAll(traffic.remote, ALL_PORTS) ? {} : { remotePorts: rangeText(traffic.remote) }),
      };
    case 'icmp':
      return {
        protocols,
        ...(isAll(traffic.type, ALL_BYTES) ? {} : { icmpTypes: rangeText(traffic.type) }),
        ...(isAll(traffic.code, ALL_BYTES) ? {} : { icmpCodes: rangeText(traffic.code) }),
      };
    case 'other':
      return { protocols };
  }
}

function isWhole(range: AddressRange, family: Family): boolean {
  const whole = everyAddress(family);
  return range.from === whole.from && range.to === whole.to;
}

function addressText({ from, to }: AddressRange, family: Family): string {
  const [first, last] = [from, to].map((value) => formatAddress({ family, value }));
  return from === to ? `${first}` : `${first}-${last}`;
}

function rangeText({ from, to }: NumberRange): string {
  return from === to ? String(from) : `${from}-${to}`;
}

/** `6,17` or `0-5,7-255`. */
function runs(numbers: readonly number[]): string {
  const ranges = numbers.reduce<NumberRange[]>((done, number) => {
    const last = done.at(-1);
    return last?.to === number - 1
      ? [...done.slice(0, -1), { from: last.from, to: number }]
      : [...done, { from: number, to: number }];
  }, []);
  return ranges.map(rangeText).join(',');
}

function isAll({ from, to }: NumberRange, all: NumberRange): boolean {
  return from === all.from && to === all.to;
}
