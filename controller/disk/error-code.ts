/** What the system calls a failure. */

/** `ENOSPC` and the like; `undefined` for what is no failure of a system call. */
export function systemErrorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
