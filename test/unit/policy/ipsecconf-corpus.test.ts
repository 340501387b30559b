import { describe, expect, test } from 'vitest';
import { ipsecconf, type ToolFiles, type ToolResult } from '../../../controller/lab/tools/ipsecconf.js';
import { emptySpd, type Spd } from '../../../controller/policy/spd.js';
import { NAMES, readCases } from './corpus.js';

interface PolicyCase {
  readonly id: string;
  readonly note: string;
  readonly input: string;
  readonly accept: boolean;
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly load_exit: number;
  readonly loaded: readonly string[] | null;
  readonly nloaded: number | null;
  readonly list_stderr?: string;
}

interface SequenceCase {
  readonly id: string;
  readonly note: string;
  readonly files: Readonly<Record<string, string>>;
  readonly commands: readonly string[];
  readonly results: readonly { readonly exit: number; readonly stdout: string; readonly stderr: string }[];
}

/** A host with files in memory that keeps its policy from one command to the next. */
function host(initial: Readonly<Record<string, string>>): (command: string) => ToolResult {
  const contents = new Map(Object.entries(initial));
  const files: ToolFiles = { read: (path) => contents.get(path), write: (path, text) => contents.set(path, text) };
  let state: Spd = emptySpd();
  return (command) => {
    const words = command.split(' ');
    const env: Record<string, string> = {};
    for (let pair = words[0]?.split('='); pair?.length === 2; pair = words[0]?.split('=')) {
      env[pair[0] ?? ''] = pair[1] ?? '';
      words.shift();
    }
    const redirect = words.indexOf('<');
    const stdin = redirect < 0 ? '' : (contents.get(words[redirect + 1] ?? '') ?? '');
    const argv = words.slice(1, redirect < 0 ? undefined : redirect);
    const result = ipsecconf({ argv, env, stdin, files, state, names: NAMES });
    state = result.state;
    return result;
  };
}

describe('a policy file is checked, loaded and listed as the real ipsecconf does', () => {
  test.each(readCases<PolicyCase>('policy.jsonl').map((one) => [one.id, one.note, one] as const))(
    '%s: %s',
    (_id, _note, one) => {
      const check = host({ FILE: one.input })('ipsecconf -c FILE');
      const fresh = host({ FILE: one.input });
      const load = fresh('ipsecconf -q -a FILE');
      const list = fresh('ipsecconf -Ln');
      const rules = list.stdout.split('\n').filter((line) => line !== '' && !line.startsWith('#INDEX'));
      expect({
        exit: check.exit,
        accept: check.exit === 0,
        stderr: check.stderr.slice(0, 300),
        stdout: check.stdout.slice(0, 300),
        load_exit: load.exit,
        loaded: list.exit === 0 ? rules.map((line) => line.trimEnd()) : null,
        list_stderr: list.exit === 0 ? undefined : list.stderr,
      }).toEqual({
        exit: one.exit,
        accept: one.accept,
        stderr: one.stderr,
        stdout: one.stdout.slice(0, 300),
        load_exit: one.load_exit,
        loaded: one.loaded,
        list_stderr: one.list_stderr,
      });
      expect(list.exit === 0 ? rules.length : null).toBe(one.nloaded);
    },
  );
});

describe('several commands in a row leave the policy, the log and the words that the real ones leave', () => {
  const cases = readCases<SequenceCase>('sequences.jsonl').filter(({ commands }) =>
    commands.every((command) => /^(\S+=\S+ )*ipsecconf( |$)/.test(command)),
  );
  test.each(cases.map((one) => [one.id, one.note, one] as const))(
    '%s: %s',
    (_id, _note, { files, commands, results }) => {
      const run = host(files);
      const got = commands.map((command) => {
        const { exit, stdout, stderr } = run(command);
        return { command, exit, stdout, stderr };
      });
      expect(got).toEqual(results.map((result, i) => ({ command: commands[i], ...result })));
    },
  );
});
