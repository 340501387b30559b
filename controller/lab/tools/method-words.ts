/** Cuts a method's command line into words and puts the paths among them where they lie on the lab machine. */

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

/** Folders that a host has of its own: what is missing there is missing, whatever the lab machine has under that name. */
const OWN_FOLDERS = /^\/(?:etc|lib|usr|var)(?:\/|$)/;

/**
 * The paths among a simulated command's arguments. Commands typed on a host see the lab machine's paths, so a service may
 * be told one of those (`setprop config/config_file = $PWD/p.conf`): it is taken where the host itself has nothing there.
 */
export async function placeArguments(words: readonly string[], root: string, files: FileAccess): Promise<string[]> {
  const missing = async (path: string): Promise<boolean> => (await files.stat(path)) === undefined;
  const placed: string[] = [];
  for (const word of words) {
    const inHost = underRoot(root, word);
    if (!word.startsWith('/')) placed.push(word);
    else if (OWN_FOLDERS.test(word) || !(await missing(inHost)) || (await missing(word))) placed.push(inHost);
    else placed.push(word);
  }
  return placed;
}
