/** Which blocks of an ssh_config(5) file speak of a host. Pure. */

import { matchesPatterns } from './known-hosts.js';

/** Whom is asked about. */
export interface ConfigSubject {
  /** What the host goes by: its name in the inventory, and what is connected to. */
  readonly names: readonly string[];
  readonly localUser: string;
}

/** What earlier lines have settled: `Match host` and `Match user` look at it. */
export interface ConfigSoFar {
  readonly hostName: string | undefined;
  readonly user: string | undefined;
}

/** `unsupported`: a criterion that is not judged here; the block does not count, and that is told. */
export type BlockMatch = 'yes' | 'no' | { readonly unsupported: string };

/** `Host pattern…`: any pattern matches any of the names, and no negated one does. */
export function hostBlockMatches(patterns: readonly string[], { names }: ConfigSubject): boolean {
  if (names.some((name) => patterns.some((one) => one.startsWith('!') && matchesPatterns([one.slice(1)], name))))
    return false;
  return names.some((name) => matchesPatterns(patterns, name));
}

/** `Match criterion…`: all hold. `exec` is never run; `final` and `canonical` mean a second pass, which is not made. */
export function matchBlockMatches(words: readonly string[], subject: ConfigSubject, soFar: ConfigSoFar): BlockMatch {
  let unsupported: string | undefined;
  for (let i = 0; i < words.length; i += 1) {
    const [written = '', attached] = splitOnce(words[i] ?? '');
    const negated = written.startsWith('!');
    const criterion = written.replace('!', '').toLowerCase();
    if (criterion === 'all') {
      if (negated) return 'no';
      continue;
    }
    if (criterion === 'canonical' || criterion === 'final') {
      // in the first pass neither holds
      if (!negated) return 'no';
      continue;
    }
    if (attached === undefined) i += 1;
    const patterns = (attached ?? words[i] ?? '').split(',');
    const values = valuesOf(criterion, subject, soFar);
    if (values === undefined) {
      unsupported ??= criterion;
      continue;
    }
    if (values.some((value) => matchesPatterns(patterns, value)) === negated) return 'no';
  }
  return unsupported === undefined ? 'yes' : { unsupported };
}

function splitOnce(word: string): readonly [string, string?] {
  const at = word.indexOf('=');
  return at === -1 ? [word] : [word.slice(0, at), word.slice(at + 1)];
}

function valuesOf(criterion: string, subject: ConfigSubject, soFar: ConfigSoFar): readonly string[] | undefined {
  switch (criterion) {
    case 'host':
      return soFar.hostName === undefined ? subject.names : [soFar.hostName];
    case 'originalhost':
      return subject.names;
    case 'user':
      return [soFar.user ?? subject.localUser];
    case 'localuser':
      return [subject.localUser];
    default:
      return undefined;
  }
}
