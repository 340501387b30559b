/** Finds `yes` and `no` among template values: YAML 1.2 reads them as text, which a template takes for true. */

import { problemError, type Report } from './problem-list.js';
import type { SourceNode } from './source-tree.js';

export function reportWordsForBooleans(node: SourceNode, what: string, report: Report): void {
  if (node.kind === 'map') {
    for (const entry of node.entries.values()) reportWordsForBooleans(entry.value, `${what}.${entry.key}`, report);
  } else if (node.kind === 'list') {
    node.items.forEach((item, i) => reportWordsForBooleans(item, `${what}[${i}]`, report));
  } else if (!node.quoted && typeof node.value === 'string' && /^(yes|no|on|off)$/i.test(node.value)) {
    const meant = /^(yes|on)$/i.test(node.value) ? 'true' : 'false';
    const todo = `write ${meant}, or "${node.value}" in quotes`;
    report(problemError('WORD_FOR_BOOLEAN', node.at, `${what} is the text "${node.value}", not ${meant}`, todo));
  }
}
