/** ssh_config(5) files with what they include, read once in a run, and what they say of one host: the first word wins. */

import { readdir, readFile, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { printable } from './host-text.js';
import { matchesPatterns } from './known-hosts.js';
import { parseConfigLines } from './ssh-config-lines.js';
import type { ConfigLine } from './ssh-config-lines.js';
import { hostBlockMatches, matchBlockMatches } from './ssh-config-match.js';
import type { ConfigSubject } from './ssh-config-match.js';
import { expandHome } from './ssh-credentials.js';
import type { Environment } from './ssh-credentials.js';
import { errorCode } from './ssh-failures.js';

/** Why a file cannot be gone by. */
export class SshConfigError extends Error {
  override readonly name = 'SshConfigError';
}

/** What a file says of one host. */
export interface ConfigAnswer {
  /** The line that counts. */
  line(keyword: string): ConfigLine | undefined;
  /** The earliest line with any of these keywords: some of them exclude each other. */
  first(...keywords: readonly string[]): ConfigLine | undefined;
  /** Its first word. */
  word(keyword: string): string | undefined;
  /** Every line: `IdentityFile` adds up. */
  all(keyword: string): readonly ConfigLine[];
  readonly notes: readonly string[];
}

export type AskConfig = (file: string, isNamed: boolean, names: readonly string[]) => Promise<ConfigAnswer>;

type Item = ConfigLine | { readonly included: readonly Item[] };

/** As deep as ssh(1) goes (readconf.c, READCONF_MAX_DEPTH). */
const MOST_INCLUDES = 16;

/** @throws SshConfigError from the answer: a file that is named and missing, cannot be read, or may be written by others */
export function configAsker(env: Environment): AskConfig {
  const files = new Map<string, Promise<readonly Item[]>>();
  return async (file, isNamed, names) => {
    const items = files.get(file) ?? readConfig(file, isNamed, env);
    files.set(file, items);
    return answer(await items, { names, localUser: localUserName(env) });
  };
}

/** The account's name; in a container it may have none. */
export function localUserName(env: Environment): string {
  try {
    return userInfo().username;
  } catch {
    return env['USER'] ?? '';
  }
}

async function readConfig(file: string, isNamed: boolean, env: Environment): Promise<readonly Item[]> {
  // Without HOME there is no ~/.ssh; who names a file is told by expandHome.
  if (!isNamed && !env['HOME']) return [];
  const items = await readItems(expandHome(file, env), env, 0);
  if (items === undefined && isNamed) throw new SshConfigError(`there is no ${file}`);
  return items ?? [];
}

async function readItems(path: string, env: Environment, depth: number): Promise<readonly Item[] | undefined> {
  if (depth > MOST_INCLUDES)
    throw new SshConfigError(`${path}: files include each other more than ${MOST_INCLUDES} deep`);
  const text = await readChecked(path);
  if (text === undefined) return undefined;
  const items: Item[] = [];
  for (const line of parseConfigLines(text, path)) {
    if (line.keyword !== 'include') {
      items.push(line);
      continue;
    }
    for (const pattern of line.words) {
      for (const found of await expandPattern(pattern, env)) {
        items.push({ included: (await readItems(found, env, depth + 1)) ?? [] });
      }
    }
  }
  return items;
}

/** As ssh(1): whoever else could write it could lead us elsewhere. `undefined` when there is none. */
async function readChecked(path: string): Promise<string | undefined> {
  try {
    const { mode, uid } = await stat(path);
    const ours = process.getuid?.() ?? uid;
    if ((uid !== 0 && uid !== ours) || (mode & 0o022) !== 0)
      throw new SshConfigError(`${path} may be written by others; chmod go-w it, and make it yours`);
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof SshConfigError) throw error;
    if (errorCode(error) === 'ENOENT') return undefined;
    throw new SshConfigError(`${path} cannot be read (${errorCode(error)})`, { cause: error });
  }
}

/** `Include`: relative to ~/.ssh, with `*` and `?` in any part of the path; in the order of names. */
async function expandPattern(pattern: string, env: Environment): Promise<readonly string[]> {
  const path = isAbsolute(pattern) || pattern.startsWith('~') ? pattern : `~/.ssh/${pattern}`;
  const [first = '', ...rest] = expandHome(path, env).split('/');
  let found = [first === '' ? '/' : first];
  for (const part of rest) {
    if (!/[*?]/.test(part)) {
      found = found.map((folder) => join(folder, part));
      continue;
    }
    const lists = await Promise.all(
      found.map(async (folder) => {
        const names = await readdir(folder).catch(() => []);
        return names
          .filter((name) => matchesPatterns([part], name) && (part.startsWith('.') || !name.startsWith('.')))
          .sort()
          .map((name) => join(folder, name));
      }),
    );
    found = lists.flat();
  }
  return found;
}

function answer(items: readonly Item[], subject: ConfigSubject): ConfigAnswer {
  const said = new Map<string, ConfigLine[]>();
  const notes = new Set<string>();
  const word = (keyword: string): string | undefined => said.get(keyword)?.[0]?.words[0];
  const matches = ({ keyword, words, where }: ConfigLine): boolean => {
    if (keyword === 'host') return hostBlockMatches(words, subject);
    const match = matchBlockMatches(words, subject, { hostName: word('hostname'), user: word('user') });
    if (typeof match === 'string') return match === 'yes';
    notes.add(`${where}: this block does not count, \`Match ${printable(match.unsupported)}\` is not judged here`);
    return false;
  };
  const take = (lines: readonly Item[], isOn: boolean): void => {
    let counts = isOn;
    for (const item of lines) {
      if ('included' in item) {
        // A block that ends in an included file began there (readconf.c: `Include` within a block that does not match).
        take(item.included, counts);
      } else if (item.keyword === 'host' || item.keyword === 'match') {
        counts = isOn && matches(item);
      } else if (counts && item.words.length > 0) {
        said.set(item.keyword, [...(said.get(item.keyword) ?? []), item]);
      }
    }
  };
  take(items, true);
  return {
    line: (keyword) => said.get(keyword)?.[0],
    // a map keeps its keys in the order in which they came
    first: (...keywords) => said.get([...said.keys()].find((key) => keywords.includes(key)) ?? '')?.[0],
    word,
    all: (keyword) => said.get(keyword) ?? [],
    notes: [...notes],
  };
}
