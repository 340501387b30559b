/** What may stand where a file should be, and how a person calls it. */

export const FILE_KINDS = ['file', 'folder', 'link', 'pipe', 'socket', 'device', 'other'] as const;

export type FileKind = (typeof FILE_KINDS)[number];

/** By the first letter of `ls -l`, illumos and GNU: `D` is a door, `P` an event port (illumos ls(1)). */
export function fileKind(letter: string): FileKind {
  return LETTERS.get(letter) ?? 'other';
}

const LETTERS: ReadonlyMap<string, FileKind> = new Map([
  ['-', 'file'],
  ['d', 'folder'],
  ['l', 'link'],
  ['p', 'pipe'],
  ['s', 'socket'],
  ['b', 'device'],
  ['c', 'device'],
]);

export interface StandingFile {
  readonly type?: FileKind;
  /** Target of a symbolic link. */
  readonly linkTo?: string;
  /** Of what is read by that name; absent where nothing can be. */
  readonly sha256?: string;
}

/** `a folder`, `a symbolic link to /tmp/x, which leads to no file`; `undefined` for a plain file, or where its kind is not told. */
export function insteadOfFile({ type, linkTo, sha256 }: StandingFile): string | undefined {
  switch (type) {
    case undefined:
    case 'file':
      return undefined;
    case 'link':
      return `a symbolic link to ${linkTo ?? 'another file'}${sha256 === undefined ? ', which leads to no file' : ''}`;
    case 'pipe':
      return 'a named pipe';
    case 'other':
      return 'no plain file';
    default:
      return `a ${type}`;
  }
}

/** Whether anything can be read by that name: a plain file, or a link that leads to one. What is not told counts as a file. */
export function isReadable({ type, sha256 }: StandingFile): boolean {
  return type === undefined || type === 'file' || (type === 'link' && sha256 !== undefined);
}

/** What takes it out of the way. A managed path is safe as a word of a shell. */
export function removal(path: string, { type }: StandingFile): string {
  return `rm ${type === 'folder' ? '-r ' : ''}${path}`;
}
