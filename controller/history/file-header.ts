/** What the first hundred bytes of a database say of it, before SQLite is let near. https://sqlite.org/fileformat2.html#the_database_header */

import { APPLICATION_ID, SCHEMA_VERSION } from './schema.js';

export const HEADER_BYTES = 100;

export type FileState =
  | { readonly kind: 'ours'; readonly version: number }
  | { readonly kind: 'newer'; readonly version: number }
  | { readonly kind: 'foreign' }
  | { readonly kind: 'damaged'; readonly what: string };

/** @param size of the whole file, in bytes */
export function judgeHeader(header: Uint8Array, size: number): FileState {
  if (header.length < HEADER_BYTES || latin1(header, 16) !== 'SQLite format 3\0') {
    return { kind: 'damaged', what: size === 0 ? 'it is empty' : 'it does not begin as a database does' };
  }
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  if (view.getUint32(68) !== APPLICATION_ID) return { kind: 'foreign' };
  // A page size of 65,536 does not fit and is written as 1.
  const pageBytes = view.getUint16(16) === 1 ? 65_536 : view.getUint16(16);
  const expected = pageBytes * view.getUint32(28);
  if (size !== expected) return { kind: 'damaged', what: `it has ${size} bytes of ${expected}` };
  const version = view.getUint32(60);
  if (version > SCHEMA_VERSION) return { kind: 'newer', version };
  return version === 0 ? { kind: 'damaged', what: 'it has no schema' } : { kind: 'ours', version };
}

function latin1(bytes: Uint8Array, length: number): string {
  return Buffer.from(bytes.subarray(0, length)).toString('latin1');
}
