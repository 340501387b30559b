/** Where each key of the hosts' files goes: under the name of its link, or under that of the file it was found in; and what templates write for it. */

import { formatAddress } from '../model/address.js';
import { isQuotable, type ManagedPath } from '../model/managed-file.js';
import type { Secret } from '../model/secret.js';
import type { StoredKey } from '../ports.js';
import { PATHS } from './collected-host.js';
import type { FoundSa } from './find-manual-keys.js';
import type { FoundLink } from './find-links.js';
import type { HostReading } from './host-reading.js';
import { strayKeys, type WrittenKey } from './key-notation.js';
import type { Slot } from './literal-template.js';

/** So many characters of a key in another file are no accident. */
const TELLING = 8;
const LONG_DIGITS = /[0-9a-fA-F]{16}/;

export class KeyShelf {
  readonly #keys = new Map<string, StoredKey>();
  readonly #notes = new Map<string, Set<string>>();
  /** By host: ids of keys under names of their own, by fingerprint, so that one key has one name there. */
  readonly #loose = new Map<string, Map<string, string>>();

  /** By host and the address at the other end. */
  readonly #links = new Map<string, FoundLink>();

  constructor(
    links: readonly FoundLink[],
    hosts: readonly HostReading[],
    private readonly created: string,
  ) {
    const own = new Map(hosts.map((reading) => [reading.host.name, reading.own]));
    for (const link of links) {
      const there = link.external === undefined ? (own.get(link.peer) ?? []) : [link.external];
      for (const remote of there) this.#links.set(`${link.host} ${formatAddress(remote)}`, link);
      for (const remote of own.get(link.host) ?? []) this.#links.set(`${link.peer} ${formatAddress(remote)}`, link);
    }
  }

  get keys(): readonly StoredKey[] {
    return [...this.#keys.values()];
  }

  /** By host: how many keys belong to no link. */
  get loose(): ReadonlyMap<string, number> {
    return new Map([...this.#loose].map(([host, keys]) => [host, keys.size]));
  }

  get notes(): ReadonlyMap<string, ReadonlySet<string>> {
    return this.#notes;
  }

  /** What a template of this file must write instead of keys; every key is stored by the way. */
  slots(path: ManagedPath, text: string, reading: HostReading): readonly Slot[] {
    switch (path) {
      case PATHS.presharedKeys: {
        const slots = reading.preshared.map((key) => this.#slot(path, reading, key, this.#preshared(key, reading)));
        return [...slots, ...this.#strays(path, text, reading, reading.preshared)];
      }
      case PATHS.manualKeys:
        return this.#manual(path, text, reading);
      default:
        return this.#elsewhere(path, text, reading);
    }
  }

  /** The expression for a PSK. */
  #preshared({ pair, secret }: HostReading['preshared'][number], reading: HostReading): string {
    const { name } = reading.host;
    const link = pair === undefined ? undefined : this.#linkTo(name, formatAddress(pair.remote), 'ike-psk');
    if (link === undefined) return this.#looseKey(name, PATHS.presharedKeys, secret);
    const id = `psk:${link.id}`;
    const stored = this.#keys.get(id);
    if (stored === undefined) this.#keys.set(id, { kind: 'psk', id, created: this.created, secret });
    else if (stored.kind !== 'psk' || !stored.secret.equals(secret)) {
      this.#note(
        name,
        `the pre-shared keys of ${link.id} differ between its ends or its addresses; the second one is kept apart`,
      );
      return this.#looseKey(name, PATHS.presharedKeys, secret);
    }
    return expression(id, 'key');
  }

  #manual(path: ManagedPath, text: string, reading: HostReading): readonly Slot[] {
    const { keys, spis } = reading.manual;
    const { name } = reading.host;
    const slots = keys.map((key) => {
      const id = key.sa === undefined ? undefined : this.#sa(key.sa, reading);
      return this.#slot(
        path,
        reading,
        key,
        id === undefined ? this.#looseKey(name, path, key.secret) : expression(id, `${key.part}Key`),
      );
    });
    for (const { from, to, decimal, sa } of spis) {
      const id = this.#sa(sa, reading);
      if (id !== undefined) slots.push({ from, to, expression: expression(id, decimal ? 'spiNumber' : 'spi') });
    }
    return [...slots, ...this.#strays(path, text, reading, keys)];
  }

  /** The id under which an SA of a link is stored; `undefined` when it is none, or the link has another one already. */
  #sa(sa: FoundSa, reading: HostReading): string | undefined {
    const { name } = reading.host;
    const [src, dst] = [formatAddress(sa.src), formatAddress(sa.dst)];
    const isMine = reading.own.some((address) => formatAddress(address) === src);
    const link = this.#linkTo(name, isMine ? dst : src, 'manual');
    if (link === undefined) return undefined;
    const id = `sa:${link.id}:${src}>${dst}`;
    const stored = this.#keys.get(id);
    const { encr, encrAuth, encrKey, authKey, spi } = sa;
    if (stored === undefined) {
      this.#keys.set(id, { kind: 'sa', id, created: this.created, spi, src, dst, encr, encrAuth, encrKey, authKey });
      return id;
    }
    if (stored.kind === 'sa' && stored.spi === spi && same(stored.encrKey, encrKey) && same(stored.authKey, authKey))
      return id;
    this.#note(
      name,
      `there is more than one SA from ${src} to ${dst}, or its ends have different ones; those besides the first are kept apart`,
    );
    return undefined;
  }

  #linkTo(host: string, remote: string, keying: FoundLink['keying']): FoundLink | undefined {
    const link = this.#links.get(`${host} ${remote}`);
    return link?.keying === keying ? link : undefined;
  }

  #strays(path: ManagedPath, text: string, reading: HostReading, known: readonly WrittenKey[]): readonly Slot[] {
    return strayKeys(text, known).map((key) =>
      this.#slot(path, reading, key, this.#looseKey(reading.host.name, path, key.secret)),
    );
  }

  /** Keys of this host that stand in a file where none should be. */
  #elsewhere(path: ManagedPath, text: string, reading: HostReading): readonly Slot[] {
    const slots: Slot[] = [];
    const hasDigits = LONG_DIGITS.test(text);
    for (const { secret } of [...reading.preshared, ...reading.manual.keys]) {
      const [digits, plain] = [secret.revealHex(), secret.revealText()];
      for (const written of [
        ...(hasDigits ? [digits, digits.toUpperCase()] : []),
        ...(isQuotable(plain) ? [plain] : []),
      ]) {
        if (written.length < (written === plain ? TELLING : 2 * TELLING)) continue;
        for (let at = text.indexOf(written); at >= 0; at = text.indexOf(written, at + written.length)) {
          const to = at + written.length;
          if (slots.some((slot) => slot.from < to && at < slot.to)) continue;
          this.#note(reading.host.name, `${path} holds a key that belongs into another file: take it out`);
          const form = written === digits ? undefined : ('upper' as const);
          const exact = written !== plain;
          const key = { from: at, to, secret, form: exact ? form : undefined, exact };
          slots.push(this.#slot(path, reading, key, this.#looseKey(reading.host.name, path, secret)));
        }
      }
    }
    return slots;
  }

  #slot(path: ManagedPath, { host }: HostReading, { from, to, form, exact }: WrittenKey, value: string): Slot {
    if (!exact)
      this.#note(
        host.name,
        `${path}: a key is written in mixed case or with an odd length; it will be written in lower case`,
      );
    return { from, to, expression: form === undefined ? value : `${form} ${value}` };
  }

  /** The expression for a key that no link has. */
  #looseKey(host: string, path: ManagedPath, secret: Secret): string {
    const known = this.#loose.get(host) ?? new Map<string, string>();
    this.#loose.set(host, known);
    const print = secret.fingerprint('');
    const id = known.get(print) ?? `psk:found-${host}-${path.slice(path.lastIndexOf('/') + 1)}-${known.size + 1}`;
    if (!known.has(print)) this.#keys.set(id, { kind: 'psk', id, created: this.created, secret });
    known.set(print, id);
    return expression(id, 'key');
  }

  #note(host: string, text: string): void {
    this.#notes.set(host, (this.#notes.get(host) ?? new Set()).add(text));
  }
}

function same(a: Secret | undefined, b: Secret | undefined): boolean {
  return a === undefined || b === undefined ? a === b : a.equals(b);
}

function expression(id: string, name: string): string {
  return `keys.[${id}].${name}`;
}
