/** What stands on a host where a file of ours belongs and is no plain file: the agent replaces none of it, for somebody put it there. */

import { insteadOfFile, removal } from '../model/file-kind.js';
import type { Observation } from '../model/observation.js';
import { managedPaths, type Adapter } from '../platform/adapter.js';
import type { Refusal } from '../platform/detect.js';

/** `undefined` where nothing is in the way of a change. The host itself refuses by the same rule (agent/lib/preflight.sh). */
export function inTheWay({ files }: Pick<Observation, 'files'>, adapter: Adapter): Refusal | undefined {
  const odd = managedPaths(adapter).flatMap((path) => {
    const found = files.find((file) => file.path === path && file.state === 'present');
    const words = found === undefined ? undefined : insteadOfFile(found);
    return found === undefined || words === undefined
      ? []
      : [{ words: `${path} is ${words}`, rm: removal(path, found) }];
  });
  if (odd.length === 0) return undefined;
  return {
    refusal: `${odd.map(({ words }) => words).join('; ')}: nothing but a plain file is replaced`,
    todo: `look who put it there; then, on the host, as root: ${odd.map(({ rm }) => rm).join(' && ')}; and run again`,
  };
}
