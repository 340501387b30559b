/** What a proof saw, as short tables on stdout, and the questions that proofs put to a capture. */

import type { WireKind, WirePacket } from './pcap.js';

export type Row = Readonly<Record<string, string | number>>;

/** Prints rows in columns under a heading. */
export function show(heading: string, rows: readonly Row[]): void {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cells = [names, ...rows.map((row) => names.map((name) => String(row[name] ?? '')))];
  const widths = names.map((_, column) => Math.max(...cells.map((line) => (line[column] ?? '').length)));
  const lines = cells.map((line) => `  ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`);
  console.log([heading, ...lines.map((line) => line.trimEnd())].join('\n'));
}

/** Packets of these two, either way. */
export function between(packets: readonly WirePacket[], a: readonly string[], b: readonly string[]): WirePacket[] {
  return packets.filter(({ from, to }) => (a.includes(from) && b.includes(to)) || (b.includes(from) && a.includes(to)));
}

export function ofKind(packets: readonly WirePacket[], kind: WireKind): WirePacket[] {
  return packets.filter((packet) => packet.kind === kind);
}

/** Counted by kind, in one row. */
export function byKind(packets: readonly WirePacket[]): Row {
  const row: Record<string, number> = {};
  for (const kind of ['esp', 'ah', 'clear', 'ike'] as const) {
    const some = ofKind(packets, kind);
    row[kind] = some.length;
    row[`${kind} bytes`] = some.reduce((sum, { bytes }) => sum + bytes, 0);
  }
  return row;
}

/** What of these is in the clear, for an expectation that it is nothing: a line a flow, and not too many. */
export function inTheClear(packets: readonly WirePacket[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const packet of ofKind(packets, 'clear'))
    counts.set(packetText(packet), (counts.get(packetText(packet)) ?? 0) + 1);
  return [...counts].slice(0, 10).map(([text, count]) => `${count} × ${text}`);
}

function packetText({ from, to, protocol, fromPort, toPort }: WirePacket): string {
  const port = (number: number | undefined): string => (number === undefined ? '' : `:${number}`);
  return `${from}${port(fromPort)} > ${to}${port(toPort)} protocol ${protocol}`;
}
