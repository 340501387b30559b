/**
 * The shipped agent with meeting points: before and after each line of its journal it asks whether somebody waits for it there.
 * Everything else is the shipped text, but for the minute after which a tool that hangs in a revert is ended.
 */

import * as fs from 'node:fs';
import { join } from 'node:path';
import { agentFolder, packageRoot } from '../../controller/cli/package-files.js';

/** Beside the host's root, in the words of the agent. */
const BESIDE_ROOT = '$ROOT/../matrix';

const meet = (folder: string): string => `
# In a folder: \`wanted\` names the points where somebody waits; whoever comes there says so and waits for a word.
meet_matrix() { # before|after entry step
    [ -f "${folder}/wanted" ] || return 0
    matrix_wanted=
    read -r matrix_wanted <"${folder}/wanted"
    case " $matrix_wanted " in
        *" $3.$2.$1 "*)
            put "$$ $3.$2.$1" >"${folder}/at"
            read -r matrix_word <"${folder}/go"
            ;;
    esac
}
`;

type Edit = readonly [file: string, from: string, to: string];

const EDITS: readonly Edit[] = [
  [
    'lib/transaction.sh',
    'step() { # name begin|done|failed|skipped [text]\n    put "$2 $1 ${3-}" >>"$TX/journal"\n',
    'step() { # name begin|done|failed|skipped [text]\n    meet_matrix before "$2" "$1"\n    put "$2 $1 ${3-}" >>"$TX/journal"\n    meet_matrix after "$2" "$1"\n',
  ],
  ['lib/deadman.sh', 'sleep_unless_over 60 ', 'sleep_unless_over 2 '],
  [
    'lib/ending.sh',
    '    if ! mark_confirmed; then\n',
    '    meet_matrix before mark confirm\n    mark_confirmed\n    matrix_status=$?\n    meet_matrix after mark confirm\n    if [ "$matrix_status" != 0 ]; then\n',
  ],
];

/** What a test breaks on purpose, to see that the checks find it. */
export type Sabotage = Edit;

/** A package of the built program whose agent has meeting points, `meeting` the folder of each host's; returns its folder. */
export function stagePackage(folder: string, sabotage: readonly Sabotage[] = [], meeting = BESIDE_ROOT): string {
  fs.mkdirSync(folder, { recursive: true });
  for (const part of ['bin', 'dist', 'templates', 'package.json'])
    fs.cpSync(join(packageRoot, part), join(folder, part), { recursive: true });
  fs.cpSync(agentFolder, join(folder, 'agent'), { recursive: true });
  fs.symlinkSync(join(packageRoot, 'node_modules'), join(folder, 'node_modules'));
  for (const [file, from, to] of [...EDITS, ...sabotage]) {
    const path = join(folder, 'agent', file);
    const text = fs.readFileSync(path, 'utf8');
    if (!text.includes(from)) throw new Error(`agent/${file} has changed: it no longer has\n${from}`);
    fs.writeFileSync(
      path,
      text.replace(from, () => to),
    );
  }
  const transaction = join(folder, 'agent/lib/transaction.sh');
  fs.appendFileSync(transaction, meet(meeting));
  return folder;
}
