/** The command line in a folder of its own, for commands that touch no host. */

import { execFile } from 'node:child_process';
import { PROGRAM } from './cli.js';

export interface Said {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program in `folder` with an environment that has nothing set up. */
export function runIn(folder: string, ...words: readonly string[]): Promise<Said> {
  return new Promise((resolve) => {
    const options = { cwd: folder, env: { PATH: process.env['PATH'] ?? '', HOME: folder } };
    const child = execFile(process.execPath, [PROGRAM, ...words], options, (_error, stdout, stderr) =>
      resolve({ exit: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}
