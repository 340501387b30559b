/** The inventory of a new lab, as an operator would edit it: a web server and the peers that only speak ESP with it. */

import { formatAddress, parseAddress, type Address } from '../model/address.js';
import type { Keying } from '../model/host.js';
import type { LabHostPlan } from './lab.js';
import { PLAIN_ACCESS, type LabAccess } from './lab-access.js';

export const SEED_HOSTS = { least: 2, most: 2000 } as const;

/** `web1`, `db1` and, with more than two, `db2` … */
export function seedHosts(count: number): LabHostPlan[] {
  const peers = Array.from({ length: count - 1 }, (_, index) => ({
    name: `db${index + 1}`,
    addresses: [peerAddress(index)],
  }));
  return [{ name: 'web1', addresses: [address('10.0.1.11')] }, ...peers];
}

/** Hosts that no inventory knows: `outsider1` at 192.0.2.9 and 2001:db8::9, and on, without names and addresses that its hosts have. */
export function outsiders(count: number, hosts: readonly LabHostPlan[] = []): LabHostPlan[] {
  const names = new Set(hosts.map(({ name }) => name));
  const taken = new Set(hosts.flatMap(({ addresses }) => addresses.map(formatAddress)));
  return Array.from({ length: MOST_OUTSIDERS }, (_, index) => ({
    name: `outsider${index + 1}`,
    addresses: [address(`192.0.2.${index + 9}`), address(`2001:db8::${(index + 9).toString(16)}`)],
    isOutsider: true,
  }))
    .filter(({ name, addresses }) => !names.has(name) && !addresses.some((one) => taken.has(formatAddress(one))))
    .slice(0, count);
}

/** As many as 192.0.2.0/24 has addresses from .9 on. */
const MOST_OUTSIDERS = 246;

/** 10.0.2.21 and on; .0 and .251 to .255 are left out. */
function peerAddress(index: number): Address {
  const at = 20 + index;
  return address(`10.0.${2 + Math.floor(at / 250)}.${(at % 250) + 1}`);
}

function address(text: string): Address {
  const found = parseAddress(text);
  if (found === undefined) throw new Error(`not an address: ${text}`);
  return found;
}

export interface SeedHost {
  readonly name: string;
  readonly addresses: readonly Address[];
  readonly port: number;
  readonly hostKeyLine: string;
}

export function seedInventory(hosts: readonly SeedHost[], keying: Keying, access: LabAccess = PLAIN_ACCESS): string {
  const isAlone = hosts.length < 2;
  return `# The lab's inventory: change it, then see what would happen with \`ipsec-deploy plan\` and do it with \`ipsec-deploy apply\`.
# inventory/reference.yaml of the package explains every key.
version: 1
fleet: lab

# Where SSH comes from; it is kept out of IPsec on every host, so that no policy can lock you out.
management: [${access.management.map((one) => (one.includes(':') ? `'${one}'` : one)).join(', ')}]

settings:
  keyStore: keys.age
  identityFile: identity.txt
  confirmWindowSeconds: 20

defaults:
  keying: ${keying} # ike-psk: in.iked agrees on session keys; manual: fixed keys, loaded with ipseckey
  suite: { encr: aes(256), encrAuth: sha256 } # "classic" is what hosts of old use: blowfish with sha1
  ssh: ${access.ssh}

groups:
  web:
    template: web-server
    vars:
      bypass: # reached without IPsec by anybody
        - { lport: 80, ulp: tcp }
        - { lport: 443, ulp: tcp }
      dns: true # name service queries go out without IPsec
${isAlone ? '' : DB_GROUP}
hosts:
${hosts.map(hostLine).join('')}
${isAlone ? '' : LINKS}tests: # asserted on the rendered policies before every push
${isAlone ? '' : '  - { from: db1, to: web1, ulp: tcp, port: 22, expect: protected }\n'}  - { from: 192.0.2.9, to: web1, ulp: tcp, port: 443, expect: clear }
  - { from: 192.0.2.9, to: web1, ulp: tcp, port: 25, expect: refused }
`;
}

const DB_GROUP = '  db:\n    template: peer # what passes between it and the web server is ESP\n';

const LINKS = `links: # one line protects every pair across its two ends
  - between: [web, db]

`;

function hostLine({ name, addresses, port, hostKeyLine }: SeedHost): string {
  const group = name.replace(/\d+$/, '');
  return `  ${name}: { address: ${addresses.map(formatAddress).join(', ')}, groups: [${group}], ssh: { port: ${port} }, hostKey: ${hostKeyLine} }\n`;
}
