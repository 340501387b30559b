/** What the YAML library found wrong, in words an operator can act on. */

import type { YAMLError } from 'yaml';
import type { Problem, SourcePosition } from '../errors.js';
import { problemError } from './problem-list.js';

const TODO: Partial<Record<YAMLError['code'], string>> = {
  BAD_INDENT: 'line it up with its neighbours, or close the bracket or quote before it',
  BAD_SCALAR_START: 'put the value in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'start a new line after the first colon, or put the value in quotes',
  MISSING_CHAR: 'look for a quote, comma or colon that is missing on this line or before it',
  MULTILINE_IMPLICIT_KEY: 'write "key: value", with a blank after the colon',
  MULTIPLE_DOCS: 'remove the line "---", and use "include:" for more files',
  NON_STRING_KEY: 'put the key in quotes; a range in a key inside { } needs them too',
  RESOURCE_EXHAUSTION: 'look for brackets that are never closed',
  TAB_AS_INDENT: 'indent with blanks',
  TAG_RESOLVE_FAILED: 'remove the tag: an inventory holds plain values, and secrets live in the key store',
  UNEXPECTED_TOKEN: 'look for a missing quote, comma or blank before this place',
};

const WHAT: Partial<Record<YAMLError['code'], string>> = {
  BLOCK_AS_IMPLICIT_KEY: 'a line has a second ": "',
  MULTILINE_IMPLICIT_KEY: 'a line is neither "key: value" nor part of the value before it',
  NON_STRING_KEY: 'a list or mapping is used as a key',
  MULTIPLE_DOCS: 'the file holds more than one YAML document',
  TAB_AS_INDENT: 'a tab is used as indentation',
};

export function syntaxProblem(fault: YAMLError, at: SourcePosition, text: string): Problem {
  const rangeInFlow =
    fault.message === 'Unexpected flow-seq-start at node end' && /^\[\w+:\w+\]/.test(text.slice(fault.pos[0]));
  if (rangeInFlow) {
    return problemError('YAML_SYNTAX', at, 'a range inside { } or [ ] needs quotes', "write it as '10.0.1.[11:30]'");
  }
  if (/^Flow (map|sequence) in block/.test(fault.message)) {
    const bracket = fault.message.includes('map') ? '{' : '[';
    return problemError(
      'YAML_SYNTAX',
      at,
      `a "${bracket}" before this place is not closed`,
      'close it, or indent what is in it',
    );
  }
  const what = WHAT[fault.code] ?? `not valid YAML: ${fault.message}`;
  return problemError('YAML_SYNTAX', at, what, TODO[fault.code] ?? 'mend the YAML here');
}
