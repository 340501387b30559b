/** Values of ssh_config(5) lines: tokens, variables, times. Pure. */

import { printable } from './host-text.js';
import type { ConfigLine } from './ssh-config-lines.js';
import { SshConfigError } from './ssh-config.js';
import type { Environment } from './ssh-credentials.js';

/** By letter, e.g. `h` for the host's name (ssh_config(5), TOKENS). */
export type Tokens = Readonly<Record<string, string>>;

/**
 * `%h` and `${VARIABLE}` in the first word of a line by what they stand for.
 * @throws SshConfigError for a token that means nothing here, and a variable that is not set
 */
export function expandWord(line: ConfigLine, tokens: Tokens, env: Environment): string {
  const [text = ''] = line.words;
  return expandText(text, line.where, tokens, env);
}

export function expandText(text: string, where: string, tokens: Tokens, env: Environment): string {
  return text
    .replace(/\$\{(\w+)\}/g, (_all, name: string) => {
      const value = env[name];
      if (value === undefined) throw new SshConfigError(`${where}: the variable ${name} is not set`);
      return value;
    })
    .replace(/%(.?)/g, (_all, letter: string) => {
      if (letter === '%') return '%';
      const value = tokens[letter];
      if (value === undefined) throw new SshConfigError(`${where}: %${printable(letter)} is not known here`);
      return value;
    });
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** `90`, `1m30s`; `undefined` for what is no time, or none. */
export function parseSeconds(text: string | undefined): number | undefined {
  if (text === undefined || !/^(\d+[smhdw]?)+$/i.test(text)) return undefined;
  let seconds = 0;
  for (const [, count, unit = ''] of text.matchAll(/(\d+)([smhdw]?)/gi))
    seconds += Number(count) * (UNIT_SECONDS[unit.toLowerCase()] ?? 1);
  return seconds === 0 ? undefined : seconds;
}
