/** The text of a small inventory that links may join, for tests of what becomes of hosts that a link promises to protect. */

const ADDRESSES = { web1: '10.0.1.11', db1: '10.0.2.21', db2: '10.0.2.22' };

type SmallFleetHost = keyof typeof ADDRESSES;

/** @param links - lines such as `{ between: [web1, db1] }` */
export function fleetText(hosts: readonly SmallFleetHost[], ...links: readonly string[]): string {
  const lines = [
    'version: 1',
    'fleet: test',
    'management: [10.5.5.5]',
    'defaults: { keying: ike-psk, template: peer, ssh: { user: deploy, privilege: none } }',
    'hosts:',
    ...hosts.map((host) => `  ${host}: { address: ${ADDRESSES[host]} }`),
    ...(links.length === 0 ? [] : ['links:']),
    ...links.map((link) => `  - ${link}`),
  ];
  return `${lines.join('\n')}\n`;
}
