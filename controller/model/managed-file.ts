/** A file we own on a host, before any secret is in it. */

/** A place in a file that is filled in when the file is sent: secrets never pass through a template, a plan or a diff. */
export type FilePart =
  | string
  /** Hex of one stored key, in lower case unless `form` says otherwise; `part` says which of an SA's two. */
  | { readonly key: string; readonly part: KeyPart; readonly form?: KeyForm }
  /** The generation number the host will be on. */
  | { readonly generation: true };

export type KeyPart = 'psk' | 'encr' | 'auth';

/**
 * How a file that was there before us writes a key: in capitals, or as `"text"`. A key whose bytes are no plain text is written
 * in hex all the same.
 */
export type KeyForm = 'upper' | 'quoted';

export type ManagedPath =
  '/etc/inet/ipsecinit.conf' | '/etc/inet/secret/ipseckeys' | '/etc/inet/ike/config' | '/etc/inet/secret/ike.preshared';

export interface ManagedFile {
  readonly path: ManagedPath;
  /** Octal, e.g. `0400`. */
  readonly mode: '0400' | '0600';
  readonly parts: readonly FilePart[];
}

/** A stored key as plans, diffs and logs may name it. */
export interface KeyName {
  /** `psk:db1--web1`, or `sa:db1--web1:10.0.1.11>10.0.2.21`. */
  readonly id: string;
  readonly part: KeyPart;
  readonly bits: number;
  /** Of `Secret.fingerprint` with the fleet's salt. */
  readonly fingerprint: string;
}

const PART_WORDS = { psk: 'PSK', encr: 'encryption key', auth: 'integrity key' } as const;

export function keyPartWords(part: KeyPart): string {
  return PART_WORDS[part];
}

/** What people read for a key: `PSK db1–web1`; `SA 10.0.1.11→10.0.2.21 encryption key`. */
export function keyLabel(id: string, part: KeyPart): string {
  if (part === 'psk') return `PSK ${id.slice(id.indexOf(':') + 1).replace('--', '–')}`;
  const direction = id.slice(id.indexOf(':', 3) + 1);
  return `SA ${direction.replace('>', '→')} ${PART_WORDS[part]}`;
}

/** Whether the file's text holds key material, so that it is never shown or sent back as it is. */
export function holdsKeys(path: string): boolean {
  return path.startsWith('/etc/inet/secret/');
}

/** The file's text with every part filled in by the caller. */
export function fileText(
  file: ManagedFile,
  fill: { readonly generation: number; readonly key: (id: string, part: KeyPart) => string },
): string {
  return file.parts
    .map((part) => {
      if (typeof part === 'string') return part;
      return 'generation' in part ? String(fill.generation) : inForm(fill.key(part.key, part.part), part.form);
    })
    .join('');
}

/** What stands for a key in a diff is no hex, and stays as it is. */
function inForm(key: string, form: KeyForm | undefined): string {
  if (form === undefined || !/^[0-9a-f]+$/.test(key)) return key;
  if (form === 'upper') return key.toUpperCase();
  const text = Buffer.from(key, 'hex').toString('latin1');
  return isQuotable(text) ? `"${text}"` : key;
}

/** Whether a text may stand between quotes and mean its own bytes. */
export function isQuotable(text: string): boolean {
  return /^[ !#-[\]-~]+$/.test(text);
}
