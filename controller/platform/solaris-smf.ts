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
};
