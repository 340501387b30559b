/** `lab`: a fleet on this machine to learn, try and test with. Binds words to the lab; the hosts live in a process of their own. */

import { realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Argv, CommandModule } from 'yargs';

import { OperatorError } from '../../errors.js';
import { readTextNow, writeNewFile } from '../../files/workspace.js';
import { parseInventory } from '../../inventory/parse.js';
import { FAULT_WORDS, type FaultWord } from '../../lab/control-messages.js';
import { ask, openControl, runOnHost, statusRows } from '../../lab/control-client.js';
import type { Lab, LabHostPlan } from '../../lab/lab.js';
import {
  awaitExit,
  clearDeadLab,
  lookForLab,
  removeLab,
  reportStart,
  serveLab,
  startInBackground,
} from '../../lab/lab-process.js';
import { readLabState } from '../../lab/lab-state.js';
import { rehearsalInventory } from '../../lab/rehearsal-inventory.js';
import { SEED_HOSTS, seedHosts, seedInventory } from '../../lab/seed-inventory.js';
import type { Keying } from '../../model/host.js';
import type { PlatformName } from '../../platform/adapter.js';
import { generateIdentity, writeIdentityFile } from '../../vault/identity.js';
import { commonOptions, type CommonArguments } from '../arguments.js';
import { playDemo } from '../demo.js';
import { createOutput, type Output } from '../output.js';
import { labStatusText } from '../../report/lab-text.js';
import { makeKeyStore } from './init.js';

interface LabArguments extends CommonArguments {
  readonly folder: string;
}

interface UpArguments extends LabArguments {
  readonly hosts: number | undefined;
  readonly keying: Keying;
  readonly platform: PlatformName;
  readonly from: string | undefined;
}

export const labCommand: CommandModule = {
  command: 'lab <command>',
  describe: 'a fleet of simulated hosts on this machine',
  builder: (argv: Argv) =>
    argv
      .command(up)
      .command(serve)
      .command(down)
      .command(status)
      .command(reset)
      .command(exec)
      .command(reboot)
      .command(powerCut)
      .command(fault)
      .command(demo)
      .demandCommand(1, 'Name what the lab should do; lab --help lists it.'),
  handler: () => undefined,
};

function labOptions<T>(argv: Argv<T>): Argv<T & LabArguments> {
  return commonOptions(argv).option('folder', {
    type: 'string',
    requiresArg: true,
    default: 'lab',
    describe: "the lab's folder: its inventory, keys and hosts",
  });
}

function upOptions(argv: Argv): Argv<UpArguments> {
  return labOptions(argv)
    .option('hosts', {
      type: 'number',
      requiresArg: true,
      describe: `hosts in all, web1 among them (${SEED_HOSTS.least} unless said)`,
      coerce: hostCount,
    })
    .option('keying', {
      choices: ['ike-psk', 'manual'] as const,
      default: 'ike-psk' as const,
      describe: 'how the hosts agree on keys',
    })
    .option('platform', {
      choices: ['solaris-smf', 'solaris-legacy'] as const,
      default: 'solaris-smf' as const,
      describe: 'hosts with the IPsec services, or of old: commands and boot scripts',
    })
    .option('from', {
      type: 'string',
      requiresArg: true,
      conflicts: ['hosts'],
      describe: 'play the hosts of this inventory',
    });
}

function hostCount(value: number | undefined): number | undefined {
  const { least, most } = SEED_HOSTS;
  if (value !== undefined && !(Number.isInteger(value) && value >= least && value <= most)) {
    throw new Error(`--hosts takes a whole number from ${least} to ${most}`);
  }
  return value;
}

const up: CommandModule<object, UpArguments> = {
  command: 'up',
  describe: 'start the lab in the background and write its inventory',
  builder: upOptions,
  handler: async (args) => {
    const output = createOutput({ format: args.output, colour: args.color });
    const found = await lookForLab(args.folder);
    if (found?.isUp !== true) {
      // Read here first: all that is wrong with an inventory is told with its places, which the background cannot do.
      wantedHosts(args);
      if (found !== undefined) await clearDeadLab(args.folder, found.state);
      await startInBackground(args.folder, serveWords(args));
    }
    const inventory = join(args.folder, 'inventory.yaml');
    const hosts = readLabState(args.folder)?.hosts.length ?? 0;
    if (output.format === 'json') {
      output.json({ event: 'lab', already: found?.isUp === true, hosts, inventory });
    } else if (found?.isUp === true) output.print(`the lab in ${args.folder} is up already, with ${hosts} hosts\n`);
    else {
      output.print(`${hosts} hosts are up; try\n\n    ipsec-deploy apply ${inventory}\n\n`);
      output.print(
        `and end them with \`ipsec-deploy lab down${args.folder === 'lab' ? '' : ` --folder ${args.folder}`}\`.\n`,
      );
    }
  },
};

function serveWords({ folder, hosts, keying, platform, from }: UpArguments): string[] {
  const words = [process.argv[1] ?? '', 'lab', 'serve', '--folder', folder, '--keying', keying, '--platform', platform];
  if (hosts !== undefined) words.push('--hosts', String(hosts));
  if (from !== undefined) words.push('--from', from);
  return words;
}

const serve: CommandModule<object, UpArguments> = {
  command: 'serve',
  describe: false,
  builder: upOptions,
  handler: async (args) => {
    try {
      const { source, hosts } = wantedHosts(args);
      const prepare = async (lab: Lab): Promise<void> => writeLabFiles(lab, args.keying, source);
      const served = await serveLab({ folder: args.folder, hosts, prepare });
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void served.stop());
      reportStart({ ready: true });
      await served.ended;
    } catch (error) {
      reportStart({ error });
      throw error;
    }
  },
};

type Source = { readonly path: string; readonly inventory: ReturnType<typeof parseInventory>['inventory'] } | undefined;

/** The hosts of a kept lab are taken as they were; other wishes need a new folder. */
function wantedHosts(args: UpArguments): { readonly source: Source; readonly hosts: readonly LabHostPlan[] } {
  const kept = readLabState(args.folder)?.hosts;
  if (args.from === undefined) {
    if (kept !== undefined && args.hosts !== undefined && args.hosts !== kept.length) {
      throw new OperatorError('LAB_HAS_OTHER_HOSTS', {
        what: `the lab in ${args.folder} has ${kept.length} hosts, not ${args.hosts}`,
        todo: `remove it first: ipsec-deploy lab down --folder ${args.folder}`,
      });
    }
    const { platform } = args;
    const fresh = seedHosts(args.hosts ?? SEED_HOSTS.least).map((host) => ({ ...host, platform }));
    return { source: undefined, hosts: kept ?? fresh };
  }
  const { inventory } = parseInventory({ path: args.from, readFile: readTextNow });
  const ports = new Map(kept?.map((host) => [host.name, host.port]));
  const hosts = inventory.hosts.map(({ name, addresses, platform: said }) => {
    const port = ports.get(name);
    const platform = said === 'auto' ? args.platform : said;
    return { name, addresses, platform, ...(port === undefined ? {} : { port }) };
  });
  return { source: { path: resolve(args.from), inventory }, hosts };
}

/** What is there already was kept on purpose, and may have been edited. */
async function writeLabFiles(lab: Lab, keying: Keying, source: Source): Promise<void> {
  const hosts = [...lab.hosts.values()];
  const text =
    source === undefined ? seedInventory(hosts, keying) : rehearsalInventory(source.inventory, hosts, source.path);
  if (await writeUnlessThere(join(lab.folder, 'inventory.yaml'), text)) await prepareKeyStore(lab.folder);
}

async function writeUnlessThere(path: string, text: string): Promise<boolean> {
  try {
    await writeNewFile(path, text, 0o644);
    return true;
  } catch (error) {
    if (error instanceof OperatorError && error.code === 'FILE_EXISTS') return false;
    throw error;
  }
}

async function prepareKeyStore(folder: string): Promise<void> {
  await writeIdentityFile(join(folder, 'identity.txt'), await generateIdentity(), new Date());
  await makeKeyStore(folder, false);
}

const down: CommandModule<object, LabArguments & { readonly keep: boolean }> = {
  command: 'down',
  describe: 'stop the lab and remove its folder',
  builder: (argv: Argv) =>
    labOptions(argv).option('keep', { type: 'boolean', default: false, describe: 'leave the folder, to go on later' }),
  handler: async (args) => {
    const output = createOutput({ format: args.output, colour: args.color });
    const found = await lookForLab(args.folder);
    if (found === undefined) await openControl(args.folder);
    else if (found.isUp) {
      await ask(await openControl(args.folder), { do: 'down', keep: args.keep });
      await awaitExit(found.state);
    } else if (!args.keep) await removeLab(args.folder, found.state);
    else await clearDeadLab(args.folder, found.state);
    say(output, args.keep ? `the lab is down; ${args.folder} is kept` : 'the lab is down and gone', { down: true });
  },
};

const status: CommandModule<object, LabArguments> = {
  command: 'status',
  describe: 'hosts, ports, generations, loaded rules and services in maintenance',
  builder: labOptions,
  handler: async (args) => {
    const output = createOutput({ format: args.output, colour: args.color });
    const rows = statusRows(await ask(await openControl(args.folder), { do: 'status' }));
    if (output.format === 'json') output.json({ event: 'lab-status', folder: realpathSync(args.folder), hosts: rows });
    else output.print(labStatusText(rows));
  },
};

const reset: CommandModule<object, LabArguments & { readonly names: readonly string[] }> = {
  command: 'reset [names..]',
  describe: 'put hosts back to how they were delivered; all when none is named',
  builder: (argv: Argv) =>
    labOptions(argv).positional('names', { type: 'string', array: true, default: [] as readonly string[] }),
  handler: (args) => act(args, 'reset', args.names, 'as delivered'),
};

type OneHost = LabArguments & { readonly host: string };

function oneHost(argv: Argv): Argv<OneHost> {
  return labOptions(argv).positional('host', { type: 'string', demandOption: true, describe: 'a host of the lab' });
}

const reboot: CommandModule<object, OneHost> = {
  command: 'reboot <host>',
  describe: 'start a host again, or for the first time after a power cut',
  builder: oneHost,
  handler: (args) => act(args, 'boot', [args.host], 'booted'),
};

const powerCut: CommandModule<object, OneHost> = {
  command: 'power-cut <host>',
  describe: 'kill everything on a host at this moment; its files stay',
  builder: oneHost,
  handler: (args) => act(args, 'power-cut', [args.host], 'without power'),
};

type FaultArguments = OneHost & { readonly tool: string; readonly kind: FaultWord; readonly args: string };

const fault: CommandModule<object, FaultArguments> = {
  command: 'fault <host> <tool> <kind>',
  describe: 'make a command of a host do wrong until told otherwise: lab fault web1 ipsecconf lie',
  builder: (argv: Argv): Argv<FaultArguments> =>
    oneHost(argv)
      .positional('tool', {
        type: 'string',
        demandOption: true,
        describe: 'ipsecconf, ipseckey, in.iked, svcadm …, or * for all',
      })
      .positional('kind', {
        choices: FAULT_WORDS,
        demandOption: true,
        describe:
          'lie: report success and do nothing; fail; hang; dies (in.iked); stale: keep what was held before; out-of-step (ikeadm): phase 1 without SAs; none: all is well again',
      })
      .option('args', {
        type: 'string',
        requiresArg: true,
        default: '',
        describe: 'only calls with this argument, e.g. --args=-F',
      }),
  handler: async ({ host, tool, kind, args: argument, ...args }) => {
    const output = createOutput({ format: args.output, colour: args.color });
    const only = kind === 'out-of-step' ? 'ikeadm' : kind === 'dies' || kind === 'stale' ? 'in.iked' : tool;
    if (only !== tool) {
      throw new OperatorError('USAGE', {
        what: `${kind} is a fault of ${only}, not of ${tool}`,
        todo: 'lie, fail and hang go with every command',
      });
    }
    await ask(await openControl(args.folder), { do: 'fault', hosts: [host], tool, fault: kind, args: argument });
    say(output, kind === 'none' ? `${host}: all is well again` : `${host}: the fault "${kind}" is on ${tool}`, {
      did: 'fault',
      hosts: [host],
      tool,
      kind,
    });
  },
};

const demo: CommandModule<object, CommonArguments & { readonly keying: Keying }> = {
  command: 'demo',
  describe: 'play the main job from up to down, in a minute',
  builder: (argv: Argv) =>
    commonOptions(argv).option('keying', { choices: ['ike-psk', 'manual'] as const, default: 'ike-psk' as const }),
  handler: async (args) => playDemo(args.keying, createOutput({ format: args.output, colour: args.color })),
};

async function act(
  args: LabArguments,
  word: 'reset' | 'boot' | 'power-cut',
  hosts: readonly string[],
  outcome: string,
): Promise<void> {
  const output = createOutput({ format: args.output, colour: args.color });
  const { done } = await ask(await openControl(args.folder), { do: word, hosts });
  const names = Array.isArray(done) ? done.map(String) : [];
  say(output, `${outcome}: ${names.join(', ')}`, { did: word, hosts: names });
}

function say(output: Output, text: string, fields: Readonly<Record<string, unknown>>): void {
  if (output.format === 'json') output.json({ event: 'lab', ...fields });
  else output.print(`${text}\n`);
}

type ExecArguments = OneHost & { readonly words: readonly string[]; readonly '--'?: readonly string[] };

const exec: CommandModule<object, ExecArguments> = {
  command: 'exec <host> [words..]',
  describe: 'run a command on a host: lab exec web1 -- ipsecconf -Ln',
  builder: (argv: Argv): Argv<ExecArguments> =>
    oneHost(argv)
      .positional('words', { type: 'string', array: true, default: [] as readonly string[] })
      .parserConfiguration({ 'populate--': true, 'parse-positional-numbers': false }),
  handler: async (args) => {
    const command = [...args.words, ...(args['--'] ?? [])];
    if (command.length === 0) {
      throw new OperatorError('USAGE', { what: 'no command is named', todo: `lab exec ${args.host} -- ipsecconf -Ln` });
    }
    const socket = await openControl(args.folder);
    process.exitCode = await runOnHost(socket, args.host, command, process);
  },
};
