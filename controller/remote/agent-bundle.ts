/** The shell parts of agent/ as the one script that is shipped, with its digest. Owns their order. */

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentScript } from './agent-link.js';

export interface AgentPart {
  /** Path under agent/. */
  readonly name: string;
  readonly text: string;
}

/** Every part only uses what stands before it when it is read; the last one runs. Each host takes its platform's part of them. */
const PART_NAMES: readonly string[] = [
  'platform/shell.sh',
  'lib/reply.sh',
  'lib/lock.sh',
  'lib/files.sh',
  'platform/boot-guard.xml',
  'platform/boot-guard.init',
  'platform/solaris.sh',
  'platform/solaris-smf.sh',
  'platform/solaris-legacy.sh',
  'platform/legacy-policy.awk',
  'platform/legacy-policy.sh',
  'lib/ipsec.awk',
  'lib/observe.sh',
  'lib/drift.awk',
  'lib/drift.sh',
  'lib/adopt.sh',
  'lib/probe.awk',
  'lib/probe.sh',
  'lib/transaction.sh',
  'lib/preflight.sh',
  'lib/steps.sh',
  'lib/deadman.sh',
  'lib/ending.sh',
  'lib/recovery.sh',
  'lib/history.sh',
  'ipsec-agent.sh',
];

/** Parts in another language become values of shell variables, named after them: `lib/ipsec.awk` is `$AWK_IPSEC`. */
export function bundleAgent(parts: readonly AgentPart[]): { readonly text: string; readonly digest: string } {
  const text = parts.map(({ name, text }) => (name.endsWith('.sh') ? text : quotedPart(name, text))).join('\n');
  if (!text.endsWith('\n#@end\n')) throw new Error('the last part of the agent must end in the line #@end');
  const odd = /[^\t\n\x20-\x7e]/.exec(text);
  if (odd)
    throw new Error(
      `the agent may hold only ASCII (yash reads nothing else): ${JSON.stringify(text.slice(odd.index - 30, odd.index + 1))}`,
    );
  if (text.indexOf('\n#@end\n') !== text.length - '\n#@end\n'.length) {
    throw new Error('#@end may stand only at the end of the agent: a host stops reading there');
  }
  return { text, digest: createHash('sha256').update(text).digest('hex') };
}

function quotedPart(name: string, text: string): string {
  if (text.includes("'")) throw new Error(`agent/${name} holds a single quote, which a shell string cannot`);
  const stem = name.slice(name.lastIndexOf('/') + 1, name.lastIndexOf('.')).replace(/\W/g, '_');
  const kind = name.slice(name.lastIndexOf('.') + 1);
  const variable = kind === 'awk' ? `awk_${stem}` : `${stem}_${kind}`;
  return `${variable.toUpperCase()}='${text.trimEnd()}'\n`;
}

/** Reads loader and parts from the package's agent/ folder. */
export async function readAgent(folder: string): Promise<AgentScript> {
  const read = (name: string): Promise<string> => readFile(join(folder, name), 'utf8');
  const [loader, ...parts] = await Promise.all([
    read('loader.sh'),
    ...PART_NAMES.map(async (name) => ({ name, text: await read(name) })),
  ]);
  return { loader, ...bundleAgent(parts) };
}
