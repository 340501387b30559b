/** What can be wrong with the store, in words for the person who has to mend it. */

import { systemErrorCode } from '../disk/error-code.js';
import { ageWords, ownerWords, type LockWish } from '../disk/lock-file.js';
import { OperatorError } from '../errors.js';
import type { FileState } from './file-header.js';

/** Whoever waits for a look need not wait for the disk. */
const MEANWHILE = 'meanwhile `ipsec-deploy drift`, without --once, looks at the hosts without it';

export function damaged(path: string, what: string, cause?: unknown): OperatorError {
  return new OperatorError('DRIFT_STORE_DAMAGED', {
    what: `the memory of drift is damaged (${what}); it is left as it is`,
    where: path,
    todo:
      `bring it back from a copy, or move it away (mv ${path} ${path}.damaged) and run again: the hosts tell what drifted, ` +
      'only what was accepted and since when is lost',
    cause,
  });
}

/** @throws OperatorError for every state but ours */
export function checkState(path: string, state: FileState): number {
  switch (state.kind) {
    case 'ours':
      return state.version;
    case 'damaged':
      throw damaged(path, state.what);
    case 'newer':
      throw new OperatorError('DRIFT_STORE_NEWER', {
        what: `the memory of drift was written by a later ipsec-deploy (schema ${state.version}); it is left as it is`,
        where: path,
        todo: 'use that version, or name another drift.stateFile in the inventory',
      });
    case 'foreign':
      throw new OperatorError('DRIFT_STORE_FOREIGN', {
        what: 'this is a database of another program; it is left as it is',
        where: path,
        todo: 'name another drift.stateFile in the inventory',
      });
  }
}

export function unreadable(path: string, cause: unknown): OperatorError {
  return new OperatorError('DRIFT_STORE_UNREADABLE', {
    what: `the memory of drift cannot be read (${reason(cause)})`,
    where: path,
    todo: `check owner and mode of the file and its folder, and free space; ${MEANWHILE}`,
    cause,
  });
}

export function unwritable(path: string, cause: unknown): OperatorError {
  return new OperatorError('DRIFT_STORE_UNWRITABLE', {
    what: `the memory of drift could not be written (${reason(cause)}); it is as it was`,
    where: path,
    todo: `check free space, and owner and mode of its folder; ${MEANWHILE}`,
    cause,
  });
}

/** One reader or writer of the file at a time; none takes longer than moments. */
export function storeLock(path: string, now: Date, waitSeconds: number): LockWish {
  const lock = `${path}.busy`;
  return {
    path: lock,
    now,
    waitSeconds,
    refuse: (owner) =>
      new OperatorError('DRIFT_STORE_LOCKED', {
        what: `${ownerWords(owner)} has been using the memory of drift${ageWords(owner, now)}`,
        where: lock,
        todo: 'wait for it and run again; if no such process exists any more, remove this file',
      }),
  };
}

/** One pass with memory at a time, for the life of a service. */
export function passLock(path: string, now: Date): LockWish {
  const lock = `${path}.running`;
  return {
    path: lock,
    now,
    refuse: (owner) =>
      new OperatorError('DRIFT_RUNNING', {
        what: `${ownerWords(owner)} has been checking this fleet${ageWords(owner, now)}${owner === undefined ? '' : `, since ${owner.since}`}`,
        where: lock,
        todo: 'stop it first, or wait until it has ended; if no such process exists any more, remove this file',
      }),
  };
}

function reason(cause: unknown): string {
  return systemErrorCode(cause) ?? (cause instanceof Error ? cause.message : 'an unexpected error');
}
