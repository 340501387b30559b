/** A template after parsing: the few kinds of node that our templates may hold, each with its place in the file. */

import type { Problem, SourcePosition } from '../errors.js';

export type TemplateNode =
  | { readonly kind: 'text'; readonly text: string; readonly at: SourcePosition }
  | { readonly kind: 'value'; readonly expr: Expr; readonly at: SourcePosition }
  | ({ readonly kind: 'if'; readonly unless: boolean; readonly test: Expr } & Block)
  | ({ readonly kind: 'each'; readonly list: Expr } & Block)
  | ({ readonly kind: 'with'; readonly value: Expr } & Block)
  | {
      readonly kind: 'partial';
      readonly name: string;
      readonly context: Expr | undefined;
      readonly hash: readonly (readonly [string, Expr])[];
      /** White space before a partial that stands alone on its line; goes before each of its lines. */
      readonly indent: string;
      readonly at: SourcePosition;
    };

interface Block {
  readonly body: readonly TemplateNode[];
  readonly otherwise: readonly TemplateNode[];
  readonly blockParams: readonly string[];
  readonly at: SourcePosition;
}

export type Expr =
  | { readonly kind: 'literal'; readonly value: string | number | boolean | null; readonly at: SourcePosition }
  | {
      readonly kind: 'path';
      /** How many `../` it begins with. */
      readonly depth: number;
      /** `@root`, `@index` and their kind. */
      readonly data: boolean;
      readonly parts: readonly string[];
      /** As written. */
      readonly original: string;
      readonly at: SourcePosition;
    }
  | { readonly kind: 'call'; readonly helper: string; readonly args: readonly Expr[]; readonly at: SourcePosition };

/** What is wrong with a template, before it is known for which host. Becomes a `Problem`. */
export class TemplateFault extends Error {
  override readonly name = 'TemplateFault';
  constructor(
    readonly code: string,
    readonly what: string,
    readonly at: SourcePosition,
    readonly todo: string,
  ) {
    super(what);
  }

  problem(host?: string): Problem {
    const what = host === undefined ? this.what : `${this.what} (rendering host "${host}")`;
    return { code: this.code, severity: 'error', what, at: this.at, todo: this.todo };
  }
}
