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
  byHand: {
    restartIke: 'pkill in.iked; /usr/lib/inet/in.iked',
    stopIke: 'pkill in.iked',
    startedIke: '`/usr/lib/inet/in.iked` was run by hand',
    stopped: (service) =>
      service === SOLARIS_SMF.services.ike
        ? 'in.iked was killed, or has crashed'
        : 'the file it is loaded from is gone',
  },
  guard: {
    value: 'BOOT_GUARD_INIT',
    file: '/etc/init.d/ipsec-deploy-guard',
    enable: [
      'chmod 744 /etc/init.d/ipsec-deploy-guard',
      'rm -f /etc/rcS.d/S88ipsec-deploy-guard',
      'ln -s ../init.d/ipsec-deploy-guard /etc/rcS.d/S88ipsec-deploy-guard',
    ],
    unknown: 'is not run by the boot scripts as it was written',
  },
};
