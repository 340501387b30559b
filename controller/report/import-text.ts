/** What an import read, what it made of it, and for each host whether that renders back. */

import type { ImportedFile, ImportedHost } from '../import/imported-host.js';
import type { HostOutcome } from '../model/run.js';
import { printable, type Paint } from './paint.js';
import { count } from './plan-text.js';

const AS: Readonly<Record<ImportedFile['as'], string>> = {
  bytes: 'rendered byte for byte',
  meaning: 'rendered with the same meaning',
  other: 'written anew by the next apply',
  unmanaged: 'left to the host',
};

export function importedHostText(host: ImportedHost, paint: Paint): string {
  const verdict = host.same
    ? paint('green', 'renders back to the same: yes')
    : paint('yellow', 'renders back to the same: no');
  const lines = [
    `${paint('bold', host.host)}: ${verdict}`,
    ...host.files.map(({ path, mode, as }) => `  ${path} (${mode}): ${AS[as]}`),
    `  ${count(host.rules, 'rule')} loaded${host.same ? ', the same as the rendered policy loads; the first plan is empty' : ''}`,
    ...host.differs.map((text) => `  ${paint('yellow', 'differs')}: ${printable(text)}`),
    ...host.notes.map((text) => `  note: ${printable(text)}`),
  ];
  return `${lines.join('\n')}\n`;
}

export function notImportedText(host: string, outcome: HostOutcome, paint: Paint): string {
  const reason = 'reason' in outcome ? outcome.reason : outcome.status;
  const todo = 'todo' in outcome ? `\n  ${printable(outcome.todo)}` : '';
  return `${paint('bold', host)}: ${paint('red', `not imported (${outcome.status})`)}: ${printable(reason)}${todo}\n`;
}
