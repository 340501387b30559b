/** The keys that may stand at a place of a shape, for "did you mean". */

import { z } from 'zod';
import type { SourcePath } from './source-tree.js';

/** Keys of the mappings that `shape` allows at `path`. */
export function knownKeys(shape: unknown, path: SourcePath): string[] {
  const found = path.reduce<readonly unknown[]>((shapes, part) => shapes.flatMap((s) => below(s, part)), unwrap(shape));
  return [...new Set(found.flatMap((s) => (s instanceof z.ZodObject ? Object.keys(s.shape) : [])))];
}

function unwrap(shape: unknown): readonly unknown[] {
  if (shape instanceof z.ZodOptional) return unwrap(shape.unwrap());
  return shape instanceof z.ZodUnion ? shape.options.flatMap(unwrap) : [shape];
}

function below(shape: unknown, part: PropertyKey): readonly unknown[] {
  if (shape instanceof z.ZodArray) return unwrap(shape.element);
  if (shape instanceof z.ZodRecord) return unwrap(shape.valueType);
  return shape instanceof z.ZodObject ? unwrap(Object.entries(shape.shape).find(([key]) => key === part)?.[1]) : [];
}
