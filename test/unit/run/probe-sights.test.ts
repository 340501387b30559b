/** Which hosts this machine may play the stranger to: those that its packets reach directly, whoever says how SSH goes there. */

import { describe, expect, test } from 'vitest';
import { parseAddress, type Address } from '../../../controller/model/address.js';
import type { Host } from '../../../controller/model/host.js';
import type { OwnNetwork } from '../../../controller/ports.js';
import { sightsOf } from '../../../controller/run/probe-sights.js';
import { hostAt } from '../../remote/ssh-server.js';

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`no address: ${text}`);
  return parsed;
}

const own: OwnNetwork = {
  addressesOf: (name) => Promise.resolve([address(name)]),
  sourceTowards: () => Promise.resolve(address('10.0.0.5')),
  connect: () => Promise.reject(new Error('nothing is to be tried yet')),
};

const db1: Host = {
  ...hostAt({ port: 22, hostKey: '' }, { host: '10.0.2.21' }),
  addresses: [address('10.0.2.21')],
};
const inventory = { hosts: [db1], management: [] };

describe('a host that is reached', () => {
  test('directly is seen with the address that packets to it leave with', async () => {
    expect(await sightsOf([db1], inventory, own, new Map([['db1', { through: [] }]]))).toEqual({
      sights: [{ host: 'db1', source: address('10.0.0.5'), destination: address('10.0.2.21'), sshPort: 22 }],
      gaps: [],
    });
  });

  test.each([
    ['by ssh_config alone', db1, ['bastion']],
    ['by the inventory', { ...db1, ssh: { ...db1.ssh, proxyJump: [{ host: 'bastion', hostKeys: [] }] } }, undefined],
  ])('through a jump host, %s, is not tried from this machine, and that is said', async (_, host, through) => {
    expect(await sightsOf([host], inventory, own, new Map([['db1', { through }]]))).toEqual({
      sights: [],
      gaps: [{ host: 'db1', why: 'not tried from this machine: it is reached through a jump host' }],
    });
  });
});
