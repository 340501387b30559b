/**
 * The in.iked configuration: settings, phase 1 transforms and rules, with every problem and its line and column.
 * Source: illumos ike.config(4).
 */

import type { Problem, SourcePosition } from '../errors.js';
import { OAKLEY_GROUPS, type IkeConfig, type IkeRule, type IkeTransform } from '../model/ike.js';
import { parseIkeAddresses } from './parse-ike-addresses.js';
import { GLOBALS, RULE_SETTINGS, type IkeSettingKind } from './parse-ike-settings.js';
import { readTokens, TokenReader, type Complain } from './parse-ike-tokens.js';
import { readTransform } from './parse-ike-transform.js';

export interface IkeConfigReading {
  readonly config: IkeConfig;
  readonly problems: readonly Problem[];
}

const ID_TYPES: readonly string[] = [
  ...['dn', 'dns', 'fqdn', 'gn', 'ip', 'ipv4', 'ipv4_prefix', 'ipv4_range', 'ipv6', 'ipv6_prefix', 'ipv6_range'],
  ...['mbox', 'user_fqdn', 'DN', 'DNS', 'FQDN', 'GN', 'IP', 'MBOX', 'USER_FQDN'],
];

export function parseIkeConfig(text: string, file: string): IkeConfigReading {
  const problems: Problem[] = [];
  const complain: Complain = (code, at, what, todo) => problems.push({ code, severity: 'error', what, at, todo });
  const { tokens, unclosed, end } = readTokens(text, file);
  if (unclosed !== undefined) {
    complain('IKE_UNCLOSED', unclosed.at, `\`${unclosed.text}\` is opened and never closed`, 'close it');
  }
  const reader = new TokenReader(tokens, end);
  const globals = new Map<string, string | number | true>();
  const transforms: IkeTransform[] = [];
  const rules: IkeRule[] = [];
  while (reader.next !== undefined) {
    const { at } = reader;
    const token = reader.take();
    if (token?.kind === 'open') {
      const rule = readRule(reader, at, complain);
      if (rule !== undefined) rules.push(rule);
    } else if (token?.kind === 'word' && token.text === 'p1_xform') {
      const transform = readTransform(reader, at, complain);
      if (transform !== undefined) transforms.push(transform);
    } else if (token?.kind === 'word' && GLOBALS.has(token.text)) {
      const value = readSetting(token.text, GLOBALS.get(token.text) ?? 'string', reader, complain);
      if (value !== undefined) globals.set(token.text, value);
    } else complain('IKE_UNKNOWN_WORD', at, `\`${token?.text ?? ''}\` is not a setting`, 'see ike.config(4)');
  }
  checkRules(rules, transforms, complain);
  return { config: { globals, transforms, rules }, problems };
}

function readSetting(
  name: string,
  kind: IkeSettingKind,
  reader: TokenReader,
  complain: Complain,
): string | number | true | undefined {
  if (kind === 'flag') return true;
  const { at } = reader;
  const value = reader.takeValue();
  if (value === undefined) {
    complain('IKE_VALUE_MISSING', at, `${name} has no value`, 'write one after it');
    return undefined;
  }
  if (kind === 'string') return value.text;
  if (kind === 'id-type') {
    if (ID_TYPES.includes(value.text)) return value.text;
    complain('IKE_ID_TYPE', at, `\`${value.text}\` is not an identity type`, 'use ip, dns, mbox or dn');
    return undefined;
  }
  const number = /^(0[xX][0-9a-fA-F]+|\d+(\.\d+)?)$/.test(value.text) ? Number(value.text) : undefined;
  const allowed = kind === 'group' ? number === 0 || (number !== undefined && OAKLEY_GROUPS.includes(number)) : true;
  if (number !== undefined && allowed) return number;
  const what = kind === 'group' ? `\`${value.text}\` is not a group` : `\`${value.text}\` is not a number`;
  complain('IKE_NUMBER', at, `${name}: ${what}`, kind === 'group' ? 'use 0, 1, 2, 5, 14, 15 or 16' : 'write a number');
  return undefined;
}

function readRule(reader: TokenReader, at: SourcePosition, complain: Complain): IkeRule | undefined {
  const settings = new Map<string, string | number | true>();
  const lists = { local_addr: [], remote_addr: [], local_id: [], remote_id: [] };
  const texts: Record<keyof typeof lists, { text: string; at: SourcePosition }[]> = lists;
  const transforms: IkeTransform[] = [];
  while (reader.takeIf('close') === undefined) {
    const start = reader.at;
    const token = reader.take();
    if (token === undefined) {
      complain('IKE_UNCLOSED', at, 'the rule is not closed', 'write } after it');
      return undefined;
    }
    const kind = RULE_SETTINGS.get(token.text);
    const list = listOf(token.text);
    if (token.text === 'p1_xform') {
      const transform = readTransform(reader, start, complain);
      if (transform !== undefined) transforms.push(transform);
    } else if (list !== undefined) {
      const value = reader.takeValue();
      if (value === undefined) complain('IKE_VALUE_MISSING', start, `${token.text} has no value`, 'write one after it');
      else texts[list].push({ text: value.text, at: value.at });
    } else if (kind !== undefined) {
      if (settings.has(token.text)) complain('IKE_TWICE', start, `${token.text} is given twice`, 'keep one of them');
      const value = readSetting(token.text, kind, reader, complain);
      if (value !== undefined) settings.set(token.text, value);
    } else complain('IKE_UNKNOWN_WORD', start, `\`${token.text}\` does not belong in a rule`, 'take it out');
  }
  const addresses = (name: 'local_addr' | 'remote_addr'): IkeRule['local'] => {
    if (texts[name].length === 0)
      complain('IKE_RULE_INCOMPLETE', at, `the rule has no ${name}`, `add ${name} and an address`);
    return texts[name].flatMap(({ text, at: place }) => {
      const parsed = parseIkeAddresses(text);
      if (parsed === undefined)
        complain('IKE_ADDRESS', place, `\`${text}\` is not an address`, 'write A, A/length or A-B');
      return parsed ?? [];
    });
  };
  const label = settings.get('label');
  if (typeof label !== 'string' || label === '') {
    complain('IKE_RULE_INCOMPLETE', at, 'the rule has no label', 'add label "…", different in each rule');
  }
  const idType = settings.get('local_id_type');
  const lifetime = settings.get('p2_lifetime_secs');
  const pfs = settings.get('p2_pfs');
  return {
    label: typeof label === 'string' ? label : '',
    at,
    local: addresses('local_addr'),
    remote: addresses('remote_addr'),
    localIdType: typeof idType === 'string' ? idType : undefined,
    localIds: texts.local_id.map(({ text }) => text),
    remoteIds: texts.remote_id.map(({ text }) => text),
    p2LifetimeSeconds: typeof lifetime === 'number' ? lifetime : undefined,
    p2Pfs: typeof pfs === 'number' ? pfs : undefined,
    transforms,
  };
}

function listOf(name: string): 'local_addr' | 'remote_addr' | 'local_id' | 'remote_id' | undefined {
  return (['local_addr', 'remote_addr', 'local_id', 'remote_id'] as const).find((one) => one === name);
}

function checkRules(rules: readonly IkeRule[], globals: readonly IkeTransform[], complain: Complain): void {
  const labels = new Set<string>();
  for (const { label, at, transforms, localIds, remoteIds } of rules) {
    if (label !== '' && labels.has(label)) {
      complain('IKE_LABEL_TWICE', at, `a rule before this one has the label "${label}"`, 'labels must differ');
    }
    labels.add(label);
    if (transforms.length === 0 && globals.length === 0) {
      complain('IKE_RULE_INCOMPLETE', at, 'the rule has no p1_xform', 'add one to it, or one before all rules');
    }
    const methods = new Set(
      (transforms.length === 0 ? globals : transforms).map(({ authMethod }) => authMethod === 'preshared'),
    );
    if (methods.size > 1) {
      complain('IKE_METHODS_MIXED', at, 'preshared and certificate transforms in one rule', 'make two rules of it');
    }
    if (methods.has(false) && (localIds.length === 0 || remoteIds.length === 0)) {
      complain('IKE_RULE_INCOMPLETE', at, 'certificates need local_id and remote_id', 'add both');
    }
  }
}
