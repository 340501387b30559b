/**
 * Reads every rendered file with our own parsers of the hosts' languages: the proof is about the text that will be
 * installed, not about what a template meant.
 */

import type { Problem, SourcePosition } from '../errors.js';
import { fileText, holdsKeys, type ManagedFile } from '../model/managed-file.js';
import type { IkeConfigReading } from '../keys/parse-ike-config.js';
import type { PresharedReading } from '../keys/parse-ike-preshared.js';
import type { KeyFile } from '../keys/parse-ipseckeys.js';
import type { NameTables } from '../policy/name-tables.js';
import { type Complaint, parsePolicy } from '../policy/parse-ipsecinit.js';
import { predictLoad, type PredictedLoad } from '../policy/predict-load.js';
import { STOCK_NAMES } from '../policy/stock-names.js';
import { keyBitsName } from './key-bits.js';
import { readRendered, type RenderedHost } from './read-files.js';
import type { Rendered } from './render-host.js';

/** What is known of a rendered line; `undefined`: of the file as a whole. */
type Line = (line: number | undefined) => { readonly at?: SourcePosition; readonly text: string };

/**
 * Every problem of the files, placed at the template line that wrote the line concerned. `load` is what the host would
 * make of the policy, for a caller that has asked already.
 */
export function readBack(rendered: RenderedHost, load?: PredictedLoad, names = STOCK_NAMES): readonly Problem[] {
  const { texts, keys, ike, preshared } = rendered.read ?? readRendered(rendered, names);
  return [...texts].flatMap(([path, text]): readonly Problem[] => {
    const origins = rendered.origins.get(path) ?? [];
    let lines: readonly string[] | undefined;
    const line: Line = (number) => {
      const at = number === undefined ? rendered.templates.get(path) : origins[number - 1];
      // A line with a key in it, dummy or not, is never shown.
      lines ??= text.split('\n');
      const shown = number === undefined || holdsKeys(path) ? '' : (lines[number - 1] ?? '').trim();
      return { ...(at === undefined ? {} : { at }), text: shown };
    };
    switch (path) {
      case '/etc/inet/ipsecinit.conf':
        return readPolicy(text, line, load ?? predictLoad(text, names), names);
      case '/etc/inet/secret/ipseckeys':
        return keys === undefined ? [] : readKeys(keys, line);
      case '/etc/inet/ike/config':
        return ike === undefined ? [] : readIke(ike, line);
      case '/etc/inet/secret/ike.preshared':
        return preshared === undefined ? [] : readPreshared(preshared, line);
    }
  });
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
  const { at } = line(undefined);
  return { code, severity: 'error', what, ...(at === undefined ? {} : { at }), todo: 'mend the template' };
}

function readKeys({ commands, problems }: KeyFile, line: Line): readonly Problem[] {
  const refused = problems.map((problem) => traced('RENDERED_KEYS_REFUSED', 'ipseckey', problem, line));
  if (refused.length > 0 || commands.some(({ command }) => command.kind === 'request')) return refused;
  return [whole('RENDERED_KEYS_EMPTY', 'the rendered key file adds no SA', line)];
}

function readIke({ config, problems }: IkeConfigReading, line: Line): readonly Problem[] {
  const refused = problems.map((problem) => traced('RENDERED_IKE_REFUSED', 'in.iked', problem, line));
  if (refused.length > 0 || config.rules.length > 0) return refused;
  return [whole('RENDERED_IKE_EMPTY', 'the rendered IKE configuration holds no rule', line)];
}

function readPreshared({ keys, problems }: PresharedReading, line: Line): readonly Problem[] {
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
