/** What an enforcing lab needs of its machine. Owns the refusals, which say what to do; looks, and changes nothing. */

import * as fs from 'node:fs';
import { join } from 'node:path';
import { OperatorError } from '../../errors.js';

/** Programs, and the Debian packages that bring them. */
const PROGRAMS: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  nft: 'nftables',
  unshare: 'util-linux',
  nsenter: 'util-linux',
  mount: 'mount',
  sshd: 'openssh-server',
};

export interface LabMachine {
  readonly system: string;
  readonly uid: number | undefined;
  readonly hasProgram: (name: string) => boolean;
  /** Whether /bin is a part of /usr: the hosts' commands lie over /usr alone. */
  readonly isUsrMerged: boolean;
}

export function thisMachine(): LabMachine {
  const path = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'];
  return {
    system: process.platform,
    uid: process.getuid?.(),
    hasProgram: (name) => path.some((folder) => folder !== '' && fs.existsSync(join(folder, name))),
    isUsrMerged: fs.lstatSync('/bin', { throwIfNoEntry: false })?.isSymbolicLink() === true,
  };
}

/** @throws OperatorError LAB_NEEDS_LINUX, LAB_NEEDS_ROOT, LAB_NEEDS_PROGRAMS */
export function requireForEnforcing({ system, uid, hasProgram, isUsrMerged }: LabMachine): void {
  const plain = 'or leave --enforce away: the plain lab runs anywhere, and lets every packet pass';
  if (system !== 'linux' || !isUsrMerged) {
    throw new OperatorError('LAB_NEEDS_LINUX', {
      what: 'an enforcing lab needs Linux namespaces, and /bin within /usr as Debian has it',
      todo: `run it on Debian 12 or newer, ${plain}`,
    });
  }
  if (uid !== 0) {
    throw new OperatorError('LAB_NEEDS_ROOT', {
      what: 'an enforcing lab makes namespaces and mounts, which only root may',
      todo: `run it as root, with sudo say, ${plain}`,
    });
  }
  const missing = Object.keys(PROGRAMS).filter((name) => !hasProgram(name));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((name) => PROGRAMS[name]))];
  throw new OperatorError('LAB_NEEDS_PROGRAMS', {
    what: `an enforcing lab needs ${missing.join(', ')}, which ${missing.length === 1 ? 'is' : 'are'} not installed`,
    todo: `apt-get install ${packages.join(' ')}`,
  });
}
