import { expect, it } from 'vitest';
import { entryScript } from '../../../controller/remote/agent-entry.js';
import { privilegeParts, privilegesText, type PrivilegesInput } from '../../../controller/report/privileges-text.js';

const input: PrivilegesInput = {
  host: 'db1',
  address: '10.0.2.21',
  port: 22,
  jumps: [],
  user: 'deploy',
  become: 'pfexec',
  platform: 'solaris-smf',
  path: '/opt/ipsec-deploy/agent-entry',
  digest: 'ab'.repeat(32),
  entry: '#!/bin/sh\n',
  sources: ['10.0.0.5/32'],
  publicKey: undefined,
  inventoryKnows: false,
};
const texts = (changes: Partial<PrivilegesInput>): Record<string, string> =>
  Object.fromEntries(privilegeParts({ ...input, ...changes }).map(({ part, path, text }) => [`${part} ${path}`, text]));

it('gives a rights profile that runs the entry as root, and nothing more', () => {
  expect(texts({})).toEqual({
    'entry /opt/ipsec-deploy/agent-entry': '#!/bin/sh\n',
    'prof_attr /etc/security/prof_attr.d/ipsec-deploy':
      'IPsec Deploy:::Run the agent of ipsec-deploy and nothing else:\n',
    'exec_attr /etc/security/exec_attr.d/ipsec-deploy':
      'IPsec Deploy:solaris:cmd:::/opt/ipsec-deploy/agent-entry:uid=0;gid=0\n',
    'key ~deploy/.ssh/authorized_keys':
      'from="10.0.0.5/32",command="/opt/ipsec-deploy/agent-entry forced",no-agent-forwarding,no-port-forwarding,no-pty,no-X11-forwarding PUBLIC-KEY\n',
  });
});

it('speaks of the one file that hosts without services have', () => {
  expect(texts({ platform: 'solaris-legacy' })['exec_attr /etc/security/exec_attr']).toBe(
    'IPsec Deploy:suser:cmd:::/opt/ipsec-deploy/agent-entry:uid=0;gid=0\n',
  );
});

it('spells out both calls in sudoers, and keeps sudo from logging what is said', () => {
  const text = texts({ become: 'sudo', user: 'de.ploy@corp' })['sudoers /etc/sudoers.d/ipsec-deploy'];
  expect(text).toBe(
    'Defaults!/opt/ipsec-deploy/agent-entry env_reset, !requiretty, !log_input, !log_output\n' +
      'de.ploy\\@corp ALL=(root) NOPASSWD: ' +
      `/opt/ipsec-deploy/agent-entry ${input.digest}, \\\n    /opt/ipsec-deploy/agent-entry ${input.digest} readonly\n`,
  );
});

it('tells the steps in order, the inventory last', () => {
  const text = privilegesText(input, privilegeParts(input));
  expect(text).toMatch(/^db1: deploy becomes root by pfexec, to run the agent and nothing else\.\n\n1\. The entry, /);
  expect(text).toContain("usermod -P 'IPsec Deploy' deploy");
  expect(text).toContain('ssh: { user: deploy, privilege: pfexec, entry: /opt/ipsec-deploy/agent-entry }');
  const known = privilegesText({ ...input, inventoryKnows: true }, privilegeParts(input));
  expect(known).not.toContain('In the inventory');
});

it('prints a command that reaches this very host, reads this very inventory, and puts no empty entry in place', () => {
  const printed = (changes: Partial<PrivilegesInput>): string =>
    privilegesText({ ...input, ...changes }, privilegeParts(input));
  expect(printed({})).toContain('ipsec-deploy privileges db1 --part entry | ssh root@10.0.2.21 \\\n');
  expect(printed({})).toContain('test -s /opt/ipsec-deploy/agent-entry.new && chmod');
  const far = { port: 2222, jumps: ['ops@bastion:22', '[fd00::5]'], asked: 'dc1/fleet.yaml --privilege sudo' };
  expect(printed(far)).toContain(
    'ipsec-deploy privileges db1 dc1/fleet.yaml --privilege sudo --part entry | ssh -J ops@bastion:22,[fd00::5] -p 2222 root@10.0.2.21',
  );
});

it('takes no path that a shell, sudoers or a profile would read otherwise', () => {
  const parts = { entry: 'entry\n', loader: 'loader\n' };
  const script = { parts, digest: 'ab', become: 'sudo', shell: '/bin/sh', allowImport: false } as const;
  expect(entryScript({ ...script, path: '/opt/x/entry' })).toMatch(/^#!\/bin\/sh\nENTRY_DIGEST='ab'\n/);
  for (const path of ["/opt/x'y", '/opt/../etc', 'opt/x', '/opt/x y', '/opt/*', '/opt/x:y', '/opt/x,y', '/'])
    expect(() => entryScript({ ...script, path })).toThrow('no plain absolute path');
});
