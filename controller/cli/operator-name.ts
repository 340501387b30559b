/** Who gives this command, for records that name a person. */

import { userInfo } from 'node:os';

/** The user who called sudo, where there is one; no proof of anything. */
export function operatorName(): string {
  const caller = process.env['SUDO_USER'];
  if (caller !== undefined && /^[\w.@-]{1,64}$/.test(caller)) return caller;
  try {
    return userInfo().username;
  } catch {
    // A user that the system has no name for, such as one made up for a container.
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
