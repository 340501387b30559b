/** `lab up`, and the process behind it. */

import { join } from 'node:path';
import type { Argv, CommandModule } from 'yargs';
import { MOST_ENFORCED } from '../../lab/enforce/enforcing-lab.js';
import { requireForEnforcing, thisMachine } from '../../lab/enforce/requirements.js';
import type { LabNodes } from '../../lab/lab-node.js';
import { shellWord } from '../../drift/finding-words.js';
import { lookForLab } from '../../lab/lab-folder.js';
import { serveEnforcingLab, serveLab, type ServedLab } from '../../lab/lab-process.js';
import { beginStart, reportStart, startInBackground, type UnfinishedStart } from '../../lab/lab-start.js';
import { folderOption, readLabState, type LabState } from '../../lab/lab-state.js';
import { SEED_HOSTS } from '../../lab/seed-inventory.js';
import { createOutput } from '../output.js';
import { wantedLab, writeLabFiles, type LabWishes, type WantedLab } from './lab-plan.js';
import { labOptions, type LabArguments } from './lab-words.js';

type UpArguments = LabArguments & LabWishes;

function upOptions(argv: Argv): Argv<UpArguments> {
  return labOptions(argv)
    .option('hosts', {
      type: 'number',
      requiresArg: true,
      describe: `hosts in all, web1 among them (${SEED_HOSTS.least} unless said)`,
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
    })
    .option('enforce', {
      type: 'boolean',
      default: false,
      describe: `hosts whose loaded policy decides which packets pass: Linux namespaces, as root; up to ${MOST_ENFORCED}`,
    })
    .option('outsiders', {
      type: 'number',
      requiresArg: true,
      default: 0,
      describe: 'with --enforce: hosts beside those of the inventory, to try things from',
    })
    .check(({ hosts, enforce, outsiders }) => {
      const { least, most } = enforce ? { least: 1, most: MOST_ENFORCED } : SEED_HOSTS;
      checkCount('--hosts', hosts, least, most);
      checkCount('--outsiders', outsiders, 0, enforce ? MOST_ENFORCED : 0);
      return true;
    });
}

function checkCount(option: string, value: number | undefined, least: number, most: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= least && value <= most)) return;
  if (most === 0) throw new Error(`${option} goes with --enforce: a plain lab has no wire for them`);
  throw new Error(`${option} takes a whole number from ${least} to ${most}`);
}

export const up: CommandModule<object, UpArguments> = {
  command: 'up',
  describe: 'start the lab in the background and write its inventory',
  builder: upOptions,
  handler: async (args) => {
    const output = createOutput({ format: args.output, colour: args.color });
    const found = await lookForLab(args.folder);
    if (found?.isUp === true && args.enforce) wantedLab(args);
    if (found?.isUp !== true) {
      // Read here first: all that is wrong with an inventory is told with its places, which the background cannot do.
      if (wantedLab(args).controller !== undefined) requireForEnforcing(thisMachine());
      await startInBackground(args.folder, serveWords(args));
    }
    const inventory = join(args.folder, 'inventory.yaml');
    const state = readLabState(args.folder);
    const hosts = state?.hosts.length ?? 0;
    if (output.format === 'json') {
      output.json({ event: 'lab', already: found?.isUp === true, hosts, inventory });
    } else if (found?.isUp === true)
      output.print(`the lab in ${args.folder} is up already, with ${hosts} ${hosts === 1 ? 'host' : 'hosts'}\n`);
    else {
      output.print(
        `${hosts} ${hosts === 1 ? 'host is' : 'hosts are'} up; try\n\n    ${applyWords(args.folder, inventory, state)}\n\n`,
      );
      output.print(`and end them with \`ipsec-deploy lab down${folderWords(args.folder)}\`.\n`);
    }
  },
};

/** The hosts of an enforcing lab are reached from its wire alone. */
function applyWords(folder: string, inventory: string, state: LabState | undefined): string {
  const apply = `ipsec-deploy apply ${shellWord(inventory)}`;
  return state?.controller === undefined ? apply : `ipsec-deploy lab controller${folderWords(folder)} -- ${apply}`;
}

function folderWords(folder: string): string {
  return folder === 'lab' ? '' : ` ${folderOption(folder)}`;
}

function serveWords(args: UpArguments): string[] {
  const { folder, hosts, keying, platform, from, enforce, outsiders } = args;
  const words = [
    process.argv[1] ?? '',
    'lab',
    'serve',
    `--folder=${folder}`,
    '--keying',
    keying,
    '--platform',
    platform,
  ];
  if (hosts !== undefined) words.push('--hosts', String(hosts));
  if (from !== undefined) words.push(`--from=${from}`);
  if (enforce) words.push('--enforce', '--outsiders', String(outsiders));
  return words;
}

export const serve: CommandModule<object, UpArguments> = {
  command: 'serve',
  describe: false,
  builder: upOptions,
  handler: async (args) => {
    let starting: UnfinishedStart | undefined;
    try {
      starting = await beginStart(args.folder);
      const served = await start(args, wantedLab(args));
      starting.done();
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void served.stop());
      reportStart({ ready: true });
      await served.ended;
      starting.over();
    } catch (error) {
      await starting?.givenUp();
      starting?.over();
      reportStart({ error });
      throw error;
    }
  },
};

async function start({ folder, keying }: UpArguments, wanted: WantedLab): Promise<ServedLab<LabNodes>> {
  const { hosts, controller, source } = wanted;
  const prepare = (lab: LabNodes): Promise<void> => writeLabFiles(lab, keying, source);
  if (controller === undefined) return serveLab({ folder, hosts, prepare });
  requireForEnforcing(thisMachine());
  return serveEnforcingLab({ folder, hosts, controller, prepare });
}
