/**
 * Whether manual SAs carry what both ends' rules want protected: the SA that the sender takes, the same one at the
 * receiver, and the receiver's rule (illumos ip/spd.c, ip/sadb.c). Key lengths count on the way out only.
 */

import { formatAddress, sameAddress, type Address } from '../model/address.js';
import type { Arrival } from '../model/packet.js';
import type { Family, LoadedRule, Protection } from '../model/policy.js';
import { wantedBy } from '../policy/agree.js';
import { protectionsOf } from '../policy/match-flow.js';
import { suits, type SaKind } from '../policy/match-sa.js';
import { cutTraffic, meetTraffic, selectedTraffic, type Traffic } from '../policy/traffic.js';
import type { HostPicture } from './host-picture.js';
import type { PairFault, PairVerdict } from './pair-fault.js';
import type { FiledSa } from './sa-shelf.js';

/** Two ends of one way, and the rules under which packets leave and arrive. */
export interface Meeting {
  readonly sender: HostPicture;
  readonly receiver: HostPicture;
  readonly source: Address;
  readonly destination: Address;
  readonly leaves: LoadedRule;
  readonly arrives: LoadedRule;
}

export interface SaPart {
  readonly traffics: readonly Traffic[];
  /** The SAs that carry it, as the sender has them; empty when none does. */
  readonly sas: readonly FiledSa[];
  readonly fault?: PairFault;
}

/** SAs that suit the sender's rule, by the traffic each takes; `sas` is empty where one that is wanted is missing. */
export function carriage(meeting: Meeting, traffics: readonly Traffic[]): readonly SaPart[] {
  const alternatives = protectionsOf(meeting.leaves);
  const wanted = wantedBy(alternatives);
  const kinds: readonly SaKind[] = [...(wanted.esp ? (['esp'] as const) : []), ...(wanted.ah ? (['ah'] as const) : [])];
  let parts: readonly SaPart[] = [{ traffics, sas: [] }];
  for (const [count, kind] of kinds.entries()) {
    const fitting = meeting.sender.sas
      .between(meeting.source, meeting.destination)
      .filter((one) => one.kind === kind && alternatives.some((alternative) => suits(kind, one.sa, alternative)));
    parts = parts.flatMap((part) =>
      part.sas.length < count
        ? [part]
        : shared(part.traffics, fitting, meeting.source.family).map(({ traffics: some, sa }) => ({
            traffics: some,
            sas: sa === undefined ? [] : [...part.sas, sa],
          })),
    );
  }
  return parts.map((part) => (part.sas.length === 0 ? part : checked(meeting, part, alternatives)));
}

interface Share {
  readonly traffics: readonly Traffic[];
  readonly sa: FiledSa | undefined;
}

/** The first that agrees with a packet's ports and protocol takes it. */
function shared(traffics: readonly Traffic[], sas: readonly FiledSa[], family: Family): readonly Share[] {
  const shares: Share[] = [];
  let left = traffics;
  for (const sa of sas) {
    if (left.length === 0) break;
    const { binding } = sa.sa;
    if (binding === undefined) return [...shares, { traffics: left, sa }];
    const bound = selectedTraffic({
      family,
      ...(binding.protocol !== 0 && { protocol: binding.protocol }),
      ...(binding.localPort !== 0 && { localPort: binding.localPort }),
      ...(binding.remotePort !== 0 && { remotePort: binding.remotePort }),
    });
    const taken = left.flatMap((part) => bound.flatMap((box) => meetTraffic(part, box) ?? []));
    if (taken.length > 0) shares.push({ traffics: taken, sa });
    left = bound.reduce((parts, box) => parts.flatMap((part) => cutTraffic(part, box)), left);
  }
  return left.length === 0 ? shares : [...shares, { traffics: left, sa: undefined }];
}

const KEYS = '/etc/inet/secret/ipseckeys';

function checked(meeting: Meeting, part: SaPart, alternatives: readonly Protection[]): SaPart {
  const { sender, receiver, arrives } = meeting;
  const [first] = part.sas;
  for (const sa of part.sas) {
    const fault = counterpartFault(meeting, sa);
    if (fault !== undefined) return { ...part, fault };
  }
  const at = { sender: sender.place(KEYS, first?.line), receiver: receiver.place(KEYS, lineAt(receiver, first)) };
  if (!protectionsOf(arrives).some((alternative) => takes(alternative, arrivalOf(part.sas)))) {
    const what = `the SA that ${sender.name} sends with (${part.sas.map(saText).join(' and ')}) suits no alternative of the rule at ${receiver.name}`;
    const todo = 'give the SA algorithms that both ends’ rules name';
    return { ...part, fault: { verdict: 'no-common-algorithm', severity: 'error', what, todo, ...at } };
  }
  if (alternatives.some(({ unique }) => unique) && part.sas.every(({ sa }) => sa.binding === undefined)) {
    const what = `the rule at ${sender.name} wants an SA of its own for each flow (sa unique), and the key file has one: it serves the first flow only`;
    const todo = 'write sa shared with manual keys, or use IKE';
    return { ...part, fault: { verdict: 'missing-sa', severity: 'warning', what, todo, ...at } };
  }
  return part;
}

function lineAt(receiver: HostPicture, sa: FiledSa | undefined): number | undefined {
  return sa && receiver.sas.named(sa.kind, sa.sa.destination, sa.spi)[0]?.line;
}

/** What keeps the receiver from opening what the sender seals with this SA. */
function counterpartFault(meeting: Meeting, sa: FiledSa): PairFault | undefined {
  const { sender, receiver, source, destination } = meeting;
  const fault = (
    verdict: PairVerdict,
    what: string,
    todo: string,
    there: number | undefined,
    here = sa.line,
  ): PairFault => ({
    verdict,
    severity: 'error',
    what,
    todo,
    sender: sender.place(KEYS, here),
    receiver: receiver.place(KEYS, there),
  });
  const lines = receiver.sas.named(sa.kind, destination, sa.spi);
  const clash = unequalLines(lines);
  if (clash !== undefined) {
    const what = `${receiver.name} has the ${nameOf(sa)} on lines ${clash.join(' and ')} for two different SAs, and takes only the first`;
    return fault('spi-clash', what, 'give one of them another SPI, at both of its ends', clash[1]);
  }
  const own = unequalLines(sender.sas.named(sa.kind, destination, sa.spi));
  if (own !== undefined) {
    const what = `${sender.name} has the ${nameOf(sa)} on lines ${own.join(' and ')} for two different SAs, and takes only the first`;
    return fault('spi-clash', what, 'give one of them another SPI, at both of its ends', lines[0]?.line, own[1]);
  }
  const [there] = lines;
  if (there === undefined) {
    const others = receiver.sas.between(source, destination).filter(({ kind }) => kind === sa.kind);
    const instead =
      others.length === 0 ? '' : `; it has ${others.map(({ spi }) => `SPI 0x${spi.toString(16)}`).join(', ')}`;
    const what = `${sender.name} sends with the ${nameOf(sa)}, and the key file of ${receiver.name} does not have it${instead}`;
    return fault('missing-sa', what, 'put the same line into both key files', others[0]?.line);
  }
  const theirs = there.sa.source;
  if (theirs !== undefined && sa.sa.source !== undefined && !sameAddress(theirs, sa.sa.source)) {
    const what = `${receiver.name} has the ${nameOf(sa)} for what comes from ${formatAddress(theirs)}, and ${sender.name} for what it sends itself`;
    return fault('spi-clash', what, 'give one of them another SPI, at both of its ends', there.line);
  }
  const differing = difference(sa, there);
  if (differing === undefined) return undefined;
  const what = `${sender.name} and ${receiver.name} have other ${differing} for the ${nameOf(sa)}`;
  return fault('key-mismatch', what, 'put the same line into both key files', there.line);
}

function nameOf({ kind, spi, sa }: FiledSa): string {
  return `${kind} SA with SPI 0x${spi.toString(16)} to ${formatAddress(sa.destination)}`;
}

/** The first two lines for one SPI that do not say the same. */
function unequalLines(lines: readonly FiledSa[]): readonly [number, number] | undefined {
  const [first, ...rest] = lines;
  if (first === undefined) return undefined;
  const other = rest.find((one) => {
    const [a, b] = [first.sa.source, one.sa.source];
    const sameSource = a === undefined || b === undefined ? a === b : sameAddress(a, b);
    return !sameSource || difference(first, one) !== undefined;
  });
  return other && [first.line, other.line];
}

/** What of two SAs differs, in words that go after "other"; never a key. */
function difference(a: FiledSa, b: FiledSa): string | undefined {
  if (saText(a) !== saText(b)) return `algorithms (${saText(a)} and ${saText(b)})`;
  if (JSON.stringify(a.sa.binding) !== JSON.stringify(b.sa.binding)) return 'ports or protocols';
  const [encr, auth] = [a.keys[0] !== b.keys[0], a.keys[1] !== b.keys[1]];
  if (encr && auth) return 'keys';
  if (encr) return 'encryption keys';
  return auth ? 'integrity keys' : undefined;
}

/** `aes-cbc(256) with hmac-sha256` */
export function saText({ sa: { esp, ah } }: FiledSa): string {
  if (ah !== undefined) return `AH ${ah.auth}`;
  if (esp === undefined) return '';
  const cipher = esp.bits === 0 ? esp.encr : `${esp.encr}(${esp.bits})`;
  return esp.auth === undefined ? cipher : `${cipher} with ${esp.auth}`;
}

type Protected = Extract<Arrival, { kind: 'protected' }>;

function arrivalOf(sas: readonly FiledSa[]): Protected {
  const esp = sas.find(({ kind }) => kind === 'esp')?.sa.esp;
  const ah = sas.find(({ kind }) => kind === 'ah')?.sa.ah;
  return {
    kind: 'protected',
    ...(esp && { esp: { encr: esp.encr, ...(esp.auth !== undefined && { auth: esp.auth }) } }),
    ...(ah && { ah: ah.auth }),
  };
}

/** More than asked for is refused like less; ICMP that may lack a half is not excused here. */
function takes({ ah, esp }: Protection, arrival: Protected): boolean {
  if (ah?.algorithm !== arrival.ah) return false;
  if (esp === undefined || arrival.esp === undefined) return esp === arrival.esp;
  if (esp.encr.algorithm !== arrival.esp.encr || (esp.sealed && arrival.esp.auth !== undefined)) return false;
  return esp.auth === undefined || esp.auth.algorithm === arrival.esp.auth;
}
