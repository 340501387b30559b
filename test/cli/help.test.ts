import * as fs from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import yargs, { type CommandModule } from 'yargs';

import { applyCommand } from '../../controller/cli/commands/apply.js';
import { diffCommand } from '../../controller/cli/commands/diff.js';
import { drillCommand } from '../../controller/cli/commands/drill.js';
import { driftCommand } from '../../controller/cli/commands/drift/drift.js';
import { explainCommand } from '../../controller/cli/commands/explain.js';
import { importCommand } from '../../controller/cli/commands/import.js';
import { initCommand } from '../../controller/cli/commands/init.js';
import { labCommand } from '../../controller/cli/commands/lab.js';
import { matrixCommand } from '../../controller/cli/commands/matrix.js';
import { planCommand } from '../../controller/cli/commands/plan.js';
import { policyCommand } from '../../controller/cli/commands/policy/policy.js';
import { privilegesCommand } from '../../controller/cli/commands/privileges.js';
import { probeCommand } from '../../controller/cli/commands/probe.js';
import { renderCommand } from '../../controller/cli/commands/render.js';
import { rollbackCommand } from '../../controller/cli/commands/rollback.js';
import { statusCommand } from '../../controller/cli/commands/status.js';
import { validateCommand } from '../../controller/cli/commands/validate.js';
import { verifyCommand } from '../../controller/cli/commands/verify.js';

const CHECKOUT = join(import.meta.dirname, '..', '..');

const SUBCOMMANDS: Readonly<Record<string, readonly string[]>> = {
  policy: ['predict', 'decide', 'fmt', 'lint'],
  drift: ['', 'watch', 'install-service', 'incidents', 'accept', 'accepted', 'unaccept', 'release', 'notify'],
  lab: [
    ...['up', 'down', 'status', 'reset', 'exec', 'controller', 'reboot', 'power-cut'],
    ...['fault', 'cut', 'heal', 'loss', 'delay', 'clock', 'disk', 'demo'],
  ],
};

/** Options of other programs that the documentation names. */
const OF_OTHERS = new Set(['global', 'cells', 'cell', 'data', 'team', 'full-time']);

/** What `--help` prints, by the words of the command. */
const helps = new Map<string, string>();

beforeAll(async () => {
  await Promise.all(
    [
      ...[help('apply', applyCommand), help('diff', diffCommand), help('drill', drillCommand)],
      ...[help('explain', explainCommand), help('import', importCommand), help('init', initCommand)],
      ...[help('matrix', matrixCommand), help('plan', planCommand), help('privileges', privilegesCommand)],
      ...[help('probe', probeCommand), help('render', renderCommand), help('rollback', rollbackCommand)],
      ...[help('status', statusCommand), help('validate', validateCommand), help('verify', verifyCommand)],
      ...[help('drift', driftCommand), help('policy', policyCommand), help('lab', labCommand)],
    ].flat(),
  );
});

function help<T>(name: string, command: CommandModule<object, T>): Promise<void>[] {
  return (SUBCOMMANDS[name] ?? ['']).map(async (word) => {
    const words = [name, word].join(' ').trim();
    helps.set(words, await yargs(words.split(' ')).scriptName('ipsec-deploy').command(command).wrap(null).getHelp());
  });
}

test('help names each choice of an option once', () => {
  for (const [words, text] of helps) {
    const lists = [...text.matchAll(/choices: ([^\]]*)\]/g)].map(([, list = '']) => list.split(', '));
    for (const list of lists) expect(list, words).toEqual([...new Set(list)]);
  }
  expect(helps.get('validate')).toContain('[choices: "text", "json", "sarif"]');
});

test('help names no operand that the command does not take, and each that it takes', () => {
  for (const [words, text] of helps) {
    if (words === 'drift') continue; // its own operand is that of its first subcommand, which has no name
    const usage = /^ipsec-deploy (.*)/.exec(text)?.[1] ?? '';
    const operands = [...usage.matchAll(/[<[]([\w-]+)(?:\.\.)?[>\]]/g)].map(([, name = '']) => name);
    const part = /\nPositionals:\n([\s\S]*?)\n\n/.exec(text)?.[1] ?? '';
    const told = [...part.matchAll(/^ {2}(\S+)/gm)].map(([, name = '']) => name);
    expect(told.sort(), words).toEqual(operands.sort());
  }
});

test('every option that the documentation names is one of some command, and of the command that it is shown with', () => {
  const pages = ['README.md', 'docs/operators-guide.md', 'docs/lab.md', 'docs/probes.md', 'docs/security.md']
    .concat(['docs/templates.md', 'docs/json-output.md', 'docs/drift.md', 'docs/drift-memory.md'])
    .concat(['docs/drift-metrics.md', 'docs/drift-notifications.md', 'docs/lint-rules.md', 'agent/README.md']);
  const all = [...helps.values()].join('\n');
  const seen = new Set<string>();
  for (const page of pages) {
    const text = fs.readFileSync(join(CHECKOUT, page), 'utf8');
    for (const [, option = ''] of text.matchAll(/(?<=[\s`(])--(?:no-)?([a-z][a-z-]+)/g)) {
      if (OF_OTHERS.has(option)) continue;
      seen.add(option);
      expect(all, `${page}: --${option}`).toContain(` --${option} `);
    }
    for (const [line] of text.matchAll(/ipsec-deploy [a-z-]+[^`\n|]*/g)) {
      const command = line.split(/ -- | #|\n/)[0] ?? '';
      const [, first = '', second = ''] = command.split(/\s+/);
      const shown = helps.get(`${first} ${second}`) ?? helps.get(first);
      for (const [option] of command.matchAll(/--[a-z][a-z-]*/g)) {
        expect(shown ?? '', `${page}: ${command}`).toContain(` --${option.replace(/^--(no-)?/, '')} `);
      }
    }
  }
  expect(seen.size).toBeGreaterThan(40);
});
