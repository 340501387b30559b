/** The `suite:` of a host, group, link or the defaults: named algorithms that fit together, with a warning for weak ones. */

import type { SourcePosition } from '../errors.js';
import type { Suite } from '../model/host.js';
import { type Algorithm, CIPHERS, INTEGRITIES, readAlgorithm } from './algorithms.js';
import { problemError, problemWarning, type Report, type Sourced } from './problem-list.js';
import type { SuiteShape } from './schema.js';
import { nodeAt, positionOf, type SourceNode } from './source-tree.js';
import { alternatives, nearest } from './suggest.js';

export const DEFAULT_SUITE: Suite = { encr: 'aes(256)', encrAuth: 'sha256' };

const CLASSIC: Suite = { encr: 'blowfish', encrAuth: 'sha1' };

/** The suite in canonical names (`aes(256)`, `sha256`, `null`), or `undefined` when it is wrong. */
export function parseSuite(shape: SuiteShape, node: SourceNode, report: Report): Sourced<Suite> | undefined {
  const at = node.at;
  if (shape === 'classic') {
    warnWeak([...weaknesses(CLASSIC.encr, CIPHERS), ...weaknesses(CLASSIC.encrAuth ?? '', INTEGRITIES)], at, report);
    return { value: CLASSIC, at };
  }
  const encrNode = nodeAt(node, ['encr']);
  if (shape.encr === null && encrNode?.kind === 'scalar' && encrNode.source !== 'null') {
    report(
      problemError('MISSING_KEY', encrNode.at, 'suite.encr is empty', 'write a cipher, or null for integrity alone'),
    );
    return undefined;
  }
  const encr = algorithm(shape.encr ?? 'null', CIPHERS, 'cipher', positionOf(node, ['encr']), report);
  const authText = shape.encrAuth?.toLowerCase() === 'none' ? undefined : shape.encrAuth;
  const authAt = positionOf(node, ['encrAuth']);
  const auth =
    authText === undefined ? undefined : algorithm(authText, INTEGRITIES, 'integrity algorithm', authAt, report);
  if (encr === undefined || (authText !== undefined && auth === undefined)) return undefined;
  if (encr.algorithm.isCombined === true && auth !== undefined) {
    const what = `${encr.text} protects integrity itself; the kernel refuses it together with ${auth.text}`;
    report(problemError('COMBINED_WITH_AUTH', authAt, what, 'remove encrAuth'));
    return undefined;
  }
  if (encr.algorithm.isCombined !== true && auth === undefined) {
    const what =
      encr.text === 'null'
        ? 'null without encrAuth protects nothing'
        : `${encr.text} without integrity protection lets an attacker change the traffic unseen (RFC 8221)`;
    report(
      problemError('CIPHER_WITHOUT_AUTH', encrNode?.at ?? at, what, 'add encrAuth: sha256, or use aes-gcm16(256)'),
    );
    return undefined;
  }
  warnWeak(weaknesses(encr.text, CIPHERS), positionOf(node, ['encr']), report);
  if (auth === undefined) return { value: { encr: encr.text }, at };
  warnWeak(weaknesses(auth.text, INTEGRITIES), authAt, report);
  return { value: { encr: encr.text, encrAuth: auth.text }, at };
}

function algorithm(
  text: string,
  table: readonly Algorithm[],
  kind: string,
  at: SourcePosition,
  report: Report,
): { algorithm: Algorithm; text: string } | undefined {
  const reading = readAlgorithm(text, table);
  switch (reading.kind) {
    case 'algorithm':
      return reading;
    case 'bad-length': {
      const lengths = reading.algorithm.lengths.map(String);
      const [name = ''] = reading.algorithm.names;
      const what = `${name} has no ${reading.length}-bit key`;
      const todo = `write ${lengths.length <= 1 ? name : alternatives(lengths.map((n) => `${name}(${n})`))}`;
      report(problemError('KEY_LENGTH', at, what, todo));
      return undefined;
    }
    case 'unknown': {
      const names = table.flatMap((entry) => entry.names);
      const why = reading.name === 'any' ? '"any" includes des and null, so it is no' : `"${text}" is no known`;
      const match =
        reading.name === 'any' ? undefined : (withLength(reading.name, names) ?? nearest(reading.name, names));
      const todo =
        match === undefined
          ? `use ${alternatives(table.map((entry) => entry.names[0] ?? ''))}`
          : `did you mean "${match}"?`;
      report(problemError('UNKNOWN_ALGORITHM', at, `${why} ${kind}`, todo));
      return undefined;
    }
  }
}

/** `aes256` and `aes-256` as `aes(256)`. */
function withLength(name: string, names: readonly string[]): string | undefined {
  const [, stem = '', length = ''] = /^(.*?)-?(128|192|256)$/.exec(name) ?? [];
  return names.includes(stem) ? `${stem}(${length})` : undefined;
}

function weaknesses(text: string, table: readonly Algorithm[]): readonly string[] {
  const reading = readAlgorithm(text, table);
  return reading.kind === 'algorithm' && reading.algorithm.weakness !== undefined
    ? [`${reading.text} ${reading.algorithm.weakness}`]
    : [];
}

function warnWeak(weak: readonly string[], at: SourcePosition, report: Report): void {
  if (weak.length === 0) return;
  const todo = 'use encr: aes(256) with encrAuth: sha256 wherever both ends can';
  report(problemWarning('WEAK_SUITE', at, weak.join('; '), todo));
}

/** Whether the cipher runs in counter mode, where a key that starts again after a reboot gives the plaintext away. */
export function isCounterMode(suite: Suite): boolean {
  const reading = readAlgorithm(suite.encr, CIPHERS);
  return reading.kind === 'algorithm' && reading.algorithm.isCombined === true;
}

export function suiteText(suite: Suite): string {
  return suite.encrAuth === undefined ? suite.encr : `${suite.encr} with ${suite.encrAuth}`;
}
