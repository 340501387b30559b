/** Lint of a policy file as text: what the tool reads otherwise than a person does, and limits it does not watch. */

import type { Found, LintRule, Place } from './finding.js';
import { entryPlace, wordPlace, type PolicySubject } from './policy-subject.js';

type Rule = LintRule<PolicySubject>;

/** ipsecconf reads pieces of 1023 bytes, the line break counted. */
const LINE_BYTES = 1023;
/** Nearer than this to the limit, a word more and the line is cut. */
const LONG_LINE_BYTES = 999;

const emptyPolicy: Rule = {
  code: 'EMPTY_POLICY',
  severity: 'error',
  title: 'the file installs no rule',
  why: 'An empty file is a success to the tool: at boot everything then passes in the clear, and in a replace the former rules stay.',
  example: { bad: '# nothing yet\n', good: '{ raddr 10.0.0.9 } ipsec { encr_algs aes(256) encr_auth_algs sha256 }\n' },
  *check({ intact, entries }) {
    if (!intact || entries.some(({ rules }) => rules.length > 0)) return;
    const first = entries[0];
    const what = first === undefined ? 'the file has no entry' : 'no entry of the file installs a rule';
    yield {
      ...(first === undefined ? { line: 1, column: 1 } : entryPlace(first)),
      what,
      todo: 'write what is to be protected; to have no policy, disable the service',
    };
  },
};

const missingNewline: Rule = {
  code: 'MISSING_NEWLINE',
  severity: 'error',
  title: 'the last line does not end in a newline',
  why: 'With nothing behind its last brace the tool believes that an alternative follows, and refuses the whole file.',
  example: { bad: '{ lport 80 ulp tcp dir both } bypass {}', good: '{ lport 80 ulp tcp dir both } bypass {}\n' },
  *check({ text }) {
    if (text === '' || text.endsWith('\n')) return;
    const last = text.slice(text.lastIndexOf('\n') + 1);
    const harmless = /^\s*(#|$)/.test(last);
    yield {
      line: text.split('\n').length,
      column: last.length + 1,
      ...(harmless && { severity: 'info' as const }),
      what: harmless
        ? 'the last line, a comment, has no newline: a line added to it would be lost'
        : 'the file does not end in a newline',
      todo: 'end the last line',
    };
  },
};

const gluedComment: Rule = {
  code: 'COMMENT_GLUED',
  severity: 'error',
  title: 'a comment touches the brace before it',
  why: 'With nothing between the last brace and the `#` the tool believes that an alternative follows, and refuses the file.',
  example: {
    bad: '{ lport 80 ulp tcp dir both } bypass {}# web\n',
    good: '{ lport 80 ulp tcp dir both } bypass {} # web\n',
  },
  *check({ pieces, comments }) {
    const texts = new Map(pieces.map(({ line, column, text }) => [`${line}:${column + text.length}`, text]));
    for (const { line, column } of comments) {
      if (!texts.get(`${line}:${column}`)?.endsWith('}')) continue;
      yield {
        line,
        column,
        what: 'nothing stands between this comment and the brace',
        todo: 'put a blank before the #',
      };
    }
  },
};

const byteOrderMark: Rule = {
  code: 'BYTE_ORDER_MARK',
  severity: 'error',
  title: 'the file begins with a byte order mark',
  why: 'The tool takes the mark for a word where an entry must begin, and refuses the file.',
  example: {
    bad: '\uFEFF{ lport 80 ulp tcp dir both } bypass {}\n',
    good: '{ lport 80 ulp tcp dir both } bypass {}\n',
  },
  *check({ text }) {
    if (text.startsWith('\uFEFF'))
      yield {
        line: 1,
        column: 1,
        what: 'an invisible byte order mark stands first',
        todo: 'save the file as UTF-8 without it',
      };
  },
};

const longLine: Rule = {
  code: 'LONG_LINE',
  severity: 'error',
  title: 'a line is longer than the tool reads at once',
  why: 'Lines are read in pieces of 1023 bytes: a word is cut in two, and the tail of a comment is read as an entry.',
  example: {
    bad: `{ lport 80 ulp tcp dir both${' '.repeat(1000)}} bypass {}\n`,
    good: '{ lport 80 ulp tcp dir both }\n  bypass {}\n',
  },
  *check({ text }) {
    if (text.length <= LONG_LINE_BYTES / 4) return;
    let start = 0;
    for (let line = 1; start < text.length; line++) {
      const newline = text.indexOf('\n', start);
      const end = newline < 0 ? text.length : newline;
      const bytes = end - start > LONG_LINE_BYTES / 4 ? Buffer.byteLength(text.slice(start, end)) + 1 : 0;
      start = end + 1;
      if (bytes <= LONG_LINE_BYTES) continue;
      const cut = bytes > LINE_BYTES;
      yield {
        line,
        column: 1,
        ...(!cut && { severity: 'warning' as const }),
        what: `the line has ${bytes} bytes${cut ? ': the tool cuts it at 1023' : ', near the 1023 at which the tool cuts it'}`,
        todo: 'break it inside the braces',
      };
    }
  },
};

/** Storage of the real program (ipsecconf.c); what goes beyond falls upon other values. */
const KEYS_KEPT = 8;
const PROPERTIES_KEPT = 5;
const ALTERNATIVES_KEPT = 20;

const tooMuch: Rule = {
  code: 'OVER_LIMIT',
  severity: 'error',
  title: 'an entry has more parts than the tool has room for',
  why: 'Room is made for 8 keys in a pattern, 5 properties in a pair of braces and 20 alternatives, and nobody counts: what goes beyond overwrites other values, and the rule becomes another one.',
  example: {
    bad: '{ laddr 10.0.0.1 raddr 10.0.0.9 lport 0 lport 0 lport 0 lport 0 rport 0 rport 0 ulp tcp dir both } bypass {}\n',
    good: '{ laddr 10.0.0.1 raddr 10.0.0.9 ulp tcp dir both } bypass {}\n',
  },
  *check({ entries }) {
    for (const { pattern, alternatives } of entries) {
      const over = (
        words: readonly { readonly line: number; readonly column: number }[],
        kept: number,
        noun: string,
      ): Found[] => {
        const first = words[kept];
        if (first === undefined) return [];
        const place: Place = { line: first.line, column: first.column };
        return [
          {
            ...place,
            what: `${words.length} ${noun}, where ${kept} are kept`,
            todo: 'take some out, or make two entries of it',
          },
        ];
      };
      yield* over(
        pattern.map(({ key }) => key),
        KEYS_KEPT,
        'keys in a pattern',
      );
      yield* over(
        alternatives.map(({ action }) => action),
        ALTERNATIVES_KEPT,
        'alternatives in an entry',
      );
      for (const { properties } of alternatives) {
        yield* over(
          properties.filter((_, i) => i % 2 === 0),
          PROPERTIES_KEPT,
          'properties',
        );
      }
    }
  },
};

const looseWord: Rule = {
  code: 'LOOSE_WORD',
  severity: 'info',
  title: 'a word is only recognised by its first letters',
  why: 'Of `dir` and `negotiate` the tool compares the first letters only; another release may not.',
  example: { bad: '{ lport 80 ulp tcp dir bothways } bypass {}\n', good: '{ lport 80 ulp tcp dir both } bypass {}\n' },
  *check({ entries }) {
    const words = { dir: ['in', 'out', 'both'], negotiate: ['tunnel', 'transport'] };
    for (const { pattern } of entries) {
      for (const { key, value } of pattern) {
        if (key.text !== 'dir' && key.text !== 'negotiate') continue;
        const meant = words[key.text].find((word) => value.text.startsWith(word));
        if (meant === undefined || meant === value.text) continue;
        yield {
          ...wordPlace(value),
          what: `${key.text} ${value.text} passes for ${key.text} ${meant}`,
          todo: `write ${meant}`,
        };
      }
    }
  },
};

export const TEXT_RULES: readonly Rule[] = [
  emptyPolicy,
  missingNewline,
  gluedComment,
  byteOrderMark,
  longLine,
  tooMuch,
  looseWord,
];
