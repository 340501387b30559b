/** What came of importing one host. */

export interface ImportedFile {
  readonly path: string;
  readonly mode: string;
  /** `bytes`: rendered byte for byte. `meaning`: other text, the same rules or keys. `unmanaged`: left to the host. */
  readonly as: 'bytes' | 'meaning' | 'other' | 'unmanaged';
}

export interface ImportedHost {
  readonly host: string;
  readonly files: readonly ImportedFile[];
  /** Rules that are loaded. */
  readonly rules: number;
  /** Whether the first plan has nothing to do. */
  readonly same: boolean;
  /** Why the first plan has something to do, or would be refused. */
  readonly differs: readonly string[];
  /** What else the operator should know. */
  readonly notes: readonly string[];
}
