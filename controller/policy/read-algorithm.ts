/** Reads an algorithm of a rule with its key lengths: `aes`, `aes(256)`, `aes(128..)`, `any`, `none`, `12`. */

import { algorithmNamed, algorithmNumbered, type AlgorithmKind } from './algorithms.js';
import { wholeNumber } from './c-numbers.js';
import type { AlgorithmRequest } from './entry.js';

/** Longest text that is looked at. */
const TEXT_LIMIT = 39;
/** Stands for "no upper end". */
const UNLIMITED = 0xffff;

/** `crash`: the real program dies on a value made of parentheses only. */
export type AlgorithmRead = AlgorithmRequest | 'none' | 'bad' | 'crash';

export function readAlgorithm(word: string, kind: AlgorithmKind): AlgorithmRead {
  const parts = /^([()]*([^()]+))(?:[()]+([^()]+))?/.exec(word.slice(0, TEXT_LIMIT));
  if (!parts) return 'crash';
  const [, name = '', first = '', lengths] = parts;
  if (lengths !== undefined && word.length - first.length - lengths.length > 2) return 'bad';
  const bits = lengths === undefined ? { minBits: 0, maxBits: UNLIMITED } : readLengths(lengths);
  if (name.toLowerCase() === 'none') return 'none';
  if (name.toLowerCase() === 'any') return { algorithm: 'any', ...bits };
  const number = /^\d+$/.test(name) ? wholeNumber(name) : -1;
  const algorithm = algorithmNamed(kind, name) ?? algorithmNumbered(kind, number);
  if (algorithm === undefined) return 'bad';
  const request = { algorithm, ...bits };
  return algorithmFits(request, algorithm) ? request : 'bad';
}

/** Whether the lengths asked for and those the algorithm has overlap. */
export function algorithmFits(
  { minBits, maxBits }: Omit<AlgorithmRequest, 'algorithm'>,
  algorithm: { readonly minBits: number; readonly maxBits: number },
): boolean {
  if (minBits === 0 && maxBits === 0) return true;
  return Math.max(minBits, algorithm.minBits) <= Math.min(maxBits, algorithm.maxBits);
}

/**
 * What stands in the parentheses. The real program tells the forms apart by counting characters, so a garbled
 * upper end passes for none at all, and a lower end followed by any two characters is open upwards.
 */
function readLengths(text: string): { readonly minBits: number; readonly maxBits: number } {
  const [low, high] = text.split('.').filter((part) => part !== '');
  const min = low === undefined ? 0 : unsigned(wholeNumber(low));
  const max = high === undefined ? UNLIMITED : unsigned(wholeNumber(high));
  const lowLength = low?.length ?? 0;
  if (text.length === lowLength) return { minBits: min, maxBits: min };
  if (text.startsWith('.')) return { minBits: 0, maxBits: min };
  if (text.length - 2 === lowLength) return { minBits: min, maxBits: UNLIMITED };
  return { minBits: min, maxBits: max };
}

function unsigned(value: number): number {
  return value < 0 ? value + 2 ** 32 : value;
}
