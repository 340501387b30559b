/** What the system refused, where no command has words of its own for it: a folder of somebody else's, a full disk. No bug of ours. */

import { EXIT, OperatorError } from '../errors.js';

/** ENOENT is not among them: a file that has to be there and is not is a bug, or a package that is not whole. */
const REFUSALS: Readonly<Record<string, string>> = {
  EACCES: 'may not be used by this user',
  EPERM: 'may not be used by this user',
  EROFS: 'is on a file system that cannot be written to',
  ENOSPC: 'is on a file system without free space',
  EDQUOT: 'is beyond what this user may take of the disk',
  EIO: 'cannot be used: the disk does not work as it should',
  ENOTDIR: 'is below something that is no folder',
  ENAMETOOLONG: 'has too long a name',
  EMFILE: 'cannot be opened: this process has too many files open',
};

/** Nothing for an error of any other kind. */
export function systemError(error: unknown): OperatorError | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('path' in error)) return undefined;
  const { code, path } = error;
  if (typeof code !== 'string' || typeof path !== 'string') return undefined;
  const what = REFUSALS[code];
  if (what === undefined) return undefined;
  return new OperatorError('SYSTEM_REFUSED', {
    what: `this ${what} (${code})`,
    where: path,
    todo: 'check its owner and mode, and the disk; then run the command again',
    exit: EXIT.failed,
    cause: error,
  });
}
