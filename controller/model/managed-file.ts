/** A file we own on a host, before any secret is in it. */

/** A place in a file that is filled in when the file is sent: secrets never pass through a template, a plan or a diff. */
export type FilePart =
  | string
  /** Lower-case hex of one stored key; `part` says which of an SA's two. */
  | { readonly key: string; readonly part: KeyPart }
  /** The generation number the host will be on. */
  | { readonly generation: true };

export type KeyPart = 'psk' | 'encr' | 'auth';

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
      return 'generation' in part ? String(fill.generation) : fill.key(part.key, part.part);
    })
    .join('');
}
