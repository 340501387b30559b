import { describe, expect, test } from 'vitest';
import type { Problem } from '../../../controller/errors.js';
import type { Value } from '../../../controller/model/host.js';
import { indexInventory } from '../../../controller/render/inventory-index.js';
import { readBack } from '../../../controller/render/read-back.js';
import { renderHost } from '../../../controller/render/render-host.js';
import { templateSet, type TemplateSource } from '../../../controller/render/template-set.js';
import { builtInTemplates, host, inventory, link } from '../../support/render-fleet.js';

const VARS = {
  note: 'two\nlines',
  brace: '10.0.0.1 } bypass {} #',
  words: ['a', 'b'],
  site: { name: 'north' },
  empty: null,
};

/** Every problem of host `a` when the operator's folder holds these files. */
function problemsWith(
  files: Readonly<Record<string, string>>,
  vars: Readonly<Record<string, Value>> = VARS,
): readonly Problem[] {
  const own = Object.entries(files).map(([path, text]): TemplateSource => ({ path, file: `tpl/${path}`, text }));
  const { set, problems } = templateSet([...builtInTemplates(), ...own]);
  if (problems.length > 0) return problems;
  const fleet = inventory([host('a', ['10.0.0.1'], 'peer', vars), host('b', ['10.0.0.2'])], [link('a', 'b')]);
  const [a] = fleet.hosts;
  if (a === undefined) throw new Error('no host');
  const rendered = renderHost({ host: a, index: indexInventory(fleet), templates: set, saFor: () => undefined });
  return [...rendered.problems, ...readBack(rendered)];
}

function shown({ code, what, at, todo }: Problem): readonly string[] {
  return [`${at?.file ?? '?'}:${at?.line ?? 0}:${at?.column ?? 0}`, code, what, todo];
}

const RULE = '{ raddr 10.0.0.2 dir both } drop {}\n';
const VALUES = 'see the values in docs/templates.md';
const ON_A = ' (rendering host "a")';

describe('a template that cannot be rendered is named with its line', () => {
  test.each<[string, string, readonly [string, string, string, string]]>([
    [
      'an expression that does not end',
      `${RULE}{{fleet\n`,
      [
        '2:8',
        'TEMPLATE_SYNTAX',
        'the template ends inside a block or an expression',
        'mend the expression there; docs/templates.md shows the language',
      ],
    ],
    [
      'a block that does not end',
      `${RULE}{{#each links}}\n${RULE}`,
      [
        '4:1',
        'TEMPLATE_SYNTAX',
        'the template ends inside a block or an expression',
        'mend the expression there; docs/templates.md shows the language',
      ],
    ],
    [
      'a block that ends as another',
      `${RULE}{{#if fleet}}x{{/each}}\n`,
      [
        '2:4',
        'TEMPLATE_SYNTAX',
        "if doesn't match each",
        'mend the expression there; docs/templates.md shows the language',
      ],
    ],
    [
      'an empty expression',
      `${RULE}  {{}}\n`,
      [
        '2:5',
        'TEMPLATE_SYNTAX',
        'the template cannot be read here (unexpected close)',
        'mend the expression there; docs/templates.md shows the language',
      ],
    ],
    [
      'a name that is not there',
      `${RULE}${RULE}  # {{flet}}\n`,
      ['3:7', 'TEMPLATE_VALUE_MISSING', `there is no value "flet"${ON_A}`, VALUES],
    ],
    [
      'a var that is not there',
      '# {{vars.contact}}\n',
      [
        '1:5',
        'TEMPLATE_VALUE_MISSING',
        `there is no value "vars.contact"${ON_A}`,
        'give contact under vars of the host or one of its groups, or write {{default vars.contact "…"}}',
      ],
    ],
    [
      'a var without a value',
      '# {{vars.empty}}\n',
      ['1:5', 'TEMPLATE_VALUE_MISSING', `"vars.empty" has no value${ON_A}`, VALUES],
    ],
    [
      'a deep var that is not there',
      '# {{vars.site.street.name}}\n',
      [
        '1:5',
        'TEMPLATE_VALUE_MISSING',
        `there is no value "vars.site.street.name"${ON_A}`,
        'give site.street.name under vars of the host or one of its groups, or write {{default vars.site.street.name "…"}}',
      ],
    ],
    [
      'a name of the top inside a list',
      '{{#each links}}\n# {{fleet}}\n{{/each}}\n',
      [
        '2:5',
        'TEMPLATE_VALUE_MISSING',
        `there is no value "fleet"${ON_A}`,
        '"fleet" stands at the top: write @root.fleet',
      ],
    ],
    [
      'a list that is not there',
      '{{#each linkz}}x{{/each}}\n',
      ['1:9', 'TEMPLATE_VALUE_MISSING', `there is no value "linkz"${ON_A}`, VALUES],
    ],
    [
      'a slip in a condition',
      '{{#if varz.dns}}x{{/if}}\n',
      ['1:7', 'TEMPLATE_VALUE_MISSING', `there is no value "varz.dns"${ON_A}`, VALUES],
    ],
    [
      'a list that is none',
      '{{#each fleet}}x{{/each}}\n',
      ['1:9', 'TEMPLATE_VALUE_KIND', `"fleet" is no list${ON_A}`, VALUES],
    ],
    [
      'a list as a value',
      '# {{links}}\n',
      ['1:5', 'TEMPLATE_VALUE_KIND', `"links" is a list, not one value${ON_A}`, VALUES],
    ],
    [
      'a record as a value',
      '# {{vars.site}}\n',
      ['1:5', 'TEMPLATE_VALUE_KIND', `"vars.site" is a record, not one value${ON_A}`, VALUES],
    ],
    [
      'a climb above the top',
      '# {{../fleet}}\n',
      ['1:5', 'TEMPLATE_VALUE_MISSING', `"../fleet" climbs above the top${ON_A}`, VALUES],
    ],
    [
      'a mistyped helper',
      '# {{prefx "10.0.0.0" 8}}\n',
      ['1:3', 'TEMPLATE_UNKNOWN_HELPER', 'there is no helper "prefx" here', 'did you mean "prefix"?'],
    ],
    [
      'an unknown helper',
      '# {{exec "id"}}\n',
      [
        '1:3',
        'TEMPLATE_UNKNOWN_HELPER',
        'there is no helper "exec" here',
        'use one of eq, not, and, or, default, prefix, line, upper, quoted',
      ],
    ],
    [
      "Handlebars' own log",
      '{{log fleet}}\n',
      [
        '1:1',
        'TEMPLATE_UNKNOWN_HELPER',
        'there is no helper "log" here',
        'use one of eq, not, and, or, default, prefix, line, upper, quoted',
      ],
    ],
    [
      "Handlebars' own lookup",
      '# {{lookup vars "x"}}\n',
      [
        '1:3',
        'TEMPLATE_UNKNOWN_HELPER',
        'there is no helper "lookup" here',
        'use one of eq, not, and, or, default, prefix, line, upper, quoted',
      ],
    ],
    [
      'an unknown block',
      '{{#repeat links}}x{{/repeat}}\n',
      ['1:1', 'TEMPLATE_UNKNOWN_HELPER', 'there is no helper "repeat" here', 'use one of each, if, unless, with'],
    ],
    [
      'a helper with too few',
      '# {{prefix "10.0.0.0"}}\n',
      ['1:3', 'TEMPLATE_ARGUMENTS', '"prefix" takes 2 arguments, not 1', 'see the helpers in docs/templates.md'],
    ],
    [
      'a block with too many',
      '{{#if fleet host}}x{{/if}}\n',
      ['1:1', 'TEMPLATE_ARGUMENTS', '{{#if}} takes exactly one value', 'write {{#if value}} … {{/if}}'],
    ],
    [
      'a helper that refuses',
      '# {{prefix fleet 8}}\n',
      [
        '1:3',
        'TEMPLATE_HELPER_REFUSED',
        `"prefix" wants an address and a length, such as {{prefix "10.0.0.0" 8}}${ON_A}`,
        'see the helpers in docs/templates.md',
      ],
    ],
    [
      'a prototype',
      '# {{vars.__proto__.x}}\n',
      [
        '1:5',
        'TEMPLATE_PROTOTYPE',
        '"vars.__proto__.x" reaches for __proto__, which is no data',
        'use only the values that docs/templates.md lists',
      ],
    ],
    [
      'a constructor',
      '# {{fleet.constructor.name}}\n',
      [
        '1:5',
        'TEMPLATE_PROTOTYPE',
        '"fleet.constructor.name" reaches for constructor, which is no data',
        'use only the values that docs/templates.md lists',
      ],
    ],
    [
      'a method of a list',
      '# {{links.map}}\n',
      ['1:5', 'TEMPLATE_VALUE_MISSING', `there is no value "links.map"${ON_A}`, VALUES],
    ],
    [
      'a method of a record',
      '# {{vars.toString}}\n',
      [
        '1:5',
        'TEMPLATE_VALUE_MISSING',
        `there is no value "vars.toString"${ON_A}`,
        'give toString under vars of the host or one of its groups, or write {{default vars.toString "…"}}',
      ],
    ],
    [
      'an unknown @ name',
      '# {{@env}}\n',
      ['1:5', 'TEMPLATE_VALUE_MISSING', 'there is no "@env"', 'use @root, @index, @key, @first or @last'],
    ],
    [
      'an inline partial',
      '{{#*inline "x"}}y{{/inline}}\n',
      [
        '1:1',
        'TEMPLATE_UNSUPPORTED',
        'inline partials, partial blocks and decorators are not part of our templates',
        'put the text in a file of its own in partials/ and write {{> name}}',
      ],
    ],
    [
      'a partial block',
      '{{#> banner}}y{{/banner}}\n',
      [
        '1:1',
        'TEMPLATE_UNSUPPORTED',
        'inline partials, partial blocks and decorators are not part of our templates',
        'put the text in a file of its own in partials/ and write {{> name}}',
      ],
    ],
    [
      'a partial by a computed name',
      '{{> (line fleet)}}\n',
      ['1:1', 'TEMPLATE_UNSUPPORTED', 'the name of a partial must be written out', 'write {{> name}}'],
    ],
    [
      'a mistyped partial',
      `${RULE}{{> baner}}\n`,
      ['2:1', 'TEMPLATE_UNKNOWN_PARTIAL', 'there is no partial "baner"', 'did you mean "banner"?'],
    ],
    [
      'an unknown partial',
      '{{> ../../etc/passwd}}\n',
      [
        '1:1',
        'TEMPLATE_UNKNOWN_PARTIAL',
        'there is no partial "../../etc/passwd"',
        'add partials/../../etc/passwd.hbs to your templates folder',
      ],
    ],
    [
      'a value of two lines',
      '# {{vars.note}}\n',
      [
        '1:3',
        'TEMPLATE_VALUE_UNSAFE',
        `"vars.note" holds a line end, a brace, #, a quote, a backslash or an invisible character${ON_A}`,
        'take the character out of the value; for whole rule lines of your own write {{line value}}',
      ],
    ],
    [
      'a value that breaks out',
      '{ raddr {{vars.brace}} dir both } drop {}\n',
      [
        '1:9',
        'TEMPLATE_VALUE_UNSAFE',
        `"vars.brace" holds a line end, a brace, #, a quote, a backslash or an invisible character${ON_A}`,
        'take the character out of the value; for whole rule lines of your own write {{line value}}',
      ],
    ],
    [
      'a line of two lines',
      '{{line vars.note}}\n',
      [
        '1:1',
        'TEMPLATE_HELPER_REFUSED',
        `"line" wants one line: this text holds a line end or another control character${ON_A}`,
        'see the helpers in docs/templates.md',
      ],
    ],
    [
      'a control character of its own',
      `${RULE}# \u0007\n`,
      [
        '2:1',
        'RENDERED_CONTROL_CHARACTER',
        'line 2 of /etc/inet/ipsecinit.conf for host "a" holds an invisible control character',
        'take it out of the template',
      ],
    ],
    [
      'a line that is too long',
      `${RULE}# ${'x'.repeat(1000)}\n`,
      [
        '2:1',
        'RENDERED_LINE_TOO_LONG',
        'line 2 of /etc/inet/ipsecinit.conf for host "a" is longer than 999 bytes',
        'break it up: the tool would cut it in two',
      ],
    ],
    [
      'no rule at all',
      '# nothing {{fleet}}\n',
      [
        '1:1',
        'RENDERED_POLICY_EMPTY',
        'the rendered policy holds no rule: the host would go on with the old one',
        'mend the template',
      ],
    ],
    [
      'a partial and nothing else',
      '{{> banner}}\n',
      [
        '1:1',
        'RENDERED_POLICY_EMPTY',
        'the rendered policy holds no rule: the host would go on with the old one',
        'mend the template',
      ],
    ],
    [
      'a rule that ipsecconf refuses',
      `${RULE}{ radr {{host.name}} dir both } drop {}\n`,
      [
        '2:1',
        'RENDERED_POLICY_REFUSED',
        'ipsecconf would refuse the rendered line "{ radr a dir both } drop {}": Invalid pattern on line 2: radr',
        'mend the template line or the value that it writes there',
      ],
    ],
  ])('%s', (_name, text, [place, code, what, todo]) => {
    const [problem] = problemsWith({ 'peer.hbs': text });
    if (problem === undefined) throw new Error('no problem was found');
    expect(shown(problem)).toEqual([`tpl/peer.hbs:${place}`, code, what, todo]);
  });

  test('inside a partial, the partial is named', () => {
    const [problem] = problemsWith({ 'partials/banner.hbs': '# one\n# {{owner}}\n' });
    expect(problem && shown(problem).slice(0, 3)).toEqual([
      'tpl/partials/banner.hbs:2:5',
      'TEMPLATE_VALUE_MISSING',
      `there is no value "owner"${ON_A}`,
    ]);
  });

  test.each<[string, string, string, string]>([
    [
      'ike-config',
      '# {{fleet}}\n{ label "x" local_adr {{host.name}} }\n',
      'RENDERED_IKE_REFUSED',
      'tpl/ike-config.hbs:2',
    ],
    ['ike-config', '# {{fleet}}\n', 'RENDERED_IKE_EMPTY', 'tpl/ike-config.hbs:1'],
    [
      'ike-preshared',
      '# x\n{{#each ike.preshared}}\n{ localid {{local}}\n key {{key}} }\n{{/each}}\n',
      'RENDERED_PSK_REFUSED',
      'tpl/ike-preshared.hbs:',
    ],
    ['ike-preshared', '# x\n', 'RENDERED_PSK_EMPTY', 'tpl/ike-preshared.hbs:1'],
  ])('what its daemon cannot read: %s of %j', (name, text, code, place) => {
    const [problem] = problemsWith({ [`${name}.hbs`]: text });
    expect(problem?.code).toBe(code);
    expect(`${problem?.at?.file ?? ''}:${problem?.at?.line ?? 0}`).toContain(place);
  });

  test.each<[string, string]>([
    ['add esp spi 1 dst 10.0.0.2 encr_alg rot13 encrkey 00 \n', 'RENDERED_KEYS_REFUSED'],
    ['# none\n', 'RENDERED_KEYS_EMPTY'],
  ])('what ipseckey cannot read: %j', (text, code) => {
    const own = { path: 'ipseckeys.hbs', file: 'tpl/ipseckeys.hbs', text };
    const { set } = templateSet([...builtInTemplates(), own]);
    const fleet = inventory([host('a', ['10.0.0.1']), host('b', ['10.0.0.2'])], [link('a', 'b', { keying: 'manual' })]);
    const [a] = fleet.hosts;
    if (a === undefined) throw new Error('no host');
    const rendered = renderHost({
      host: a,
      index: indexInventory(fleet),
      templates: set,
      saFor: () => ({ spi: 4096 }),
    });
    const [problem] = readBack(rendered);
    expect([problem?.code, problem?.at?.file]).toEqual([code, 'tpl/ipseckeys.hbs']);
  });

  test('partials that go in a circle', () => {
    const [problem] = problemsWith({
      'partials/x.hbs': 'a{{> y}}\n',
      'partials/y.hbs': '{{#if fleet}}\n {{> x}}\n{{/if}}\n',
    });
    expect(problem && shown(problem)).toEqual([
      'tpl/partials/y.hbs:2:2',
      'TEMPLATE_PARTIAL_LOOP',
      'partials go in a circle: x → y → x',
      'take the call out: a partial cannot call itself',
    ]);
  });

  test('lists inside lists until the file would not end', () => {
    const items = Array.from({ length: 300 }, (_, i) => `item number ${i}`);
    const nested = '{{#each @root.vars.items}}'.repeat(3) + '# {{this}}\n' + '{{/each}}'.repeat(3);
    const [problem] = problemsWith({ 'peer.hbs': nested }, { items });
    expect(problem?.code).toBe('TEMPLATE_OUTPUT_TOO_LARGE');
  });

  test('names that are no templates, and templates that are too large', () => {
    expect(problemsWith({ 'Peer.hbs': '' }).map(({ what }) => what)).toEqual(['"Peer.hbs" is no name for a template']);
    expect(problemsWith({ '../peer.hbs': '' }).map(({ code }) => code)).toEqual(['TEMPLATE_NAME']);
    expect(problemsWith({ 'peer.hbs': 'x'.repeat(2 ** 20 + 1) }).map(({ code }) => code)).toEqual([
      'TEMPLATE_TOO_LARGE',
    ]);
  });

  test('every broken template of a folder is reported at once', () => {
    const problems = problemsWith({ 'peer.hbs': '{{', 'mesh.hbs': '{{x y}}', 'partials/banner.hbs': '{{#if}}{{/if}}' });
    expect(problems.map(({ at }) => at?.file).sort()).toEqual([
      'tpl/mesh.hbs',
      'tpl/partials/banner.hbs',
      'tpl/peer.hbs',
    ]);
  });
});
