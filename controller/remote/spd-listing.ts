/** `ipsecconf -Ln` to the canonical form of the loaded policy (agent/README.md): rule lines in ascending `#INDEX` order. */

import { ReplyError } from './reply-error.js';

/** The host's rules by index, then each tunnel's: `#INDEX 17`, `#INDEX ip.tun0,3`. Trailing blanks go. */
export function canonicalListing(lines: readonly string[]): readonly string[] {
  const rules: { tunnel: string; index: number; rule: string }[] = [];
  let at: { tunnel: string; index: number } | undefined;
  for (const line of lines) {
    const text = line.trimEnd();
    const [, tunnel, index] = /^#INDEX (?:(\S+),)?(\d{1,15})$/.exec(text) ?? [];
    if (index !== undefined) {
      at = { tunnel: tunnel ?? '', index: Number(index) };
    } else if (text !== '' && !text.startsWith('#')) {
      if (at === undefined || !text.startsWith('{')) throw new ReplyError('a rule of ipsecconf -Ln', line);
      rules.push({ ...at, rule: text });
      at = undefined;
    }
  }
  const byTunnel = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  return rules.sort((a, b) => byTunnel(a.tunnel, b.tunnel) || a.index - b.index).map(({ rule }) => rule);
}
