/** Algorithms of rules and SAs in the words that links of the inventory have for them. */

import type { Suite } from '../model/host.js';
import type { LoadedRule, Transform } from '../model/policy.js';
import { CIPHERS, INTEGRITIES, readAlgorithm, type Algorithm } from '../inventory/algorithms.js';
import { isCounterMode } from '../inventory/suite.js';
import type { FoundSa } from './find-manual-keys.js';

/** Of the first alternative, which is what the host sends by. */
export function suiteOfRule({ actions }: LoadedRule): Suite | undefined {
  const action = actions.find(({ kind }) => kind === 'protect');
  if (action?.kind !== 'protect' || action.ah !== undefined || action.esp === undefined) return undefined;
  const { encr, auth } = action.esp;
  return suiteOf(named(encr, CIPHERS), auth === undefined ? undefined : named(auth, INTEGRITIES));
}

export function suiteOfSa({ encr, encrAuth }: Pick<FoundSa, 'encr' | 'encrAuth'>): Suite | undefined {
  return suiteOf(wordOf(encr, CIPHERS), encrAuth === undefined ? undefined : wordOf(encrAuth, INTEGRITIES));
}

/** Fixed keys may not run in counter mode; the inventory refuses it. */
export function isManualSuite(suite: Suite): boolean {
  return !isCounterMode(suite);
}

function suiteOf(encr: string | undefined, encrAuth: string | undefined): Suite | undefined {
  if (encr === undefined) return undefined;
  const combined = isCounterMode({ encr });
  // The inventory refuses both a cipher without integrity and integrity beside a cipher that has its own.
  if (combined !== (encrAuth === undefined)) return undefined;
  return encrAuth === undefined ? { encr } : { encr, encrAuth };
}

function named({ algorithm, maxBits }: Transform, table: readonly Algorithm[]): string | undefined {
  return wordOf(`${algorithm}(${maxBits})`, table) ?? wordOf(algorithm, table);
}

function wordOf(text: string, table: readonly Algorithm[]): string | undefined {
  const reading = readAlgorithm(text, table);
  return reading.kind === 'algorithm' ? reading.text : undefined;
}
