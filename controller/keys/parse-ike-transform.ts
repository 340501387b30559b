/** Phase 1 transforms of ike/config: each part exactly once, in any order (illumos ike.config(4)). */

import type { SourcePosition } from '../errors.js';
import { AUTH_METHODS, OAKLEY_GROUPS, type IkeTransform } from '../model/ike.js';
import type { Complain, TokenReader } from './parse-ike-tokens.js';

const AUTH_ALGORITHMS: readonly string[] = ['md5', 'sha', 'sha1', 'sha256', 'sha384', 'sha512'];
const CIPHERS: readonly string[] = [
  ...['des', 'des-cbc', '3des', '3des-cbc', 'blowfish', 'blowfish-cbc', 'aes', 'aes-cbc'],
];

export function readTransform(reader: TokenReader, at: SourcePosition, complain: Complain): IkeTransform | undefined {
  if (reader.takeIf('open') === undefined) {
    complain('IKE_TRANSFORM_SHAPE', reader.at, 'p1_xform is followed by a block', 'write p1_xform { … }');
    return undefined;
  }
  const values = new Map<string, { readonly text: string; readonly at: SourcePosition }>();
  let encrBits: IkeTransform['encrBits'];
  while (reader.takeIf('close') === undefined) {
    const key = reader.takeIf('word');
    const value = reader.takeValue();
    if (key === undefined || value === undefined) {
      complain('IKE_TRANSFORM_SHAPE', reader.at, 'a transform is pairs of words', 'write p1_xform { … }');
      reader.skipBlock();
      return undefined;
    }
    if (values.has(key.text)) complain('IKE_TWICE', key.at, `${key.text} is given twice`, 'keep one of them');
    values.set(key.text, value);
    const bits = reader.takeIf('group');
    if (bits === undefined) continue;
    encrBits = bitsOf(bits.text);
    if (key.text !== 'encr_alg' || !value.text.startsWith('aes') || encrBits === undefined) {
      complain('IKE_KEY_LENGTH', bits.at, 'only aes takes key lengths', 'write aes(128..256), or no lengths');
    }
  }
  const known = ['auth_method', 'oakley_group', 'auth_alg', 'encr_alg', 'p1_lifetime_secs'];
  for (const [name, value] of values) {
    if (!known.includes(name))
      complain('IKE_UNKNOWN_WORD', value.at, `\`${name}\` does not belong here`, 'take it out');
  }
  const pick = <T>(name: string, parse: (text: string) => T | undefined, allowed: string): T | undefined => {
    const value = values.get(name);
    if (value === undefined) {
      complain('IKE_TRANSFORM_INCOMPLETE', at, `the transform has no ${name}`, `add ${name}: ${allowed}`);
      return undefined;
    }
    const parsed = parse(value.text);
    if (parsed === undefined) complain('IKE_TRANSFORM_VALUE', value.at, `${name}: bad value`, `use ${allowed}`);
    return parsed;
  };
  const authMethod = pick('auth_method', (text) => AUTH_METHODS.find((one) => one === text), AUTH_METHODS.join(', '));
  const oakleyGroup = pick('oakley_group', groupOf, OAKLEY_GROUPS.join(', '));
  const authAlg = pick('auth_alg', (text) => AUTH_ALGORITHMS.find((one) => one === text), AUTH_ALGORITHMS.join(', '));
  const encrAlg = pick('encr_alg', (text) => CIPHERS.find((one) => one === text), CIPHERS.join(', '));
  const lifetime = values.get('p1_lifetime_secs');
  if (authMethod === undefined || oakleyGroup === undefined || authAlg === undefined || encrAlg === undefined) {
    return undefined;
  }
  const lifetimeSeconds = lifetime === undefined ? undefined : Number(lifetime.text);
  return { authMethod, oakleyGroup, authAlg, encrAlg, encrBits, lifetimeSeconds };
}

const groupOf = (text: string): number | undefined => OAKLEY_GROUPS.find((group) => group === Number(text));

function bitsOf(text: string): IkeTransform['encrBits'] {
  const [, low, high] = /^(\d+)(?:\s*\.\.\s*(\d+))?$/.exec(text) ?? [];
  return low === undefined ? undefined : { low: Number(low), high: Number(high ?? low) };
}
