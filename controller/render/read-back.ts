/**
 * Reads every rendered file with our own parsers of the hosts' languages: the proof is about the text that will be
 * installed, not about what a template meant.
 */

import type { Problem, SourcePosition } from '../errors.js';
import { fileText, type ManagedFile, type ManagedPath } from '../model/managed-file.js';
import { parseIkeConfig } from '../keys/parse-ike-config.js';
import { parseIkePreshared } from '../keys/parse-ike-preshared.js';
import { parseIpseckeys } from '../keys/parse-ipseckeys.js';
import type { NameTables } from '../policy/name-tables.js';
import { type Complaint, parsePolicy } from '../policy/parse-ipsecinit.js';
import { predictLoad, type PredictedLoad } from '../policy/predict-load.js';
import { STOCK_NAMES } from '../policy/stock-names.js';
import { keyFileNames } from './host-names.js';
import { keyBitsName } from './key-bits.js';
import type { Rendered } from './render-host.js';

type Line = (line: number) => { readonly at?: SourcePosition; readonly text: string };

/**
 * Every problem of the files, placed at the template line that wrote the line concerned. `load` is what the host would
 * make of the policy, for a caller that has asked already.
 */
export function readBack(rendered: Rendered, load?: PredictedLoad, names = STOCK_NAMES): readonly Problem[] {
  return rendered.files.flatMap((file) => {
    const text = dummyText(file, rendered.keyBits);
    const lines = text.split('\n');
    const origins = rendered.origins.get(file.path) ?? [];
    const line: Line = (number) => {
      const at = origins[number - 1];
      // A line with a key in it, dummy or not, is never shown.
      const shown = file.path.startsWith('/etc/inet/secret/') ? '' : (lines[number - 1] ?? '').trim();
      return { ...(at === undefined ? {} : { at }), text: shown };
    };
    return readFile(file.path, text, line, load, names);
  });
}

function readFile(
  path: ManagedPath,
  text: string,
  line: Line,
  load: PredictedLoad | undefined,
  names: NameTables,
): readonly Problem[] {
  switch (path) {
    case '/etc/inet/ipsecinit.conf':
      return readPolicy(text, line, load ?? predictLoad(text, names), names);
    case '/etc/inet/secret/ipseckeys':
      return readKeys(path, text, line, names);
    case '/etc/inet/ike/config':
      return readIke(text, line);
    case '/etc/inet/secret/ike.preshared':
      return readPreshared(text, line);
  }
}

/** The file with keys of the right length that are nobody's, and generation 1. */
export function dummyText(file: ManagedFile, keyBits: Rendered['keyBits']): string {
  return fileText(file, { generation: 1, key: (id, part) => dummyKey(keyBits.get(keyBitsName(id, part)) ?? 256) });
}

/** Odd parity, no weak DES key, no two parts alike. */
function dummyKey(bits: number): string {
  return '0123456789abcdef1032547698badcfe2301674589efcdab'.repeat(4).slice(0, bits / 4);
}

/** Loaded first as the host will load it; only when it has something to say is it looked at entry by entry. */
function readPolicy(
  text: string,
  line: Line,
  { accepted, messages, rules }: PredictedLoad,
  names: NameTables,
): readonly Problem[] {
  const empty = 'the rendered policy holds no rule: the host would go on with the old one';
  if (accepted && rules.length === 0) return [whole('RENDERED_POLICY_EMPTY', empty, line)];
  if (accepted && messages === '') return [];
  const problems = parsePolicy(text, names).complaints.map((complaint) => complained(complaint, line));
  if (accepted)
    return problems.length > 0
      ? problems
      : [{ ...whole('RENDERED_POLICY_DOUBTFUL', `ipsecconf warns: ${messages.trim()}`, line), severity: 'warning' }];
  if (problems.some(({ severity }) => severity === 'error')) return problems;
  return [
    ...problems,
    whole('RENDERED_POLICY_REFUSED', `ipsecconf would refuse the rendered policy: ${messages.trim()}`, line),
  ];
}

function complained({ severity, line: number, messages }: Complaint, line: Line): Problem {
  const { at, text } = line(number);
  const said = messages.join(' ').trim();
  const verb = severity === 'error' ? 'would refuse' : 'warns of';
  return {
    code: severity === 'error' ? 'RENDERED_POLICY_REFUSED' : 'RENDERED_POLICY_DOUBTFUL',
    severity,
    what: `ipsecconf ${verb} the rendered line "${text}"${said === '' ? '' : `: ${said}`}`,
    ...(at === undefined ? {} : { at }),
    todo: 'mend the template line or the value that it writes there',
  };
}

function whole(code: string, what: string, line: Line): Problem {
  const { at } = line(1);
  return { code, severity: 'error', what, ...(at === undefined ? {} : { at }), todo: 'mend the template' };
}

function readKeys(path: ManagedPath, text: string, line: Line, names: NameTables): readonly Problem[] {
  const { commands, problems } = parseIpseckeys(text, path, keyFileNames(names));
  const refused = problems.map((problem) => traced('RENDERED_KEYS_REFUSED', 'ipseckey', problem, line));
  if (refused.length > 0 || commands.some(({ command }) => command.kind === 'request')) return refused;
  return [whole('RENDERED_KEYS_EMPTY', 'the rendered key file adds no SA', line)];
}

function readIke(text: string, line: Line): readonly Problem[] {
  const { config, problems } = parseIkeConfig(text, '/etc/inet/ike/config');
  const refused = problems.map((problem) => traced('RENDERED_IKE_REFUSED', 'in.iked', problem, line));
  if (refused.length > 0 || config.rules.length > 0) return refused;
  return [whole('RENDERED_IKE_EMPTY', 'the rendered IKE configuration holds no rule', line)];
}

function readPreshared(text: string, line: Line): readonly Problem[] {
  const { keys, problems } = parseIkePreshared(text, '/etc/inet/secret/ike.preshared');
  const refused = problems.map((problem) => traced('RENDERED_PSK_REFUSED', 'in.iked', problem, line));
  if (refused.length > 0 || keys.length > 0) return refused;
  return [whole('RENDERED_PSK_EMPTY', 'the rendered PSK file holds no key', line)];
}

/** A parser's problem, moved from the rendered line to the template line that wrote it. */
function traced(code: string, tool: string, problem: Problem, line: Line): Problem {
  const number = problem.at?.line ?? 1;
  const { at, text } = line(number);
  const shown = text === '' ? '' : ` "${text}"`;
  const what = `${tool} on line ${number} of the rendered file${shown}: ${problem.what}`;
  return { code, severity: problem.severity, what, todo: problem.todo, ...(at === undefined ? {} : { at }) };
}
