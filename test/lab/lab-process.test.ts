import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect, onTestFinished, test } from 'vitest';
import { ask, openControl, runOnHost, statusRows } from '../../controller/lab/control-client.js';
import { markedProcesses } from '../../controller/lab/host-processes.js';
import { clearDeadLab, lookForLab } from '../../controller/lab/lab-folder.js';
import { serveLab, type ServedLab } from '../../controller/lab/lab-process.js';
import { readLabState, writeLabState } from '../../controller/lab/lab-state.js';
import { hostStatus } from '../../controller/lab/host-status.js';
import { rehearsalInventory } from '../../controller/lab/rehearsal-inventory.js';
import { seedHosts, seedInventory } from '../../controller/lab/seed-inventory.js';
import { parseInventory } from '../../controller/inventory/parse.js';
import { readTextNow } from '../../controller/files/workspace.js';
import { scratchFolder } from './support.js';

async function serve(folder: string, count = 2): Promise<ServedLab> {
  const hosts = readLabState(folder)?.hosts ?? seedHosts(count);
  const served = await serveLab({ folder, hosts, prepare: async () => undefined });
  onTestFinished(async () => {
    await served.stop();
    expect(markedProcesses((marker) => marker.startsWith(folder))).toEqual([]);
  });
  return served;
}

async function onHost(folder: string, host: string, argv: readonly string[], input = ''): Promise<string> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  let said = '';
  for (const stream of [stdout, stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString('latin1')));
  stdin.end(input);
  const exit = await runOnHost(await openControl(folder), host, argv, { stdin, stdout, stderr });
  return `${said}exit ${exit}\n`;
}

test('a lab tells its state, runs commands and is steered through a socket that only its user can open', async () => {
  const folder = join(scratchFolder(), 'lab');
  const { lab } = await serve(folder);
  const control = readLabState(folder)?.control ?? '';
  expect((statSync(control).mode & 0o777).toString(8)).toBe('600');
  expect((statSync(join(folder, 'lab.json')).mode & 0o777).toString(8)).toBe('600');

  expect(await onHost(folder, 'web1', ['sh', '-c', 'cat; echo wrong >&2; exit 4'], 'right\n')).toBe(
    'right\nwrong\nexit 4\n',
  );
  expect(await onHost(folder, 'db1', ['svcs', '-H', '-o', 'state', 'policy'])).toBe('online\nexit 0\n');
  const wrong = { do: 'fault', hosts: ['web1'], tool: 'ipsecconfig', fault: 'lie', args: '', seconds: 1 } as const;
  await expect(openControl(folder).then((socket) => ask(socket, wrong))).rejects.toMatchObject({
    what: 'ipsecconfig is no command that the lab simulates',
  });
  await expect(onHost(folder, 'web9', ['true'])).rejects.toMatchObject({ what: 'the lab has no host web9' });

  writeFileSync(join(lab.host('web1').root, 'etc/inet/ipsecinit.conf'), '{ lport 80 ulp tcp dir both } bypass {}\n');
  expect(await onHost(folder, 'web1', ['svcadm', 'refresh', 'policy'])).toBe('exit 0\n');
  await lab.host('web1').machine.idle();
  await ask(await openControl(folder), { do: 'power-cut', hosts: ['db1'] });
  const rows = statusRows(await ask(await openControl(folder), { do: 'status' }));
  expect(rows).toMatchObject([
    { name: 'web1', power: 'on', rules: 4, generation: null, maintenance: [] },
    { name: 'db1', power: 'off', rules: 0 },
  ]);
  await ask(await openControl(folder), { do: 'boot', hosts: ['db1', 'web1'] });
  await ask(await openControl(folder), { do: 'reset', hosts: ['web1'] });
  expect(await onHost(folder, 'web1', ['ipsecconf', '-Ln'])).toBe('exit 0\n');
});

test('down removes the folder; down --keep leaves it, and the next lab has the same ports', async () => {
  const folder = join(scratchFolder(), 'lab');
  const first = await serve(folder);
  const ports = readLabState(folder)?.hosts.map((host) => host.port);
  await ask(await openControl(folder), { do: 'down', keep: true });
  await first.ended;
  await expect(openControl(folder)).rejects.toMatchObject({ code: 'LAB_NOT_UP' });

  const second = await serve(folder);
  expect(readLabState(folder)?.hosts.map((host) => host.port)).toEqual(ports);
  await ask(await openControl(folder), { do: 'down', keep: false });
  await second.ended;
  expect(existsSync(folder)).toBe(false);
});

test('a lab that was killed is noticed, and what it left running is ended', async () => {
  const folder = join(scratchFolder(), 'lab');
  const { lab } = await serve(folder);
  const state = readLabState(folder);
  if (state === undefined) throw new Error('the lab wrote no state');
  lab.host('web1').start(['sleep', '1000']);
  expect(await lookForLab(folder)).toMatchObject({ isUp: true });
  // As if its process had ended: the socket it names answers nobody.
  const dead = { ...state, control: join(folder, '.control-gone', 's') };
  writeLabState(folder, dead);
  expect(await lookForLab(folder)).toMatchObject({ isUp: false });
  await clearDeadLab(folder);
  expect(markedProcesses((marker) => marker.startsWith(folder))).toEqual([]);
});

test.each(['solaris-smf', 'solaris-legacy'] as const)('the rules of a host are counted on %s', async (platform) => {
  const folder = join(scratchFolder(), 'lab');
  const hosts = seedHosts(2).map((host) => ({ ...host, platform }));
  const { lab, stop } = await serveLab({ folder, hosts, prepare: async () => undefined });
  onTestFinished(stop);
  const web1 = lab.host('web1');
  const policy = join(web1.root, 'etc/inet/ipsecinit.conf');
  writeFileSync(policy, '{ lport 80 ulp tcp dir both } bypass {}\n');
  await web1.machine.run('ipsecconf', ['-q', '-a', policy], { env: {}, stdin: '', cwd: '/' });
  expect(await hostStatus(web1)).toMatchObject({ name: 'web1', rules: 4 });
});

test('a hint that names a folder can be given to a shell as it stands', async () => {
  for (const [folder, words] of [
    ["it's a lab", `--folder 'it'\\''s a lab'`],
    ['-lab', '--folder=-lab'],
    ['my/lab', '--folder my/lab'],
  ] as const) {
    await expect(openControl(folder)).rejects.toMatchObject({ todo: `start it: ipsec-deploy lab up ${words}` });
  }
});

test('a folder with other things in it is left alone', async () => {
  const folder = scratchFolder();
  expect(await lookForLab(folder)).toBeUndefined();
  writeFileSync(join(folder, 'thesis.txt'), 'x');
  await expect(lookForLab(folder)).rejects.toMatchObject({ code: 'LAB_FOLDER_IN_USE' });
  expect(readdirSync(folder)).toEqual(['thesis.txt']);
  writeFileSync(join(folder, 'lab.json'), '{"version":1}');
  await expect(lookForLab(folder)).rejects.toMatchObject({ code: 'LAB_STATE_DAMAGED' });
});

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJkOvWqx02/irdF2zy+GiSrulkVxvywYM2hFqe818y+5';

test.each([2, 5, 600])('the inventory of a lab with %i hosts is one that the product reads', (count) => {
  const hosts = seedHosts(count).map((host, i) => ({ ...host, port: 20_000 + i, hostKeyLine: KEY }));
  const text = seedInventory(hosts, 'manual');
  const { inventory, warnings } = parseInventory({ path: 'lab/inventory.yaml', readFile: () => text });
  expect(warnings).toEqual([]);
  expect(inventory.hosts).toHaveLength(count);
  expect(inventory.links).toHaveLength(count - 1);
  expect(inventory.hosts[1]).toMatchObject({
    template: 'peer',
    ssh: { host: '127.0.0.1', port: 20_001, hostKeys: [KEY] },
  });
});

test('a rehearsal asks of the lab’s hosts what the operator’s inventory asks of the fleet', () => {
  const { inventory } = parseInventory({
    path: 'inventory/reference.yaml',
    readFile: (path) =>
      readTextNow(path)
        .replace('syntax: new', 'syntax: old')
        .replace(/management: *\[[^\]]*\]/, 'management: [127.0.0.1, 10.0.0.5]'),
  });
  const hosts = inventory.hosts.map(({ name, addresses }, i) => ({
    name,
    addresses,
    port: 20_000 + i,
    hostKeyLine: KEY,
  }));
  const text = rehearsalInventory(inventory, hosts, 'inventory/reference.yaml');
  const { inventory: played, warnings } = parseInventory({ path: 'lab/inventory.yaml', readFile: () => text });
  const asked = ({ links, hosts: all }: typeof inventory): unknown => ({
    links: links.map(({ id, keying, suite }) => ({ id, keying, suite })),
    hosts: all.map(({ name, addresses, template, vars, syntax, files, modes, names }) => ({
      ...{ name, addresses, template, vars, syntax, files, modes, names },
    })),
  });
  expect(inventory.hosts.map(({ syntax }) => syntax)).toContain('old');
  expect(asked(played)).toEqual(asked(inventory));
  expect(warnings.map(({ code }) => code)).not.toContain('MANAGEMENT_TWICE');
  expect(played.hosts.every((host) => host.ssh.host === '127.0.0.1')).toBe(true);
});
