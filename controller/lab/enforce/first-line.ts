/** Waits for the word by which a helper process says that it is ready. */

import type { ChildProcessWithoutNullStreams } from 'node:child_process';

/** The first line of a process's output. @throws Error with what it said on stderr when it ends instead */
export function firstLine(child: ChildProcessWithoutNullStreams, name: string): Promise<string> {
  let said = '';
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
  child.stdin.on('error', () => undefined);
  return new Promise((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const end = said.indexOf('\n');
      if (end >= 0) resolve(said.slice(0, end));
    });
    child.once('error', reject);
    child.once('close', () => reject(new Error(`${name} did not start: ${complaint.trim() || 'it ended at once'}`)));
  });
}
