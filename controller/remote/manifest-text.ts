/** The manifest of a generation as the text that is kept on the host. Holds names and fingerprints of keys, never a key. */

import type { Manifest } from '../model/observation.js';
import { ReplyError, digestValue, numberValue, wholeLine } from './reply-error.js';

/**
 * One fact a line, blanks between its words, what may hold odd characters last:
 *
 *     format 1
 *     generation 7
 *     run 20261122T101500Z-3fa9
 *     made 2026-11-22T10:15:00Z
 *     file 0400 SHA256 /etc/inet/ipsecinit.conf
 *     key psk 256 9f3c51de9f3c51de psk:db1--web1
 */
export function manifestText(manifest: Manifest): string {
  const lines = [
    'format 1',
    `generation ${manifest.generation}`,
    `run ${manifest.run}`,
    `made ${manifest.made}`,
    ...manifest.files.map((file) => `file ${file.mode} ${file.sha256} ${file.path}`),
    ...manifest.keys.map((key) => `key ${key.part} ${key.bits} ${key.fingerprint} ${key.id}`),
  ];
  return lines.map((line) => `${wholeLine(line)}\n`).join('');
}

/** @throws ReplyError when the host's manifest is not one of ours */
export function parseManifest(lines: readonly string[]): Manifest {
  const single = new Map<string, string>();
  const files: Manifest['files'][number][] = [];
  const keys: Manifest['keys'][number][] = [];
  for (const line of lines) {
    const [word = '', rest = ''] = cut(line, 1);
    if (word === 'file') {
      const [mode, sha256, path] = cut(rest, 2);
      if (!mode || !/^0[0-7]{3}$/.test(mode) || !path) throw new ReplyError('a file of the manifest', line);
      files.push({ path, mode, sha256: digestValue(sha256, line) });
    } else if (word === 'key') {
      const [part, bits, fingerprint, id] = cut(rest, 3);
      if (!part || !fingerprint || !id) throw new ReplyError('a key of the manifest', line);
      keys.push({ id, part, bits: numberValue(bits, line), fingerprint });
    } else if (['format', 'generation', 'run', 'made'].includes(word) && rest !== '') {
      single.set(word, rest);
    } else if (line !== '') {
      throw new ReplyError('a line of the manifest', line);
    }
  }
  const format = single.get('format');
  if (format !== '1') throw new ReplyError('format 1 of the manifest', `format ${format ?? '(none)'}`);
  const text = (name: string): string => {
    const value = single.get(name);
    if (value === undefined) throw new ReplyError(`the ${name} of the manifest`, '(missing)');
    return value;
  };
  const generation = text('generation');
  return {
    generation: numberValue(generation, `generation ${generation}`),
    run: text('run'),
    made: text('made'),
    files,
    keys,
  };
}

/** The first `count` words and then the rest of the line as it is. */
function cut(line: string, count: number): string[] {
  const words: string[] = [];
  let rest = line;
  for (let i = 0; i < count; i += 1) {
    const blank = rest.indexOf(' ');
    if (blank === -1) break;
    words.push(rest.slice(0, blank));
    rest = rest.slice(blank + 1);
  }
  return [...words, rest];
}
