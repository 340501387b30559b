/** Template text to nodes. The only place that calls Handlebars: its parser reads the language, our nodes are what runs. */

import Handlebars from 'handlebars';
import type { SourcePosition } from '../errors.js';
import { nearest } from '../inventory/suggest.js';
import { BLOCK_HELPERS, HELPERS } from './template-helpers.js';
import { type Expr, TemplateFault, type TemplateNode } from './template-nodes.js';

/** Names that lead from a value to its prototype or constructor: never data, whoever owns them. */
const PROTOTYPE_NAMES = new Set([
  '__proto__',
  'constructor',
  'prototype',
  '__defineGetter__',
  '__defineSetter__',
  '__lookupGetter__',
  '__lookupSetter__',
]);
const DATA_NAMES = new Set(['root', 'index', 'key', 'first', 'last']);

function isA<T extends hbs.AST.Node>(type: T['type']): (node: hbs.AST.Node) => node is T {
  return (node): node is T => node.type === type;
}
const isContent = isA<hbs.AST.ContentStatement>('ContentStatement');
const isMustache = isA<hbs.AST.MustacheStatement>('MustacheStatement');
const isBlock = isA<hbs.AST.BlockStatement>('BlockStatement');
const isPartial = isA<hbs.AST.PartialStatement>('PartialStatement');
const isPath = isA<hbs.AST.PathExpression>('PathExpression');
const isCall = isA<hbs.AST.SubExpression>('SubExpression');
const isString = isA<hbs.AST.StringLiteral>('StringLiteral');
const isNumber = isA<hbs.AST.NumberLiteral>('NumberLiteral');
const isBoolean = isA<hbs.AST.BooleanLiteral>('BooleanLiteral');

/** @throws TemplateFault for the first thing wrong with the text by itself. */
export function parseTemplate(file: string, text: string): readonly TemplateNode[] {
  const place = (node: hbs.AST.Node): SourcePosition => ({
    file,
    line: node.loc.start.line,
    column: node.loc.start.column + 1,
  });

  function statements(program: hbs.AST.Program | undefined): readonly TemplateNode[] {
    return (program?.body ?? []).flatMap((node): readonly TemplateNode[] => {
      const at = place(node);
      if (isContent(node)) return textLines(node, at);
      if (node.type === 'CommentStatement') return [];
      if (isMustache(node)) return [{ kind: 'value', expr: called(node, at), at }];
      if (isBlock(node)) return [block(node, at)];
      if (isPartial(node)) return [partial(node, at)];
      throw new TemplateFault(
        'TEMPLATE_UNSUPPORTED',
        'inline partials, partial blocks and decorators are not part of our templates',
        at,
        'put the text in a file of its own in partials/ and write {{> name}}',
      );
    });
  }

  function block(node: hbs.AST.BlockStatement, at: SourcePosition): TemplateNode {
    const name = node.path.original;
    const argument = node.params[0];
    if (!BLOCK_HELPERS.includes(name)) throw unknownHelper(name, at, BLOCK_HELPERS);
    if (argument === undefined || node.params.length > 1 || hasHash(node)) {
      throw new TemplateFault(
        'TEMPLATE_ARGUMENTS',
        `{{#${name}}} takes exactly one value`,
        at,
        `write {{#${name} value}} … {{/${name}}}`,
      );
    }
    // An inverted block ({{^if x}}) parses to a missing program.
    const parts = {
      body: statements(node.program),
      otherwise: statements(node.inverse),
      blockParams: node.program?.blockParams ?? [],
      at,
    };
    const value = expression(argument);
    if (name === 'each') return { kind: 'each', list: value, ...parts };
    if (name === 'with') return { kind: 'with', value, ...parts };
    return { kind: 'if', unless: name === 'unless', test: value, ...parts };
  }

  function partial(node: hbs.AST.PartialStatement, at: SourcePosition): TemplateNode {
    if (!isPath(node.name) && !isString(node.name)) {
      throw new TemplateFault(
        'TEMPLATE_UNSUPPORTED',
        'the name of a partial must be written out',
        at,
        'write {{> name}}',
      );
    }
    const [context, extra] = node.params;
    if (extra !== undefined) {
      throw new TemplateFault(
        'TEMPLATE_ARGUMENTS',
        'a partial takes at most one context',
        at,
        'write {{> name context key=value}}',
      );
    }
    const hash = hashPairs(node).map((pair) => [pair.key, expression(pair.value)] as const);
    const name = String(node.name.original);
    return {
      kind: 'partial',
      name,
      context: context === undefined ? undefined : expression(context),
      hash,
      indent: node.indent,
      at,
    };
  }

  /** `{{name}}` is a value; `{{name argument}}` a call. */
  function called(node: hbs.AST.MustacheStatement | hbs.AST.SubExpression, at: SourcePosition): Expr {
    if (node.type === 'MustacheStatement' && node.params.length === 0 && !hasHash(node)) return expression(node.path);
    const name = isPath(node.path) ? node.path.original : '';
    const helper = HELPERS.get(name);
    if (helper === undefined) throw unknownHelper(name, at, [...HELPERS.keys()]);
    if (node.params.length < helper.fewest || node.params.length > helper.most || hasHash(node)) {
      const count = helper.fewest === helper.most ? `${helper.fewest}` : `${helper.fewest} to ${helper.most}`;
      throw new TemplateFault(
        'TEMPLATE_ARGUMENTS',
        `"${name}" takes ${count} ${helper.most === 1 ? 'argument' : 'arguments'}, not ${node.params.length}`,
        at,
        'see the helpers in docs/templates.md',
      );
    }
    return { kind: 'call', helper: name, args: node.params.map(expression), at };
  }

  function expression(node: hbs.AST.Expression): Expr {
    const at = place(node);
    if (isPath(node)) return path(node, at);
    if (isCall(node)) return called(node, at);
    if (isString(node) || isNumber(node) || isBoolean(node)) return { kind: 'literal', value: node.value, at };
    return { kind: 'literal', value: null, at };
  }

  function path(node: hbs.AST.PathExpression, at: SourcePosition): Expr {
    const parts = node.parts.map(String);
    const forbidden = parts.find((part) => PROTOTYPE_NAMES.has(part));
    if (forbidden !== undefined) {
      throw new TemplateFault(
        'TEMPLATE_PROTOTYPE',
        `"${node.original}" reaches for ${forbidden}, which is no data`,
        at,
        'use only the values that docs/templates.md lists',
      );
    }
    if (node.data && !DATA_NAMES.has(parts[0] ?? '')) {
      throw new TemplateFault(
        'TEMPLATE_VALUE_MISSING',
        `there is no "${node.original}"`,
        at,
        'use @root, @index, @key, @first or @last',
      );
    }
    return { kind: 'path', depth: node.depth, data: node.data, parts, original: node.original, at };
  }

  return statements(parseText(file, text));
}

/** A node for each line, so that a rendered line can be traced to its own. White space taken off the front may hold a line end. */
function textLines(node: hbs.AST.ContentStatement, at: SourcePosition): readonly TemplateNode[] {
  // `original` is the text before white space was taken off; the library's types say otherwise.
  const original = String(node.original);
  const skipped = original.slice(0, Math.max(0, original.indexOf(node.value)));
  const firstLine = at.line + skipped.split('\n').length - 1;
  const lines = node.value === '' ? [] : node.value.split(/(?<=\n)/);
  return lines.map((text, i) => {
    const line = firstLine + i;
    const column = line === at.line ? at.column + skipped.length : 1;
    return { kind: 'text', text, at: { file: at.file, line, column } };
  });
}

function parseText(file: string, text: string): hbs.AST.Program {
  try {
    return Handlebars.parse(text);
  } catch (error) {
    throw syntaxFault(file, text, error);
  }
}

interface HandlebarsNodeWithHash {
  readonly hash?: hbs.AST.Hash;
}

/** Handlebars leaves `hash` undefined where there is none, against its own types. */
function hashPairs(node: HandlebarsNodeWithHash): readonly hbs.AST.HashPair[] {
  return node.hash?.pairs ?? [];
}

function hasHash(node: HandlebarsNodeWithHash): boolean {
  return hashPairs(node).length > 0;
}

function unknownHelper(name: string, at: SourcePosition, known: readonly string[]): TemplateFault {
  const near = nearest(name, known);
  const todo = near === undefined ? `use one of ${known.join(', ')}` : `did you mean "${near}"?`;
  return new TemplateFault('TEMPLATE_UNKNOWN_HELPER', `there is no helper "${name}" here`, at, todo);
}

/**
 * The parser tells the place in its message only: `Parse error on line 3:`, the text up to there, and a caret under it.
 * Errors found after parsing (an end that does not match its beginning) carry it as properties.
 */
function syntaxFault(file: string, text: string, error: unknown): TemplateFault {
  if (!(error instanceof Error)) throw error;
  const todo = 'mend the expression there; docs/templates.md shows the language';
  if (error instanceof Handlebars.Exception && typeof error.lineNumber === 'number') {
    const column = typeof error.column === 'number' ? error.column + 1 : 1;
    const what = error.message.replace(/ - \d+:\d+$/, '');
    return new TemplateFault('TEMPLATE_SYNTAX', what, { file, line: error.lineNumber, column }, todo);
  }
  const [heading = '', excerpt = '', caret = ''] = error.message.split('\n');
  const line = Number(/on line (\d+)/.exec(heading)?.[1] ?? 1);
  const token = /got '(\w+)'/.exec(error.message)?.[1];
  const before = excerpt.slice(0, Math.max(0, caret.indexOf('^'))).replace(/^\.\.\./, '');
  const column = columnAfter(text.split('\n')[line - 1] ?? '', before);
  const what =
    token === 'EOF'
      ? 'the template ends inside a block or an expression'
      : `the template cannot be read here${token === undefined ? '' : ` (unexpected ${token.toLowerCase().replaceAll('_', ' ')})`}`;
  return new TemplateFault('TEMPLATE_SYNTAX', what, { file, line, column }, todo);
}

/** The column behind the longest end of `before` that the line holds: the parser shows the text up to the error without its line ends. */
function columnAfter(line: string, before: string): number {
  for (let start = 0; start < before.length; start++) {
    const tail = before.slice(start);
    const found = line.lastIndexOf(tail);
    if (found >= 0) return found + tail.length + 1;
  }
  return 1;
}
