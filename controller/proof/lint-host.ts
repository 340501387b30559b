/** Lint of what a host's files were rendered to, each finding at the template line that wrote it. */

import type { Problem } from '../errors.js';
import type { Host } from '../model/host.js';
import { ABOUT_KEYS, KIND_OF_PATH, lintRendered } from '../keys/lint/lint-rendered.js';
import { namesOf } from '../render/host-names.js';
import { dummyText } from '../render/read-back.js';
import type { Rendered } from '../render/render-host.js';

/** `today` as `YYYY-MM-DD`: suppressions expire. Errors and warnings. */
export function lintHost(host: Host, { files, keyBits, origins }: Rendered, today: string): readonly Problem[] {
  const context = { names: namesOf(host), local: host.addresses, today };
  return files.flatMap((file) => {
    const lines = origins.get(file.path) ?? [];
    const origin = (line: number) => lines[line - 1];
    const label = `${file.path} of ${host.name}`;
    return lintRendered(dummyText(file, keyBits), KIND_OF_PATH[file.path], { ...context, origin, file: label }).filter(
      ({ code }) => !ABOUT_KEYS.has(code),
    );
  });
}
