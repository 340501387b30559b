/** illumos, Solaris 11 and late Solaris 10: IPsec behind `svc:/network/ipsec/*`. */

import type { Adapter } from './adapter.js';

export const SOLARIS_SMF: Adapter = {
  name: 'solaris-smf',
  files: {
    policy: '/etc/inet/ipsecinit.conf',
    manualKeys: '/etc/inet/secret/ipseckeys',
    ikeConfig: '/etc/inet/ike/config',
    preshared: '/etc/inet/secret/ike.preshared',
  },
  services: { policy: 'network/ipsec/policy', manualKeys: 'network/ipsec/manual-key', ike: 'network/ipsec/ike' },
  startedBy: 'smf',
  replacesPolicy: 'at-once',
  words: {
    policy: 'ipsecconf -F -a, atomic',
    ike: { restart: 'restart in.iked', start: 'start in.iked', stop: 'stop in.iked' },
  },
  byHand: {
    restartIke: 'svcadm restart network/ipsec/ike',
    stopIke: 'svcadm disable network/ipsec/ike',
    startedIke: '`svcadm enable network/ipsec/ike` was run by hand',
    stopped: (service, isBack) =>
      isBack
        ? `\`svcadm disable -t ${service}\` was run; it comes back at the next boot`
        : `\`svcadm disable ${service}\` was run`,
  },
  guard: {
    value: 'BOOT_GUARD_XML',
    file: '/var/ipsec-deploy/agent/boot-guard.xml',
    enable: ['svccfg import /var/ipsec-deploy/agent/boot-guard.xml'],
    unknown: 'is not known to the service manager',
  },
};
