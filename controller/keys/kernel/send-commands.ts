/**
 * From a command that was understood to what the kernel is asked: one message for each destination address, with the
 * source that goes with it. Source: illumos ipseckey.c, doaddresses().
 */

import { formatAddress, parseAddress, type Address } from '../../model/address.js';
import { SA_TYPE, type SecurityAssociation } from '../../model/sa.js';
import type { NamedAddresses } from '../parse-key-values.js';
import type { SaRequest } from '../parse-sa-draft.js';
import type { SaLookup } from '../parse-sa-lookup.js';
import { addSa, updateSa, type KernelSurroundings } from './sad-changes.js';
import { DIAGNOSTIC_TEXTS } from './sad-diagnostics.js';
import { deleteSa, getSa, type SadAnswer, type SadDraft } from './sad.js';

export interface Sent {
  /** Texts printed one by one, each with the command before it. */
  readonly warnings: readonly string[];
  /** Texts printed together at the end; any of them makes the command fail. */
  readonly errors: readonly string[];
  readonly stderr: string;
  /** Messages that counted as carried out. */
  readonly done: number;
  /** What `get` found. */
  readonly found: readonly SecurityAssociation[];
}

const ANY = parseAddress('::');

export function sendRequest(request: SaRequest, sad: SadDraft, host: KernelSurroundings): Sent {
  const warnings: string[] = [];
  const errors: string[] = [];
  let stderr = '';
  let done = 0;
  const { addresses } = request.dst;
  for (const [i, dst] of addresses.entries()) {
    const source = sourceFor(dst, request.src);
    if (source.warning !== undefined) warnings.push([...errors.splice(0), source.warning].join(''));
    if (source.error !== undefined) {
      errors.push(source.error.text);
      if (i < addresses.length - 1) continue;
      errors.push(source.error.last);
      break;
    }
    // Whatever was gathered for an earlier address ends the command here.
    if (errors.length > 0) break;
    const message = {
      ...request.message,
      src: { address: source.address, port: request.srcPort },
      dst: { address: dst, port: request.dstPort },
    };
    const answer =
      request.command === 'add'
        ? addSa(sad, message, host)
        : updateSa(sad, message, request.command === 'update-pair', host);
    if (answer.kind === 'exists') {
      errors.push(...associationText(request.message.type, request.message.spi, dst, 'already exists'));
      continue;
    }
    if (answer.kind === 'protocol') {
      stderr += 'ipseckey: return message (in doaddresses): Protocol wrong type for socket\n';
    }
    errors.push(...diagnosticText(answer));
    if (errors.length > 0) break;
    done += 1;
  }
  return { warnings, errors, stderr, done, found: [] };
}

interface Source {
  readonly address: Address;
  readonly warning?: string;
  readonly error?: { readonly text: string; readonly last: string };
}

/** The one address of the source's name that goes with a destination; unspecified when there are several. */
function sourceFor(dst: Address, src: NamedAddresses | undefined): Source {
  const any = ANY ?? dst;
  if (src === undefined) return { address: any };
  const { name } = src;
  const fitting = src.addresses.filter(
    (address) =>
      address.family === dst.family &&
      (dst.family === 4 || scopeOf(address) === 'unspecified' || scopeOf(address) === scopeOf(dst)),
  );
  const [only, second] = fitting;
  if (only !== undefined && second === undefined) return { address: only };
  if (dst.family === 4) {
    return only === undefined
      ? {
          address: any,
          error: {
            text: `No IPv4 source address for name ${name}.\n`,
            last: 'No match for destination IP address.\n',
          },
        }
      : {
          address: any,
          warning: `Multiple IPv4 source addresses for ${name}, using unspecified source instead.`,
        };
  }
  return only === undefined
    ? {
        address: any,
        error: {
          text: `No IPv6 source address of matching scope for name ${name}.\n`,
          last: 'No match for IPV6 destination address.\n',
        },
      }
    : {
        address: any,
        warning: `Multiple IPv6 source addresses for ${name} of the same scope, using unspecified source instead.\n`,
      };
}

type Scope = 'unspecified' | 'link' | 'site' | 'v4-compatible' | 'loopback' | 'global';

function scopeOf({ value }: Address): Scope {
  if (value === 0n) return 'unspecified';
  if (value >> 118n === 0x3fan) return 'link';
  if (value >> 118n === 0x3fbn) return 'site';
  if (value === 1n) return 'loopback';
  return value >> 32n === 0n ? 'v4-compatible' : 'global';
}

const TYPE_NAMES: Readonly<Record<number, string>> = { [SA_TYPE.ah]: 'ah', [SA_TYPE.esp]: 'esp' };

export function typeName(type: number): string {
  return TYPE_NAMES[type] ?? String(type);
}

function associationText(type: number, spi: number, address: Address, what: string): string[] {
  return [
    `Association (type = ${typeName(type)}) with spi 0x${spi.toString(16)} and addr\n`,
    `${formatAddress(address)} ${what}.\n`,
  ];
}

function diagnosticText(answer: SadAnswer): string[] {
  if (answer.kind !== 'invalid' && answer.kind !== 'absent') return [];
  return [`PF_KEY Diagnostic code ${answer.diagnostic}: ${DIAGNOSTIC_TEXTS[answer.diagnostic]}.\n`];
}

export function sendLookup(lookup: SaLookup, sad: SadDraft): Sent {
  const errors: string[] = [];
  const warnings: string[] = [];
  const found: SecurityAssociation[] = [];
  let stderr = '';
  let done = 0;
  const ask = (src: Address | undefined, dst: Address | undefined): SadAnswer => {
    const name = { type: lookup.type, spi: lookup.spi, src, dst, inbound: lookup.inbound };
    return lookup.command === 'get' ? getSa(sad, name) : deleteSa(sad, name, lookup.command === 'delete-pair');
  };
  if (lookup.dst === undefined) {
    for (const src of lookup.src?.addresses ?? [undefined]) {
      const answer = ask(src, undefined);
      if (answer.kind !== 'invalid') continue;
      warnings.push('One of the entered values is incorrect.');
      stderr += `  Diagnostic code ${answer.diagnostic}:  ${DIAGNOSTIC_TEXTS[answer.diagnostic]}.\n`;
    }
    return { warnings, errors, stderr, done, found };
  }
  for (const [i, dst] of lookup.dst.addresses.entries()) {
    const source = sourceFor(dst, lookup.src);
    if (source.warning !== undefined) warnings.push([...errors.splice(0), source.warning].join(''));
    if (source.error !== undefined) {
      errors.push(source.error.text);
      if (i < lookup.dst.addresses.length - 1) continue;
      errors.push(source.error.last);
      break;
    }
    if (errors.length > 0) break;
    const answer = ask(lookup.src === undefined ? undefined : source.address, dst);
    if (answer.kind === 'absent' && lookup.command !== 'delete-pair') {
      errors.push(...associationText(lookup.type, lookup.spi, dst, 'does not exist'));
      continue;
    }
    errors.push(...diagnosticText(answer));
    if (errors.length > 0) break;
    if (answer.kind === 'done' && answer.sa !== undefined && lookup.command === 'get') found.push(answer.sa);
    done += 1;
  }
  return { warnings, errors, stderr, done, found };
}
