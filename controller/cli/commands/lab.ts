/** `lab`: a fleet on this machine to learn, try and test with. Binds words to the lab; the hosts live in a process of their own. */

import { existsSync, realpathSync } from 'node:fs';
import type { Argv, CommandModule } from 'yargs';

import { OperatorError } from '../../errors.js';
import { ask, openControl, runOnHost, statusRows } from '../../lab/control-client.js';
import { awaitExit, endDeadLab, lookForLab } from '../../lab/lab-folder.js';
import type { Keying } from '../../model/host.js';
import { labStatusText } from '../../report/lab-text.js';
import { commonOptions, type CommonArguments } from '../arguments.js';
import { playDemo } from '../demo.js';
import { createOutput } from '../output.js';
import { controller } from './lab-controller.js';
import { disturbances } from './lab-disturb.js';
import { fault } from './lab-fault.js';
import { serve, up } from './lab-up.js';
import { act, labOptions, oneHost, say, type LabArguments, type OneHost } from './lab-words.js';

export const labCommand: CommandModule = {
  command: 'lab <command>',
  describe: 'a fleet of simulated hosts on this machine',
  builder: (argv: Argv) =>
    disturbances(
      argv
        .command(up)
        .command(serve)
        .command(down)
        .command(status)
        .command(reset)
        .command(exec)
        .command(controller)
        .command(reboot)
        .command(powerCut)
        .command(fault),
    )
      .command(demo)
      .demandCommand(1, 'Name what the lab should do; lab --help lists it.'),
  handler: () => undefined,
};

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
    } else await endDeadLab(args.folder, args.keep);
    const isKept = args.keep && existsSync(args.folder);
    say(output, isKept ? `the lab is down; ${args.folder} is kept` : 'the lab is down and gone', { down: true });
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

const reboot: CommandModule<object, OneHost> = {
  command: ['reboot <host>', 'boot <host>'],
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

const demo: CommandModule<object, CommonArguments & { readonly keying: Keying }> = {
  command: 'demo',
  describe: 'play the main job from up to down, in a minute',
  builder: (argv: Argv) =>
    commonOptions(argv).option('keying', { choices: ['ike-psk', 'manual'] as const, default: 'ike-psk' as const }),
  handler: async (args) => playDemo(args.keying, createOutput({ format: args.output, colour: args.color })),
};

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
