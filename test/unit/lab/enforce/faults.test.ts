import { expect, test } from 'vitest';
import { parseRequest } from '../../../../controller/lab/control-messages.js';
import { faultRules, type LinkState } from '../../../../controller/lab/enforce/link-faults.js';
import { toHost, toMachine } from '../../../../controller/lab/enforce/host-paths.js';
import { mountTable } from '../../../../controller/lab/enforce/host-tree.js';
import { requireForEnforcing, type LabMachine } from '../../../../controller/lab/enforce/requirements.js';

test('a cut goes one way or both, and loss is by chance on what is not cut', () => {
  const rules = (state: LinkState): string[] =>
    faultRules(new Map([['h1', state]]))
      .split('\n')
      .flatMap((line) => (line.includes('"h1"') ? [line.trim()] : []));
  expect(rules({ cut: ['in'], lossPercent: 0 })).toEqual(['oifname "h1" counter drop']);
  expect(rules({ cut: ['out'], lossPercent: 30 })).toEqual([
    'iifname "h1" counter drop',
    'oifname "h1" numgen random mod 100 < 30 counter drop',
  ]);
  expect(rules({ cut: ['in', 'out'], lossPercent: 30 })).toHaveLength(2);
  expect(rules({ cut: [], lossPercent: 100 })).toEqual(['iifname "h1" counter drop', 'oifname "h1" counter drop']);
  expect(rules({ cut: [], lossPercent: 0 })).toEqual([]);
});

test('faults of hosts are only taken as they are meant', () => {
  const asked = (more: object): unknown => parseRequest({ do: 'disturb', hosts: ['web1'], ...more });
  expect(asked({ what: 'cut', direction: 'in' })).toEqual({
    do: 'disturb',
    hosts: ['web1'],
    what: 'cut',
    direction: 'in',
  });
  expect(asked({ what: 'clock', offsetSeconds: -3600 })).toMatchObject({ offsetSeconds: -3600 });
  const senseless = [
    { what: 'cut', direction: 'up' },
    { what: 'loss', percent: 101 },
    { what: 'loss', percent: 'half' },
    { what: 'delay', milliseconds: 0 },
    { what: 'disk', disk: 'gone' },
    { what: 'rain' },
  ];
  for (const words of senseless) expect(asked(words)).toBeUndefined();
  expect(parseRequest({ do: 'disturb', hosts: [], what: 'heal' })).toBeUndefined();
});

test('a file has one name on the host and another on the machine', () => {
  const root = '/srv/lab/hosts/web1/root';
  expect(toMachine(root, '/etc/inet/ipsecinit.conf')).toBe(`${root}/etc/inet/ipsecinit.conf`);
  expect(toMachine(root, '/usr/lib/svc/method/x')).toBe(`${root}/lib/svc/method/x`);
  for (const other of ['-a', '/network/ipsec/policy', '/dev/stdin', 'svc:/network/ipsec/ike', `${root}/etc/passwd`]) {
    expect(toMachine(root, other)).toBe(other);
  }
  expect(toHost(root, `cannot open ${root}/etc/x; see ${root}/var/y`)).toBe('cannot open /etc/x; see /var/y');
});

test('the mounts of a host hide no source before it is used', () => {
  const lines = mountTable('solaris-smf').trim().split('\n');
  const targets = lines.map((line) => line.split(' ')[1]);
  // A comma or colon of the lab's own path would end the option.
  expect(lines[0]).toBe('lab-usr /usr overlay lowerdir=/mnt/stubs:/usr 0 0');
  expect(lines.at(-1)).toContain('/run');
  expect(targets).toEqual(expect.arrayContaining(['/etc', '/var', '/tmp', '/root', '/run', '/usr/lib/svc']));
});

test('a machine that cannot have an enforcing lab is told what is missing, with the packages', () => {
  const able: LabMachine = { system: 'linux', uid: 0, hasProgram: () => true, isUsrMerged: true };
  expect(() => requireForEnforcing(able)).not.toThrow();
  const refused = (change: Partial<LabMachine>): unknown => {
    try {
      requireForEnforcing({ ...able, ...change });
      return undefined;
    } catch (error) {
      return error;
    }
  };
  expect(refused({ uid: 1000 })).toMatchObject({ code: 'LAB_NEEDS_ROOT' });
  expect(refused({ system: 'darwin', uid: 501 })).toMatchObject({ code: 'LAB_NEEDS_LINUX' });
  expect(refused({ isUsrMerged: false })).toMatchObject({ code: 'LAB_NEEDS_LINUX' });
  expect(refused({ hasProgram: (name) => !['nft', 'unshare', 'nsenter'].includes(name) })).toMatchObject({
    code: 'LAB_NEEDS_PROGRAMS',
    what: expect.stringContaining('nft, unshare, nsenter'),
    todo: 'apt-get install nftables util-linux',
  });
});
