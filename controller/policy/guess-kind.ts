/** Tells a policy file from a key file by what stands first in it, or else by its name. */

export type FileKind = 'policy' | 'keys';

export interface GuessedKind {
  readonly kind: FileKind;
  readonly from: 'content' | 'name';
}

const KEY_COMMANDS = [
  'add',
  'update',
  'update-pair',
  'delete',
  'delete-pair',
  'get',
  'flush',
  'dump',
  'save',
  'monitor',
  'pmonitor',
  'passive_monitor',
  'help',
  'quit',
  'exit',
];

/** `undefined`: neither tells. Comments begin with `#` in both. */
export function guessKind(text: string, fileName: string): GuessedKind | undefined {
  for (const line of text.split('\n')) {
    const words = line.replace(/^\uFEFF/, '').trimStart();
    if (words === '' || words.startsWith('#')) continue;
    if (words.startsWith('{')) return { kind: 'policy', from: 'content' };
    if (KEY_COMMANDS.includes(/^[\w-]*/.exec(words)?.[0] ?? '')) return { kind: 'keys', from: 'content' };
    break;
  }
  const name = fileName.slice(fileName.lastIndexOf('/') + 1).toLowerCase();
  if (/key/.test(name)) return { kind: 'keys', from: 'name' };
  return /ipsecinit|policy/.test(name) ? { kind: 'policy', from: 'name' } : undefined;
}
