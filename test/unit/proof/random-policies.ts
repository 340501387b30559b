/** Random rules over a space so small that every packet in it can be tried. */

import type { Packet } from '../../../controller/model/packet.js';
import type { Action, Direction, Family, LoadedRule, Selector } from '../../../controller/model/policy.js';

export type Draw = (below: number) => number;

/** xorshift32: the same draws on every machine. */
export function draws(seed: number): Draw {
  let state = seed * 2654435761 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const BASE = { 4: 0x0a000000n, 6: 0xfd00n << 112n } as const;
const PORTS = [22, 80];

export function smallSpace(family: Family): readonly Packet[] {
  const packets: Packet[] = [];
  for (const local of [0n, 1n]) {
    for (const remote of [0n, 1n, 2n, 7n, 8n]) {
      const ends = { local: { family, value: BASE[family] + local }, remote: { family, value: BASE[family] + remote } };
      for (const protocol of [6, 17])
        for (const localPort of [22, 80, 9])
          for (const remotePort of [22, 9]) packets.push({ ...ends, protocol, localPort, remotePort });
      for (const icmpType of [3, 8]) packets.push({ ...ends, protocol: family === 4 ? 1 : 58, icmpType, icmpCode: 0 });
      packets.push({ ...ends, protocol: 47 });
    }
  }
  return packets;
}

const AES = { algorithm: 'aes-cbc', minBits: 128, maxBits: 256 };
const SHA = { algorithm: 'hmac-sha256', minBits: 256, maxBits: 256 };
const ESP: Action = { kind: 'protect', esp: { encr: AES, auth: SHA }, unique: false };
const NULL_ESP: Action = {
  kind: 'protect',
  esp: { encr: { algorithm: 'null', minBits: 0, maxBits: 0 }, auth: SHA },
  unique: false,
};
const AH: Action = { kind: 'protect', ah: SHA, unique: false };
const PASS: Action = { kind: 'bypass' };
const DROP: Action = { kind: 'discard' };
const ACTIONS: readonly (readonly Action[])[] = [
  [PASS],
  [DROP],
  [ESP],
  [NULL_ESP],
  [AH],
  [PASS, ESP],
  [ESP, PASS],
  [ESP, AH],
  [DROP, ESP],
];

export function randomRule(draw: Draw, family: Family, dir: Direction, index: number): LoadedRule {
  const maybe = <T>(value: () => T): T | undefined => (draw(2) === 0 ? value() : undefined);
  const width = family === 4 ? 32 : 128;
  const prefix = () => ({ address: { family, value: BASE[family] + BigInt(draw(9)) }, length: width - draw(4) });
  const protocol = maybe(() => [1, 6, 17, 47, 58][draw(5)] ?? 6);
  const ported = protocol === undefined || protocol === 6 || protocol === 17;
  const icmp = protocol === (family === 4 ? 1 : 58);
  const local = draw(4) === 0 ? prefix() : undefined;
  const remote = maybe(prefix);
  const localPort = ported ? maybe(() => PORTS[draw(2)] ?? 22) : undefined;
  const remotePort = ported && draw(4) === 0 ? 22 : undefined;
  const icmpType = icmp ? maybe(() => ({ from: draw(9), to: 8 })) : undefined;
  const selector: Selector = {
    family,
    ...(protocol !== undefined && { protocol }),
    ...(local && { local }),
    ...(remote && { remote }),
    ...(localPort !== undefined && { localPort }),
    ...(remotePort !== undefined && { remotePort }),
    ...(icmpType && { icmpType }),
  };
  const source = { line: index + 1, column: 1, text: '' };
  const actions = ACTIONS[draw(ACTIONS.length)] ?? [PASS];
  return { index, dir, family, priority: draw(6), selector, actions, text: `rule ${index}`, source };
}

export const showPacket = (packet: Packet): string =>
  JSON.stringify(packet, (_, value: unknown) => (typeof value === 'bigint' ? value.toString(16) : value));
