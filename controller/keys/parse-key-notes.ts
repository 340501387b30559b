/**
 * What ipseckey objects to while it reads a command, as codes; and the same in our own words, which never repeat
 * a word of the file: any of them may be a key. Source: illumos ipseckey.c, whose texts only the lab prints.
 */

import type { Problem, SourcePosition } from '../errors.js';
import { Secret } from '../model/secret.js';

export type NoteCode = keyof typeof EXPLAINED;

/** Words of the file are kept closed; the tool's own words are plain. */
export type NoteValue = string | Secret;

export interface Note {
  readonly code: NoteCode;
  readonly values: readonly NoteValue[];
  /** The word that was read when it was made. */
  readonly at?: { readonly line: number; readonly column: number };
}

/** One message of the tool: what it had gathered when it printed. */
export interface NoteReport {
  readonly notes: readonly Note[];
  /** The command was given up with it. Warnings, and errors printed along with one, do not refuse. */
  readonly refuses: boolean;
}

/** Thrown by the note book where the tool abandons a command. Caught by parse-ipseckeys.ts only. */
export class CommandRefused extends Error {
  override readonly name = 'CommandRefused';
}

/** Exit status of a tool that follows a null pointer (SIGSEGV), or frees memory twice (SIGABRT). */
export const SEGMENTATION_FAULT = 139;
export const ABORTED = 134;

/** Thrown where the real tool dies of a signal. */
export class ToolDies extends Error {
  override readonly name = 'ToolDies';
  constructor(readonly exit: number) {
    super(`the tool dies with status ${exit}`);
  }
}

/** Gathers notes with the tool's habits: some are printed at once, some together, and a warning forgets errors before it. */
export class NoteBook {
  readonly reports: NoteReport[] = [];
  /** Where reading stands; notes take it along. */
  at = { line: 1, column: 1 };
  private gathered: Note[] = [];

  /** Remembered; refuses the command at the next `settle`. */
  error(code: NoteCode, ...values: readonly NoteValue[]): void {
    this.gathered.push({ code, values, at: this.at });
  }

  /** Printed at once together with what was gathered, all of which is then forgotten. */
  warn(code: NoteCode, ...values: readonly NoteValue[]): void {
    this.reports.push({ notes: [...this.gathered, { code, values, at: this.at }], refuses: false });
    this.gathered = [];
  }

  /** Printed at once by itself; what was gathered stays. */
  remark(notes: readonly Note[]): void {
    if (notes.length === 0) return;
    this.reports.push({ notes: notes.map((note) => ({ at: this.at, ...note })), refuses: false });
  }

  /** Printed at once with what was gathered; the command is given up. */
  fatal(code: NoteCode, ...values: readonly NoteValue[]): never {
    this.error(code, ...values);
    return this.refuse();
  }

  /** The same by itself: what was gathered is lost. */
  fatalAlone(code: NoteCode, ...values: readonly NoteValue[]): never {
    this.gathered = [{ code, values, at: this.at }];
    return this.refuse();
  }

  /** Gives the command up if anything was gathered. */
  settle(): void {
    if (this.gathered.length > 0) this.refuse();
  }

  private refuse(): never {
    this.reports.push({ notes: this.gathered, refuses: true });
    this.gathered = [];
    throw new CommandRefused('command refused');
  }
}

export function fileWord(text: string): Secret {
  return Secret.fromText(text);
}

/** What is wrong, and what to do. */
const EXPLAINED = {
  'end-of-command': ['the command ends where a value is expected', 'write the value after the last word'],
  'end-before-state': ['the command ends where a state is expected', 'write `state mature` or leave it out'],
  'end-before-identity': ['an identity lacks its type or value', 'write the type and then the identity'],
  'not-a-number': ['a word that is not a number stands where one is expected', 'write a decimal or 0x-hex number'],
  'unknown-extension': ['unknown keyword', 'keywords are lower case, each followed by its value'],
  'unknown-extension-lookup': ['unknown keyword', 'name the SA by spi, dst and src only'],
  'extension-refused': ['this keyword is not for add or update', 'leave it and its value out'],
  'extension-refused-lookup': ['this keyword is not for this command', 'name the SA by spi, dst and src only'],
  'given-twice': ['a value is given twice', 'keep one of them'],
  'spi-zero': ['SPI 0 is not allowed', 'choose an SPI of 256 or higher'],
  'pair-in-update-pair': ['pair-spi cannot be given to update-pair', 'use update to pair two SAs'],
  'replay-with-manual-keys': [
    'a replay window is given for a manual key',
    'leave `replay` out: counters restart with the host',
  ],
  'unknown-state': ['unknown SA state', 'write `state mature` or leave it out'],
  'counter-mode': [
    'a counter mode cipher (CCM, GCM) is keyed by hand',
    'never load the same key twice: a repeated counter breaks the cipher; prefer aes-cbc with sha256, or IKE',
  ],
  'unknown-algorithm': ['unknown algorithm', 'use a name of `ipsecalgs -l`'],
  'cipher-with-ah': ['AH does not encrypt', 'leave encr_alg out, or use esp'],
  'encap-not-udp': ['only UDP encapsulation exists', 'write `encap udp`'],
  'unknown-address': ['an address or name cannot be resolved', 'write a numeric address'],
  'unknown-end': ['an address or name cannot be resolved', 'write a numeric address'],
  'vague-address': ['a name has several addresses and is not used', 'write a numeric address'],
  'not-bits': ['the key length after the slash is not a number', 'write the number of bits, or nothing'],
  'bits-too-big': ['the key is shorter than the length after its slash', 'give as many digits as the length says'],
  'bits-truncated': [
    'the key is longer than the length after its slash and is cut',
    'give as many digits as the length says',
  ],
  'not-hex': ['a key is not made of hexadecimal digits', 'write the key in hexadecimal'],
  'bad-key': ['a key cannot be used', 'write the key in hexadecimal'],
  'key-with-null': ['the null cipher takes no key', 'leave encrkey out'],
  'reserved-after-key': ['reserved_bits comes after the key', 'write it before encrkey'],
  'label-malformed': ['labels need Trusted Extensions', 'leave the label out'],
  'unknown-identity': ['unknown identity type', 'use fqdn, mailbox, prefix, der_dn or der_gn'],
  'nat-port-without-encap': ['NAT ports need `encap udp`', 'add `encap udp` or leave them out'],
  'nat-address-without-encap': ['NAT addresses need `encap udp`', 'add `encap udp` or leave them out'],
  'encap-without-nat': ['`encap udp` needs a NAT address', 'add nat_loc or nat_rem, or leave encap out'],
  'spi-missing': ['the SPI is missing', 'add `spi` with a number of 256 or higher'],
  'no-algorithm': ['no algorithm is given', 'add auth_alg, encr_alg or both'],
  larval: ['an SA cannot be added in this state', 'write `state mature` or leave it out'],
  'tunnel-protocol': [
    'this protocol does not go with inner addresses',
    'use 4 for inner IPv4, 41 for inner IPv6, or nothing',
  ],
  'spi-undefined': ['the SPI is missing', 'add `spi` with a number of 256 or higher'],
  'parameters-missing': ['the SA has neither SPI nor algorithms', 'add spi and the algorithms'],
  'key-missing': ['no key is given', 'add authkey, encrkey or both'],
  'destination-missing': ['the destination is missing', 'add `dst` with an address'],
  'unknown-type': ['unknown SA type', 'write ah or esp'],
  'type-needed': ['the SA type is missing', 'write ah or esp after the command'],
  'single-type-needed': ['the SA type is missing', 'write ah or esp after the command'],
  'save-type-needed': ['the SA type is missing', 'write ah, esp or all after the command'],
  'flush-arguments': ['flush takes one word at most', 'write flush, flush ah or flush esp'],
  'dump-arguments': ['dump takes one word at most', 'write dump, dump ah or dump esp'],
  'not-in-file': ['this command is not for files', 'use it on the command line'],
} as const satisfies Record<string, readonly [string, string]>;

/** A note as a problem of the file, without any word of it. */
export function problemOfNote(note: Note, severity: Problem['severity'], at: SourcePosition): Problem {
  const [what, todo] = EXPLAINED[note.code];
  return { code: `KEYS_${note.code.toUpperCase().replaceAll('-', '_')}`, severity, what, at, todo };
}
