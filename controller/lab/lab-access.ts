/** How the inventory of a lab says where its hosts are reached from and how. */

import { formatAddress, type Address } from '../model/address.js';

export interface LabAccess {
  /** Where SSH comes from. */
  readonly management: readonly string[];
  /** `ssh:` of all hosts, as YAML. */
  readonly ssh: string;
}

const KEY = 'auth: [{ key: client_ed25519 }], config: none';

/** All hosts are ports of this machine. */
export const PLAIN_ACCESS: LabAccess = {
  management: ['127.0.0.1'],
  ssh: `{ host: 127.0.0.1, user: deploy, privilege: pfexec, ${KEY} }`,
};

/** Hosts are at their own addresses, and the controller on the same wire. */
export function enforcedAccess(controller: readonly Address[]): LabAccess {
  return { management: controller.map(formatAddress), ssh: `{ user: root, ${KEY} }` };
}
