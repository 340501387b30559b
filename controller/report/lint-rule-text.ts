/** The rules of lint in words: one of them for a terminal, and the page of all of them (docs/lint-rules.md). */

import { LINT_KINDS, RULES_BY_KIND, type LintKind } from '../keys/lint/rule-book.js';
import type { LintExample, RuleFacts } from '../policy/lint/finding.js';

/** What `policy lint --explain CODE` prints. */
export function ruleText({ code, severity, title, why, example }: RuleFacts): string {
  const given = givenText(example);
  return [
    `${code} (${severity}): ${title}`,
    '',
    why,
    ...(given === '' ? [] : ['', given]),
    '',
    'bad:',
    indented(example.bad),
    'good:',
    indented(example.good),
    '',
  ].join('\n');
}

function givenText({ local, hosts, mode }: LintExample): string {
  const parts = [
    ...(local === undefined ? [] : [`on a host with the address ${local.join(', ')} (\`--local\`)`]),
    ...(hosts === undefined
      ? []
      : [
          `with /etc/hosts (\`--hosts\`) saying ${hosts
            .trim()
            .split('\n')
            .map((line) => `\`${line}\``)
            .join(', ')}`,
        ]),
    ...(mode === undefined ? [] : [`the bad file having mode ${mode.toString(8).padStart(4, '0')}, the good one 0600`]),
  ];
  return parts.length === 0 ? '' : `Example ${parts.join(', ')}.`;
}

/** What cannot be seen is named, so that the example can be. */
function shownText(text: string): string {
  const lines = text.endsWith('\n') ? text.slice(0, -1) : `${text}⟨no newline⟩`;
  return lines.replace(/^\uFEFF/, '⟨byte order mark⟩').replace(/ {40,}/g, (blanks) => `⟨${blanks.length} blanks⟩`);
}

function indented(text: string): string {
  return shownText(text)
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');
}

const FILES: Readonly<Record<LintKind, string>> = {
  policy: 'Policy: ipsecinit.conf',
  keys: 'Manual keys: ipseckeys',
  ike: 'IKE: ike/config',
  psk: 'Preshared keys: ike.preshared',
};

const OPENING = `# Rules of lint

\`ipsec-deploy policy lint FILE…\` says first what the real tool would do with a file, and then what we think of it: two verdicts, kept
apart. It needs no inventory and no host. \`validate\` and every push look at the rendered files in the same way. \`policy lint --explain CODE\`
prints a paragraph of this page.

Severities: **error**, the file does not do what it says, or fails open; **warning**, unsafe or fragile; **info**, worth knowing.
The exit status is 1 when there is an error, a file that the tool would refuse, or one that cannot be read; with \`--strict\` for warnings too.
\`--local ADDR\` (the host’s own addresses) and \`--hosts FILE\` (its names) let more be said. A severity below is the usual one; single findings may weigh more or less.

## Silencing a finding

    # lint: ignore CODE[, CODE…] until YYYY-MM-DD because REASON

in a comment on the line of the entry, or alone on a line before it. The codes, the last day and the reason are all needed; the
comment counts through that day (UTC). A comment that is malformed, has expired, names an unknown code or silences nothing is a finding itself.
What a tool would refuse cannot be silenced.

- In ipsecinit.conf a comment may stand behind an entry, with a blank before its \`#\`: behind the last brace of the file a \`#\` without one makes the tool refuse it.
- In ipseckeys a comment has a line of its own: a \`#\` further on is a word.
- In a template write it as text: a Handlebars comment (\`{{! … }}\`) does not reach the file.
`;

/** docs/lint-rules.md, whole. */
export function rulesPage(): string {
  return `${OPENING}${LINT_KINDS.map((kind) => `\n## ${FILES[kind]}\n${RULES_BY_KIND[kind].map(ruleSection).join('')}`).join('')}`;
}

function ruleSection({ code, severity, title, why, example }: RuleFacts): string {
  const given = givenText(example);
  return [
    `\n### ${code}`,
    '',
    `**${severity}** · ${title}`,
    '',
    `${why}${given === '' ? '' : ` ${given}`}`,
    '',
    'Bad:',
    '',
    blockOf(example.bad),
    '',
    'Good:',
    '',
    blockOf(example.good),
    '',
  ].join('\n');
}

function blockOf(text: string): string {
  return `\`\`\`\n${shownText(text)}\n\`\`\``;
}
