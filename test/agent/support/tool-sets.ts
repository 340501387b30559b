/** Sets of programs that stand in for the machine's own in a host's folder: AGENT_TOOLS names the one a run is for. */

import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';

/** What busybox has of the agent's list. */
const APPLETS =
  'awk sed ls cp mv rm ln mkdir chmod chown cat cmp ps sleep sync sha256sum date timeout pgrep pkill env'.split(' ');

/** illumos digest(1) with -v -a sha256, in its words. */
const DIGEST = `#!/bin/sh
[ "$1 $2 $3" = '-v -a sha256' ] || exit 2
shift 3
sum() { busybox sha256sum "$@" | { read -r hex rest; printf '%s\\n' "$hex"; }; }
[ "$#" -gt 0 ] || { echo "sha256 () = $(sum)"; exit; }
status=0
for file; do
    if [ -f "$file" ]; then echo "sha256 ($file) = $(sum "$file")"; else echo "digest: can not open input file $file" >&2; status=1; fi
done
exit "$status"
`;

const HIDDEN = '/usr/bin/sha256sum';

/** As programs of that root, which come before the machine's. Returns what the agent's shell has to be started with. */
export function placeTools(base: string, root: string): readonly string[] {
  const set = process.env['AGENT_TOOLS'];
  const bin = join(root, 'usr/bin');
  switch (set) {
    case undefined:
      return [];
    case 'busybox':
      for (const applet of APPLETS) fs.symlinkSync(pathOf('busybox'), join(bin, applet));
      return [];
    case 'digest': {
      fs.writeFileSync(join(bin, 'digest'), DIGEST, { mode: 0o755 });
      // In a mount namespace of its own, where that program is not one.
      const script = `#!/bin/sh\n[ ! -x ${HIDDEN} ] || mount --bind /dev/null ${HIDDEN} || exit\nexec "$@"\n`;
      fs.writeFileSync(join(base, 'hiding'), script, { mode: 0o755 });
      return ['unshare', '-m', join(base, 'hiding')];
    }
    default: {
      const [program = '', ...words] = set.split(' ');
      if (words.length === 0) fs.symlinkSync(pathOf(program), join(bin, 'awk'));
      else fs.symlinkSync(pathOf(program), join(bin, words[0] ?? ''));
      return [];
    }
  }
}

/** @throws Error when it is not there: what nobody tried is not known to work */
function pathOf(program: string): string {
  const found = spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program], { encoding: 'utf8' }).stdout.trim();
  if (found === '')
    throw new Error(`the agent must be tried with ${program}, which is not on this machine: install its package`);
  return found;
}
