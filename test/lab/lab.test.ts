import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { markedProcesses } from '../../controller/lab/host-processes.js';
import { startLab } from '../../controller/lab/lab.js';
import type { LabHost } from '../../controller/lab/lab-host.js';
import type { Machine } from '../../controller/lab/machine.js';
import { address, connect, echoTool, exec, run, scratchFolder, scriptedMachine, testLab } from './support.js';

function processesOf(host: LabHost<Machine>): number[] {
  return markedProcesses((marker) => host.root.startsWith(`${marker}/`));
}

test('a hundred hosts come up in one process, each with its own key and files', async () => {
  const lab = await testLab({ count: 100 });
  const hosts = [...lab.hosts.values()];
  expect(new Set(hosts.map((host) => host.port)).size).toBe(100);
  expect(new Set(hosts.map((host) => host.hostKeyLine)).size).toBe(100);
  const names = await Promise.all(hosts.map(async (host) => (await run(lab, host, 'hostname')).stdout.trim()));
  expect(names).toEqual(hosts.map((host) => host.name));
});

test('a host is delivered with the stock files, private where they must be', async () => {
  const lab = await testLab();
  const { root } = lab.host('host1');
  const mode = (path: string): string => (statSync(join(root, path)).mode & 0o7777).toString(8);
  expect(mode('etc/inet/secret')).toBe('700');
  expect(mode('etc/inet/ipsecinit.sample')).toBe('644');
  expect(readFileSync(join(root, 'etc/inet/ipsecalgs'), 'utf8')).toContain('aes-cbc,aes');
  expect(existsSync(join(root, 'etc/inet/ipsecinit.conf'))).toBe(false);
  expect((statSync(lab.clientKeyFile).mode & 0o777).toString(8)).toBe('600');
});

test('a power cut kills what was detached, keeps the files and forgets the memory', async () => {
  const lab = await testLab();
  const host = lab.host('host1');
  const client = await connect(lab, host);
  const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
  await exec(
    client,
    'echo kept >"$IPSEC_AGENT_ROOT/etc/kept"; : >"$IPSEC_AGENT_ROOT/var/run/lost"; nohup sleep 1000 >/dev/null 2>&1 </dev/null & ',
  );
  expect(processesOf(host)).toHaveLength(1);
  await host.powerCut();
  await closed;
  expect(processesOf(host)).toEqual([]);
  expect(host.isOn).toBe(false);
  await expect(connect(lab, host)).rejects.toThrow();

  await host.boot();
  expect((await run(lab, host, 'cat "$IPSEC_AGENT_ROOT/etc/kept"; ls "$IPSEC_AGENT_ROOT/var/run"; svcs')).stdout).toBe(
    'kept\n[svcs]\n',
  );
});

test('a host without power writes nothing any more, and its commands fail', async () => {
  const lab = await testLab();
  const host = lab.host('host1');
  let files: { write(path: string, text: string, mode: number): Promise<void> } | undefined;
  const path = join(host.root, 'etc/late');
  const other = await testLab({
    answer: () => ({}),
    makeMachine: (setup) => {
      files = setup.files;
      return scriptedMachine(echoTool)(setup);
    },
  });
  await other.host('host1').powerCut();
  await expect(files?.write(path, 'x', 0o600)).rejects.toThrow('power');
  expect(existsSync(path)).toBe(false);
});

test('a silent power cut leaves the client without a word until the host is back', async () => {
  const lab = await testLab();
  const host = lab.host('host1');
  const client = await connect(lab, host, { keepaliveInterval: 50, keepaliveCountMax: 2 });
  const failure = once(client, 'error');
  await host.powerCut('silent');
  expect(String((await failure)[0])).toContain('Keepalive');
  await host.boot();
  expect((await run(lab, host, 'echo back')).stdout).toBe('back\n');
});

test('a script that the machine runs, such as a boot guard, has the host’s environment', async () => {
  const said: string[] = [];
  await testLab({
    makeMachine: (setup) => ({
      ...scriptedMachine(echoTool)(setup),
      async boot() {
        const reply = await setup.runScript(['/bin/sh', '-c', 'echo "$IPSEC_AGENT_ROOT $SMF_FMRI"; exit 95'], {
          SMF_FMRI: 'svc:/x',
        });
        said.push(`${reply.exit} ${reply.stdout === `${setup.root} svc:/x\n`}`);
      },
    }),
  });
  expect(said).toEqual(['95 true']);
});

test('a reset host is as delivered, with the same port and key', async () => {
  const lab = await testLab();
  const host = lab.host('host1');
  const { port, hostKeyLine } = host;
  await run(lab, host, 'echo x >"$IPSEC_AGENT_ROOT/etc/inet/ipsecinit.conf"; echo y >"$HOME/z"');
  await host.reset();
  expect(
    (await run(lab, host, 'ls -A "$HOME"; cat "$IPSEC_AGENT_ROOT/etc/inet/ipsecinit.conf" 2>/dev/null; svcs')).stdout,
  ).toBe('[svcs]\n');
  expect(host).toMatchObject({ port, hostKeyLine });
});

test('files, ports and keys survive a lab that is closed to be opened again', async () => {
  const folder = scratchFolder();
  const hosts = [{ name: 'web1', addresses: [address('10.0.1.11')] }];
  const makeMachine = scriptedMachine(echoTool);
  const first = await startLab({ folder, hosts, makeMachine });
  const { port, hostKeyLine, root } = first.host('web1');
  writeFileSync(join(root, 'etc/inet/ipsecinit.conf'), '{} drop {}\n');
  chmodSync(join(root, 'etc/inet/ipsecinit.conf'), 0o400);
  await first.close({ keep: true });
  const second = await startLab({ folder, hosts: hosts.map((host) => ({ ...host, port })), makeMachine });
  expect(second.host('web1')).toMatchObject({ port, hostKeyLine });
  expect(second.clientKey.publicLine).toBe(first.clientKey.publicLine);
  expect(readFileSync(join(root, 'etc/inet/ipsecinit.conf'), 'utf8')).toBe('{} drop {}\n');
  await second.close();
  expect(existsSync(root)).toBe(false);
});

test('a taken port is named, and nothing is left running', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const at = taken.address();
  const port = typeof at === 'object' && at !== null ? at.port : 0;
  const folder = scratchFolder();
  const hosts = [{ name: 'web1', addresses: [], port }];
  await expect(startLab({ folder, hosts, makeMachine: scriptedMachine(echoTool) })).rejects.toMatchObject({
    code: 'LAB_PORT_TAKEN',
  });
  expect(markedProcesses((marker) => marker.startsWith(folder))).toEqual([]);
  taken.close();
});
