/** `lab cut`, `heal`, `loss`, `delay`, `clock`, `disk`: what befalls whole hosts of an enforcing lab. */

import type { Argv, CommandModule } from 'yargs';
import { ask, openControl } from '../../lab/control-client.js';
import { DISK_WORDS, type Disturbance } from '../../lab/disturbance.js';
import { createOutput } from '../output.js';
import { oneHost, say, type OneHost } from './lab-words.js';

async function disturb(args: OneHost, disturbance: Disturbance, outcome: string): Promise<void> {
  const output = createOutput({ format: args.output, colour: args.color });
  await ask(await openControl(args.folder), { do: 'disturb', hosts: [args.host], ...disturbance });
  say(output, `${args.host}: ${outcome}`, { did: 'disturb', hosts: [args.host], ...disturbance });
}

const cut: CommandModule<object, OneHost & { readonly in: boolean; readonly out: boolean }> = {
  command: 'cut <host>',
  describe: 'cut the network of a host of an enforcing lab, or one direction of it',
  builder: (argv: Argv) =>
    oneHost(argv)
      .option('in', { type: 'boolean', default: false, describe: 'only what goes to the host' })
      .option('out', { type: 'boolean', default: false, describe: 'only what comes from it' }),
  handler: (args) => {
    const direction = args.in === args.out ? 'both' : args.in ? 'in' : 'out';
    const outcome = { in: 'nothing gets to it', out: 'nothing gets out of it', both: 'its network is cut' }[direction];
    return disturb(args, { what: 'cut', direction }, outcome);
  },
};

const heal: CommandModule<object, OneHost> = {
  command: 'heal <host>',
  describe: 'make the network of a host sound again: no cut, no loss, no delay',
  builder: oneHost,
  handler: (args) => disturb(args, { what: 'heal' }, 'its network is sound'),
};

const loss: CommandModule<object, OneHost & { readonly percent: number }> = {
  command: 'loss <host> <percent>',
  describe: 'lose so many of 100 packets of a host of an enforcing lab, each way and at random',
  builder: (argv: Argv) => wholeNumber(oneHost(argv), 'percent', 0, 100),
  handler: (args) =>
    disturb(args, { what: 'loss', percent: args.percent }, `it loses ${args.percent} % of its packets`),
};

const delay: CommandModule<object, OneHost & { readonly milliseconds: number }> = {
  command: 'delay <host> <milliseconds>',
  describe: 'make packets to a host of an enforcing lab later; needs netem in the kernel',
  builder: (argv: Argv) => wholeNumber(oneHost(argv), 'milliseconds', 1, 60_000),
  handler: ({ milliseconds, ...args }) =>
    disturb(args, { what: 'delay', milliseconds }, `packets to it take ${milliseconds} ms longer`),
};

const clock: CommandModule<object, OneHost & { readonly seconds: number }> = {
  command: 'clock <host> <seconds>',
  describe: 'make the clock of a host of an enforcing lab wrong: lab clock web1 +3600; 0: right again',
  builder: (argv: Argv) => wholeNumber(oneHost(argv), 'seconds', -3_000_000_000, 3_000_000_000),
  handler: ({ seconds, ...args }) => {
    const side = seconds > 0 ? 'ahead' : 'behind';
    const outcome = seconds === 0 ? 'its clock is right' : `its clock is ${Math.abs(seconds)} s ${side}`;
    return disturb(args, { what: 'clock', offsetSeconds: seconds }, outcome);
  },
};

type DiskArguments = OneHost & { readonly state: (typeof DISK_WORDS)[number] };

const disk: CommandModule<object, DiskArguments> = {
  command: 'disk <host> <state>',
  describe: 'make the file systems of a host of an enforcing lab full or read-only (ro); ok: all is well again',
  builder: (argv: Argv): Argv<DiskArguments> =>
    oneHost(argv).positional('state', { choices: DISK_WORDS, demandOption: true }),
  handler: (args) => {
    const outcome = { full: 'its disk is full', ro: 'its file systems are read-only', ok: 'its disk is well' };
    return disturb(args, { what: 'disk', disk: args.state }, outcome[args.state]);
  },
};

function wholeNumber<T, K extends string>(
  argv: Argv<T>,
  name: K,
  least: number,
  most: number,
): Argv<T & Record<K, number>> {
  const coerce = (text: string): number => {
    const value = Number(text);
    if (/^[+-]?\d+$/.test(text) && value >= least && value <= most) return value;
    throw new Error(`${name} is a whole number from ${least} to ${most}, not ${text}`);
  };
  return argv.positional(name, { type: 'string', demandOption: true, coerce });
}

export function disturbances(argv: Argv): Argv {
  return argv.command(cut).command(heal).command(loss).command(delay).command(clock).command(disk);
}
