/**
 * Runs a parsed template on plain values. Owns how Handlebars' nodes are carried out here: nothing is compiled to code,
 * properties are own properties only, a missing value is an error with its place, and a placeholder stays a placeholder.
 * docs/decisions/0003-templates-never-see-a-secret.md says why the library's own runtime is not called.
 */

import type { SourcePosition } from '../errors.js';
import { RenderOutput, type RenderedText } from './render-output.js';
import {
  HELPERS,
  isList,
  isRecord,
  isTruthy,
  Placeholder,
  RawLine,
  type TemplateRecord,
  type TemplateValue,
} from './template-helpers.js';
import { type Expr, TemplateFault, type TemplateNode } from './template-nodes.js';
import type { Template, TemplateSet } from './template-set.js';

/** What a name is looked up in: the current value, its `@` names, block parameters, and the frame around it. */
interface Frame {
  readonly value: TemplateValue;
  readonly data: TemplateRecord;
  readonly params: TemplateRecord;
  readonly outer: Frame | undefined;
}

/** Characters that could end a rule, begin a comment or a quote, or hide: no value may bring them into a file. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}{}#"\\]/u;

/** @throws TemplateFault */
export function evaluateTemplate(template: Template, set: TemplateSet, root: TemplateRecord): RenderedText {
  const output = new RenderOutput();
  const run = (nodes: readonly TemplateNode[], frame: Frame): void => {
    for (const node of nodes) step(node, frame);
  };

  function step(node: TemplateNode, frame: Frame): void {
    switch (node.kind) {
      case 'text':
        return output.text(node.text, node.at);
      case 'value':
        return write(evaluate(node.expr, frame), node.expr, node.at);
      case 'if': {
        const holds = isTruthy(evaluate(node.test, frame, true));
        return run(holds === node.unless ? node.otherwise : node.body, frame);
      }
      case 'with': {
        const value = evaluate(node.value, frame, true);
        if (!isTruthy(value)) return run(node.otherwise, frame);
        return run(node.body, inner(frame, value, {}, node.blockParams, [value]));
      }
      case 'each':
        return each(node, frame);
      case 'partial':
        return partial(node, frame);
    }
  }

  function each(node: Extract<TemplateNode, { kind: 'each' }>, frame: Frame): void {
    const list = evaluate(node.list, frame);
    if (list !== null && !isList(list) && !isRecord(list)) throw fault(node.list, 'is no list', 'TEMPLATE_VALUE_KIND');
    const entries: readonly (readonly [string | number, TemplateValue])[] =
      list === null ? [] : isList(list) ? list.map((value, i) => [i, value] as const) : Object.entries(list);
    if (entries.length === 0) return run(node.otherwise, frame);
    for (const [i, [key, value]] of entries.entries()) {
      const data = { index: i, key, first: i === 0, last: i === entries.length - 1 };
      run(node.body, inner(frame, value, data, node.blockParams, [value, key]));
    }
  }

  function partial(node: Extract<TemplateNode, { kind: 'partial' }>, frame: Frame): void {
    const target = set.partials.get(node.name);
    if (target === undefined) throw new Error(`partial ${node.name} was not checked`);
    const context = node.context === undefined ? frame.value : evaluate(node.context, frame);
    let within = node.context === undefined && node.hash.length === 0 ? frame : inner(frame, context, {}, [], []);
    if (node.hash.length > 0) {
      const hash = Object.fromEntries(node.hash.map(([name, expr]) => [name, evaluate(expr, frame)]));
      within = { ...within, value: { ...(isRecord(context) ? context : {}), ...hash } };
    }
    output.indented(node.indent, () => {
      run(target.nodes, within);
    });
  }

  function write(value: TemplateValue, expr: Expr, at: SourcePosition): void {
    if (value instanceof Placeholder) return output.placeholder(value, at);
    if (value instanceof RawLine) return output.text(value.text, at);
    if (value === null || value === undefined) throw fault(expr, 'has no value');
    if (isList(value) || isRecord(value)) {
      throw fault(expr, `is a ${isList(value) ? 'list' : 'record'}, not one value`, 'TEMPLATE_VALUE_KIND');
    }
    const text = String(value);
    if (UNSAFE.test(text)) {
      throw new TemplateFault(
        'TEMPLATE_VALUE_UNSAFE',
        `"${describe(expr)}" holds a line end, a brace, #, a quote, a backslash or an invisible character`,
        at,
        'take the character out of the value; for whole rule lines of your own write {{line value}}',
      );
    }
    output.text(text, at);
  }

  run(template.nodes, { value: root, data: { root }, params: {}, outer: undefined });
  return output.finish({ file: template.file, line: 1, column: 1 });
}

function inner(
  frame: Frame,
  value: TemplateValue,
  data: TemplateRecord,
  names: readonly string[],
  values: readonly TemplateValue[],
): Frame {
  const params = Object.fromEntries(names.map((name, i) => [name, values[i]]));
  return { value, data: { ...frame.data, ...data }, params: { ...frame.params, ...params }, outer: frame };
}

/** With `mayMiss` a value that is not there is `undefined`; otherwise it is a fault. */
function evaluate(expr: Expr, frame: Frame, mayMiss = false): TemplateValue {
  switch (expr.kind) {
    case 'literal':
      return expr.value;
    case 'path':
      return lookUp(expr, frame, mayMiss);
    case 'call': {
      const helper = HELPERS.get(expr.helper);
      if (helper === undefined) throw new Error(`helper ${expr.helper} was not checked`);
      const args = expr.args.map((arg) => evaluate(arg, frame, helper.takesMissing));
      const result = helper.call(args);
      if ('refused' in result) {
        throw new TemplateFault(
          'TEMPLATE_HELPER_REFUSED',
          result.refused,
          expr.at,
          'see the helpers in docs/templates.md',
        );
      }
      return result.value;
    }
  }
}

function lookUp(path: Extract<Expr, { kind: 'path' }>, frame: Frame, mayMiss: boolean): TemplateValue {
  let at: Frame | undefined = frame;
  for (let up = path.depth; up > 0 && at !== undefined; up--) at = at.outer;
  if (at === undefined) throw fault(path, 'climbs above the top');
  const [first, ...rest] = path.parts;
  if (first === undefined) return at.value;
  const isParam =
    !path.data && path.depth === 0 && !path.original.startsWith('this') && Object.hasOwn(at.params, first);
  const start = path.data ? at.data : isParam ? at.params : at.value;
  let value = property(start, first);
  // The names at the top are fixed, so one that is not there is a slip even where a missing value is allowed.
  const slip = value === undefined && !path.data && at.value === at.data['root'] && !isParam;
  if (value === undefined && (slip || !mayMiss)) throw missing(path, frame);
  for (const part of rest) {
    value = property(value, part);
    if (value === undefined && !mayMiss) throw missing(path, frame);
  }
  return value;
}

/** Own properties only: a value's prototype is out of reach, whatever the name. */
function property(value: TemplateValue, name: string): TemplateValue {
  if (isList(value)) return name === 'length' ? value.length : /^\d+$/.test(name) ? value[Number(name)] : undefined;
  return isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function missing(path: Extract<Expr, { kind: 'path' }>, frame: Frame): TemplateFault {
  const first = path.parts[0] ?? '';
  const root = frame.data['root'];
  const atTop = !path.data && frame.value !== root && property(root, first) !== undefined;
  const todo = atTop
    ? `"${first}" stands at the top: write @root.${path.parts.join('.')}`
    : path.parts[0] === 'vars'
      ? `give ${path.parts.slice(1).join('.')} under vars of the host or one of its groups, or write {{default ${path.original} "…"}}`
      : path.parts.includes('keys')
        ? 'name a key that is stored, of a link that this host is an end of; keys of other hosts are out of reach'
        : 'see the values in docs/templates.md';
  return new TemplateFault('TEMPLATE_VALUE_MISSING', `there is no value "${path.original}"`, path.at, todo);
}

function describe(expr: Expr): string {
  return expr.kind === 'path' ? expr.original : expr.kind === 'call' ? expr.helper : String(expr.value);
}

function fault(expr: Expr, what: string, code = 'TEMPLATE_VALUE_MISSING'): TemplateFault {
  return new TemplateFault(code, `"${describe(expr)}" ${what}`, expr.at, 'see the values in docs/templates.md');
}
