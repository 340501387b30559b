/** The SAs of one key file, as the kernel would file them: what each is, which line wrote it, and which keys it has by name. */

import { sameAddress, type Address } from '../model/address.js';
import type { OutboundSa, SaBinding } from '../model/packet.js';
import { SA_TYPE, type SaMessage } from '../model/sa.js';
import type { Secret } from '../model/secret.js';
import { checkEnvelope, checkNewSa, fixAddresses } from '../keys/kernel/sad-checks.js';
import type { KeyFile } from '../keys/parse-ipseckeys.js';
import type { SaRequest } from '../keys/parse-sa-draft.js';
import { algorithmNumbered } from '../policy/algorithms.js';
import type { SaKind } from '../policy/match-sa.js';

/** What tells two keys apart without telling what they are: equal names, equal keys. */
export type NameKey = (key: Secret) => string;

export interface FiledSa {
  readonly kind: SaKind;
  readonly spi: number;
  /** As the evaluator takes it: algorithms by name, key lengths without a salt, ports and protocol of its own. */
  readonly sa: OutboundSa;
  /** Names of its keys: encryption, integrity. */
  readonly keys: readonly [string | undefined, string | undefined];
  readonly line: number;
}

export interface SaShelf {
  /** SAs that packets between the two may take, first come first: of this source before any source, the newest first. */
  between(source: Address, destination: Address): readonly FiledSa[];
  /** Every line for this SPI; the kernel files the first and refuses the others. */
  named(kind: SaKind, destination: Address, spi: number): readonly FiledSa[];
}

export const NO_SAS: SaShelf = { between: () => [], named: () => [] };

/** `local` are the host's own addresses. Lines that the tool or the kernel refuses are not there; nor are tunnel-mode SAs. */
export function shelveSas({ commands }: KeyFile, local: readonly Address[], nameKey: NameKey): SaShelf {
  let found: FiledSa[] = [];
  for (const { command, line } of commands) {
    if (command.kind === 'flush') found = flushed(found, command.type & 0xff);
    if (command.kind !== 'request' || command.request.command !== 'add') continue;
    for (const destination of command.request.dst.addresses) {
      const message = messageOf(command.request, destination);
      const kept = accepts(message, local) ? filedSa(message, line, nameKey) : undefined;
      if (kept !== undefined) found.push(kept);
    }
  }
  return shelve(found);
}

function flushed(found: FiledSa[], type: number): FiledSa[] {
  return found.filter(({ kind }) => type !== SA_TYPE.all && type !== SA_TYPE[kind]);
}

function messageOf({ message, src, srcPort, dstPort }: SaRequest, destination: Address): SaMessage {
  const sources = src?.addresses.filter(({ family }) => family === destination.family) ?? [];
  // A source name of several addresses counts as none.
  const [source] = sources.length === 1 ? sources : [];
  const address = source ?? { family: destination.family, value: 0n };
  return { ...message, src: { address, port: srcPort }, dst: { address: destination, port: dstPort } };
}

function accepts(message: SaMessage, local: readonly Address[]): boolean {
  if (checkEnvelope(message) !== undefined) return false;
  return typeof fixAddresses(message, local) !== 'number' && typeof checkNewSa(message) !== 'number';
}

function filedSa(message: SaMessage, line: number, nameKey: NameKey): FiledSa | undefined {
  const { spi, src, dst, authKey, encrKey, inner } = message;
  if (inner !== undefined) return undefined;
  const cipher = algorithmNumbered('encr', message.encr);
  const integrity = algorithmNumbered('auth', message.auth);
  const authBits = authKey?.bits ?? 0;
  const common = {
    ...(src.address.value !== 0n && { source: src.address }),
    destination: dst.address,
    used: false,
    ...bindingOf(message),
  };
  const keys = [encrKey && nameKey(encrKey.secret), authKey && nameKey(authKey.secret)] as const;
  if (message.type === SA_TYPE.ah) {
    if (integrity === undefined) return undefined;
    return { kind: 'ah', spi, sa: { ...common, ah: { auth: integrity.name, bits: authBits } }, keys, line };
  }
  if (cipher === undefined) return undefined;
  const bits = encrKey === undefined ? 0 : encrKey.bits - encrKey.reservedBits - cipher.saltBits;
  const esp = { encr: cipher.name, bits, ...(integrity && { auth: integrity.name, authBits }) };
  return { kind: 'esp', spi, sa: { ...common, esp }, keys, line };
}

/** Ports as the sender has them: its own is the source's. */
function bindingOf({ src, dst, protocol }: SaMessage): { readonly binding?: SaBinding } {
  if (src.port === 0 && dst.port === 0 && protocol === 0) return {};
  return { binding: { localPort: src.port, remotePort: dst.port, protocol } };
}

function shelve(all: readonly FiledSa[]): SaShelf {
  const names = new Map<string, FiledSa[]>();
  const towards = new Map<string, FiledSa[]>();
  const add = (map: Map<string, FiledSa[]>, key: string, sa: FiledSa): readonly FiledSa[] => {
    const known = map.get(key) ?? [];
    map.set(key, known);
    known.push(sa);
    return known;
  };
  for (const one of all) {
    const key = addressKey(one.sa.destination);
    if (add(names, `${one.kind} ${key} ${one.spi}`, one).length === 1) add(towards, key, one);
  }
  return {
    between: (source, destination) => {
      const newest = towards.get(addressKey(destination))?.toReversed() ?? [];
      const own = newest.filter(({ sa }) => sa.source !== undefined && sameAddress(sa.source, source));
      return [...own, ...newest.filter(({ sa }) => sa.source === undefined)];
    },
    named: (kind, destination, spi) => names.get(`${kind} ${addressKey(destination)} ${spi}`) ?? [],
  };
}

function addressKey({ family, value }: Address): string {
  return `${family} ${value.toString(36)}`;
}
