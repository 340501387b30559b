/** The templates and partials in force: the built-in ones, each replaced by the operator's of the same name. */

import type { Problem } from '../errors.js';
import { nearest } from '../inventory/suggest.js';
import { parseTemplate } from './parse-template.js';
import { TemplateFault, type TemplateNode } from './template-nodes.js';

/** One `.hbs` file. `path` is relative to its folder (`solaris/peer.hbs`, `partials/banner.hbs`), `file` what errors call it. */
export interface TemplateSource {
  readonly path: string;
  readonly file: string;
  readonly text: string;
}

export interface Template {
  readonly file: string;
  readonly nodes: readonly TemplateNode[];
}

export interface TemplateSet {
  readonly templates: ReadonlyMap<string, Template>;
  readonly partials: ReadonlyMap<string, Template>;
}

/** Larger templates are a mistake: nothing a person writes comes near. */
const LARGEST_TEMPLATE = 1024 * 1024;

/**
 * Reads every template once. Later sources replace earlier ones of the same name: give the built-in ones first.
 * With any problem the set must not be rendered from.
 */
export function templateSet(sources: readonly TemplateSource[]): {
  readonly set: TemplateSet;
  readonly problems: readonly Problem[];
} {
  const problems: Problem[] = [];
  const inForce = new Map<string, TemplateSource>();
  for (const source of sources) {
    const name = templateName(source.path);
    if (name === undefined) problems.push(badName(source));
    else inForce.set(`${name.kind}:${name.name}`, source);
  }
  const templates = new Map<string, Template>();
  const partials = new Map<string, Template>();
  for (const [key, source] of inForce) {
    const [kind, name] = [key.slice(0, key.indexOf(':')), key.slice(key.indexOf(':') + 1)];
    try {
      (kind === 'partial' ? partials : templates).set(name, readTemplate(source));
    } catch (error) {
      if (!(error instanceof TemplateFault)) throw error;
      problems.push(error.problem());
    }
  }
  const set = { templates, partials };
  return { set, problems: problems.length > 0 ? problems : partialProblems(set) };
}

function readTemplate(source: TemplateSource): Template {
  const text = source.text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
  if (text.length > LARGEST_TEMPLATE) {
    throw new TemplateFault(
      'TEMPLATE_TOO_LARGE',
      'the template is larger than 1 MiB',
      start(source.file),
      'split it into partials',
    );
  }
  return { file: source.file, nodes: parseTemplate(source.file, text) };
}

/** `partials/x.hbs` is partial `x`; `solaris/x.hbs` and `x.hbs` are template `x`. */
function templateName(path: string): { readonly kind: 'partial' | 'template'; readonly name: string } | undefined {
  const match = /^(?:(partials|solaris)\/)?([a-z0-9][a-z0-9-]*)\.hbs$/.exec(path);
  return match?.[2] === undefined
    ? undefined
    : { kind: match[1] === 'partials' ? 'partial' : 'template', name: match[2] };
}

function badName(source: TemplateSource): Problem {
  return {
    code: 'TEMPLATE_NAME',
    severity: 'error',
    what: `"${source.path}" is no name for a template`,
    at: start(source.file),
    todo: 'call it name.hbs or partials/name.hbs, in lower-case letters, digits and hyphens',
  };
}

function start(file: string): { file: string; line: number; column: number } {
  return { file, line: 1, column: 1 };
}

/** Partials that do not exist, and partials that lead back to themselves. */
function partialProblems(set: TemplateSet): readonly Problem[] {
  const problems: Problem[] = [];
  const finished = new Set<string>();
  const visit = (nodes: readonly TemplateNode[], trail: readonly string[]): void => {
    for (const use of partialUses(nodes)) {
      const target = set.partials.get(use.name);
      if (target === undefined) {
        const near = nearest(use.name, set.partials.keys());
        const todo =
          near === undefined ? `add partials/${use.name}.hbs to your templates folder` : `did you mean "${near}"?`;
        problems.push(
          new TemplateFault('TEMPLATE_UNKNOWN_PARTIAL', `there is no partial "${use.name}"`, use.at, todo).problem(),
        );
      } else if (trail.includes(use.name)) {
        const circle = [...trail.slice(trail.indexOf(use.name)), use.name].join(' → ');
        const todo = 'take the call out: a partial cannot call itself';
        problems.push(
          new TemplateFault('TEMPLATE_PARTIAL_LOOP', `partials go in a circle: ${circle}`, use.at, todo).problem(),
        );
      } else if (!finished.has(use.name)) {
        visit(target.nodes, [...trail, use.name]);
        finished.add(use.name);
      }
    }
  };
  for (const [name, partial] of set.partials) {
    if (!finished.has(name)) visit(partial.nodes, [name]);
    finished.add(name);
  }
  for (const template of set.templates.values()) visit(template.nodes, []);
  return problems;
}

function partialUses(nodes: readonly TemplateNode[]): readonly Extract<TemplateNode, { kind: 'partial' }>[] {
  return nodes.flatMap((node) => {
    if (node.kind === 'partial') return [node];
    return 'body' in node ? [...partialUses(node.body), ...partialUses(node.otherwise)] : [];
  });
}
