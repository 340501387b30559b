/** A managed file, before and after, as a unified diff that holds no key. The only home of the diff package. */

import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff';

import { fileText, type ManagedFile } from '../model/managed-file.js';

/** What stands for a key on both sides of a diff; the agent masks the host's side with the same word. */
const MASKED_KEY = '[key]';

/** The text as it would be sent for a generation, each key reading `[key]`. */
export function maskedFileText(file: ManagedFile, generation: number): string {
  return fileText(file, { generation, key: () => MASKED_KEY });
}

/** Unified diff with three lines of context; `undefined` stands for a file that is not there. */
export function filePatch(
  path: string,
  before: string | undefined,
  after: ManagedFile | undefined,
  generation: number,
): string {
  return textPatch(path, before, after === undefined ? undefined : maskedFileText(after, generation));
}

/** Who edits a file by hand may have put a key into it, also where none belongs: what looks like one is not shown. */
export function textPatch(path: string, before: string | undefined, after: string | undefined): string {
  const patch = createTwoFilesPatch(
    before === undefined ? '/dev/null' : path,
    after === undefined ? '/dev/null' : path,
    before ?? '',
    after ?? '',
    undefined,
    undefined,
    { context: 3, headerOptions: FILE_HEADERS_ONLY },
  );
  return patch.replace(/[0-9a-f]{16,}/gi, '[masked]');
}
