import fc from 'fast-check';
import Handlebars from 'handlebars';
import { describe, expect, test } from 'vitest';
import type { Value } from '../../../controller/model/host.js';
import { fileText, type ManagedFile } from '../../../controller/model/managed-file.js';
import { evaluateTemplate } from '../../../controller/render/evaluate-template.js';
import { indexInventory } from '../../../controller/render/inventory-index.js';
import { readBack } from '../../../controller/render/read-back.js';
import { renderHost } from '../../../controller/render/render-host.js';
import { Placeholder, type TemplateRecord } from '../../../controller/render/template-helpers.js';
import { templateSet } from '../../../controller/render/template-set.js';
import { parsePolicy } from '../../../controller/policy/parse-ipsecinit.js';
import { builtInTemplates, host, inventory, link } from '../../support/render-fleet.js';

const PARTIALS = {
  item: '- {{name}}\n  of {{@root.title}}\n',
  pair: '{{left}}/{{right}}',
  empty: '',
  outer: '  {{> empty}}\n  {{> pair left=3 right=4}}\n  {{> pair left=5 right=6}}\n',
  nested: 'a\n  {{> item}}\nb\n',
};

function ours(text: string, data: TemplateRecord): string {
  const partials = Object.entries(PARTIALS).map(([name, body]) => ({
    path: `partials/${name}.hbs`,
    file: name,
    text: body,
  }));
  const { set, problems } = templateSet([...partials, { path: 'x.hbs', file: 'x.hbs', text }]);
  expect(problems).toEqual([]);
  const template = set.templates.get('x');
  if (template === undefined) throw new Error('no template');
  return evaluateTemplate(template, set, data).parts.join('');
}

function theirs(text: string, data: TemplateRecord): string {
  const environment = Handlebars.create();
  environment.registerPartial(PARTIALS);
  return environment.compile(text, { noEscape: true })(data);
}

const DATA = {
  title: 'T',
  name: 'top',
  on: true,
  off: false,
  zero: 0,
  none: [],
  words: ['x', 'y', 'z'],
  people: [
    { name: 'ada', tags: ['m', 'n'], age: 36 },
    { name: 'bob', tags: [], age: 0 },
  ],
  site: { name: 'north', room: { name: 'r1' } },
};

describe('a template gives what Handlebars gives', () => {
  test.each([
    'plain text\n',
    '{{title}} & {{{title}}} <{{name}}>\n',
    '{{! a comment }}\n{{!-- another }} --}}\nrest\n',
    '{{#if on}}yes{{else}}no{{/if}} {{#if off}}yes{{else}}no{{/if}} {{#if zero}}yes{{else}}no{{/if}}\n',
    '{{#if none}}\nyes\n{{else if on}}\nelse-if\n{{else}}\nno\n{{/if}}\nafter\n',
    '{{#unless off}}\nkept\n{{/unless}}\n{{^if off}}inverted{{/if}}\n',
    '{{#each words}}\n  {{@index}}:{{this}}{{#unless @last}},{{/unless}}\n{{/each}}\n',
    '{{#each none}}x{{else}}nothing{{/each}}\n',
    '{{#each people}}\n{{name}} {{../title}} {{#each tags}}{{this}}{{../name}}{{../../title}}{{else}}-{{/each}}\n{{/each}}\n',
    '{{#each people as |one i|}}\n{{i}} {{one.name}} {{title}}\n{{/each}}\n'.replace(' {{title}}', ' {{@root.title}}'),
    '{{#each site.room}}{{@key}}={{this}}{{/each}}\n',
    '{{#with site}}\n{{name}} {{room.name}} {{#with room}}{{name}} {{../name}}{{/with}}\n{{/with}}\n',
    '{{#with none}}x{{else}}empty{{/with}}\n',
    '  {{#if on}}  \n  body\n  {{/if}}  \n tail\n',
    'a {{~title~}} b\n {{~#if on~}} x {{~/if~}} y\n',
    '{{#each people}}\n    {{> item}}\n{{/each}}\nend\n',
    '{{> item}}\n\t{{> nested}}\n{{> item site}}\n{{> pair left=title right="lit"}} {{> pair site left=1 right=site.room.name}}\n',
    '{{#each words}}\n  {{> pair left=1 right=2}}\n{{/each}}\n',
    'text{{#if on}}\n  {{> outer}}\n  {{> empty}}\n  {{> outer}}\n{{/if}}\nend\n',
    '{{words.[1]}} {{words.length}} {{people.0.name}} {{this.title}} {{./title}}\n',
    '\\{{title}} { {{title}} } {} {{title}} }\n',
    'no newline at the end {{title}}\r\n\r\nx\r\n',
  ])('%j', (text) => {
    const expected = theirs(text.replaceAll('\r\n', '\n'), DATA);
    expect(ours(text, DATA)).toBe(expected.endsWith('\n') ? expected : `${expected}\n`);
  });

  test('of any nesting of blocks', () => {
    const leaf = fc.constantFrom(
      '{{@root.title}}',
      'text',
      '\n',
      '  ',
      '{{! c }}\n',
      '{{> pair left=1 right=2}}',
      '{{#if @root.on}}\n',
    );
    const tree = fc.letrec<{ node: string }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 4 },
        leaf.map((text) => (text.startsWith('{{#if') ? `${text}z\n{{/if}}\n` : text)),
        fc
          .tuple(
            fc.constantFrom('if @root.on', 'unless @root.zero', 'each @root.words', 'with @root.site', 'if @root.none'),
            tie('node'),
            tie('node'),
            fc.boolean(),
            fc.constantFrom('', '\n'),
          )
          .map(
            ([open, a, b, otherwise, eol]) =>
              `{{#${open}}}${eol}${a}${otherwise ? `{{else}}${eol}${b}` : ''}{{/${open.split(' ')[0] ?? ''}}}${eol}`,
          ),
        fc.tuple(tie('node'), tie('node')).map((pair) => pair.join('')),
      ),
    })).node;
    fc.assert(
      fc.property(tree, (text) => {
        const expected = theirs(text, DATA);
        expect(ours(text, DATA)).toBe(expected === '' || expected.endsWith('\n') ? expected : `${expected}\n`);
      }),
      { numRuns: 300 },
    );
  });
});

describe('helpers', () => {
  test.each([
    ['{{#if (eq title "T")}}y{{else}}n{{/if}}', 'y\n'],
    ['{{#if (eq title name)}}y{{else}}n{{/if}}', 'n\n'],
    ['{{#if (not (eq site.missing null))}}y{{/if}}{{#if (and on words)}}a{{/if}}{{#if (or off none)}}o{{/if}}', 'ya\n'],
    ['{{default site.missing "d"}} {{default site.name "d"}}', 'd north\n'],
    ['{{prefix "10.1.2.3" 16}} {{prefix "fd00::1" 128}}', '10.1.2.3/16 fd00::1\n'],
    ['{{line "{ a } # b"}}', '{ a } # b\n'],
  ])('%s', (text, expected) => {
    expect(ours(text, DATA)).toBe(expected);
  });
});

test('a placeholder is written as itself, and a template cannot look into it', () => {
  const key = new Placeholder({ key: 'psk:a--b', part: 'psk' });
  const { set } = templateSet([{ path: 'x.hbs', file: 'x', text: 'key {{k}}{{#if (eq k "x")}}!{{/if}}.\n' }]);
  const template = set.templates.get('x');
  if (template === undefined) throw new Error('no template');
  expect(evaluateTemplate(template, set, { k: key }).parts).toEqual(['key ', { key: 'psk:a--b', part: 'psk' }, '.\n']);
  for (const text of ['{{k.part}}', '{{#each k}}x{{/each}}', '{{k.part.key}}', '{{prefix k 8}}', '{{line k}}']) {
    const broken = templateSet([{ path: 'x.hbs', file: 'x', text }]).set;
    const one = broken.templates.get('x');
    if (one === undefined) throw new Error('no template');
    expect(() => evaluateTemplate(one, broken, { k: key })).toThrow();
  }
});

describe('whatever an operator writes into a var', () => {
  const value: fc.Arbitrary<Value> = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.string({ unit: fc.constantFrom('{', '}', '#', '\n', ' ', '"', '\\', 'a', '1', '\u2028', '\r'), maxLength: 20 }),
    fc.constantFrom(
      '10.0.0.9 dir both} bypass {} {',
      '} or pass {',
      '10.0.0.9\n{} bypass {}',
      '10.0.0.9 # ',
      '{{fleet}}',
      '{{{x}}}',
    ),
  );
  const TEMPLATE =
    '# {{vars.v}}\n{ raddr 10.0.0.9 dir both } drop {}\n{{#if vars.v}}\n# again {{default vars.v ""}}\n{{/if}}\n';

  test('it stays inside its comment, or is refused', () => {
    fc.assert(
      fc.property(value, (v) => {
        const own = { path: 'peer.hbs', file: 'peer.hbs', text: TEMPLATE };
        const fleet = inventory([host('a', ['10.0.0.1'], 'peer', { v })], []);
        const [a] = fleet.hosts;
        if (a === undefined) throw new Error('no host');
        const { set } = templateSet([...builtInTemplates(), own]);
        const rendered = renderHost({ host: a, index: indexInventory(fleet), templates: set, saFor: () => undefined });
        if (rendered.files.length === 0) expect(rendered.problems.length).toBeGreaterThan(0);
        else expect(policyOf(rendered.files)).toHaveLength(1);
      }),
      { numRuns: 500 },
    );
  });

  test('no rule of the built-in templates comes of it', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('bypass', 'dns', 'others', 'ike', 'x', '__proto__'), value), (vars) => {
        const fleet = inventory([host('a', ['10.0.0.1'], 'peer', vars), host('b', ['10.0.0.2'])], [link('a', 'b')]);
        const [a] = fleet.hosts;
        if (a === undefined) throw new Error('no host');
        const { set } = templateSet(builtInTemplates());
        const rendered = renderHost({ host: a, index: indexInventory(fleet), templates: set, saFor: () => undefined });
        if (rendered.files.length > 0) expect(policyOf(rendered.files)).toHaveLength(2);
        expect(readBack(rendered)).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  test.each(['two\nlines', 'a } bypass {} #', 'a#b', 'say "x"', 'back\\slash', 'zero\u200bwidth', 'bell\u0007'])(
    'the name of a fleet is refused when it is %j',
    (name) => {
      const fleet = { ...inventory([host('a', ['10.0.0.1'])], []), fleet: name };
      const [a] = fleet.hosts;
      if (a === undefined) throw new Error('no host');
      const { set } = templateSet(builtInTemplates());
      const rendered = renderHost({ host: a, index: indexInventory(fleet), templates: set, saFor: () => undefined });
      expect(rendered.problems.map(({ code, at }) => [code, at?.file])).toEqual([
        ['TEMPLATE_VALUE_UNSAFE', 'templates/partials/banner.hbs'],
      ]);
    },
  );
});

function policyOf(files: readonly ManagedFile[]): readonly unknown[] {
  const [policy] = files;
  if (policy === undefined) throw new Error('no policy');
  const { entries, complaints } = parsePolicy(fileText(policy, { generation: 1, key: () => '' }));
  expect(complaints).toEqual([]);
  return entries;
}
