/** Solaris 8, 9 and 10 before its IPsec services: boot scripts load policy and keys and start in.iked, commands do the rest. */

import type { Adapter } from './adapter.js';
import { SOLARIS_SMF } from './solaris-smf.js';

export const SOLARIS_LEGACY: Adapter = {
  name: 'solaris-legacy',
  // The boot scripts read the very files that the services read later.
  files: SOLARIS_SMF.files,
  services: SOLARIS_SMF.services,
  startedBy: 'boot-scripts',
  replacesPolicy: 'rule-by-rule',
  words: {
    policy: 'ipsecconf -a and -d, rule by rule',
    ike: { restart: 'pkill in.iked, start it again', start: 'start in.iked', stop: 'pkill in.iked' },
  },
};
