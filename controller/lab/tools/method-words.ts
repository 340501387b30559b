/** Cuts a method's command line into words and puts the host's paths under its root. */

import { underRoot, type FileAccess } from './tool.js';

export function methodWords(command: string): string[] {
  const found = command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g);
  return [...found].map(([, double, single, plain]) => double ?? single ?? plain ?? '');
}

/** What only exists under the host's root is meant there; /bin/sh and its like are the lab machine's own. */
export async function underRootWhereThere(
  words: readonly string[],
  root: string,
  files: FileAccess,
): Promise<string[]> {
  const placed: string[] = [];
  for (const word of words) {
    const inHost = underRoot(root, word);
    const there = word.startsWith('/') && (await files.stat(inHost)) !== undefined;
    placed.push(there ? inHost : word);
  }
  return placed;
}
