/** `drift install-service`: writes the file by which systemd or SMF runs the drift service. Starts nothing. */

import { realpath } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';

import type { Argv, CommandModule } from 'yargs';

import { parseSchedule } from '../../../drift/due.js';
import { EXIT, OperatorError, type ExitStatus } from '../../../errors.js';
import { readText, writeFileWhole } from '../../../files/workspace.js';
import type { NotifierSettings } from '../../../model/drift.js';
import type { Host, SshAuth } from '../../../model/host.js';
import type { ServiceFacts } from '../../../report/service/service-facts.js';
import { smfManifest, smfSteps } from '../../../report/service/smf-manifest.js';
import { systemdSteps, systemdUnit } from '../../../report/service/systemd-unit.js';
import { commonOptions, type CommonArguments } from '../../arguments.js';
import { inventoryFile, withContext, type Context } from '../../context.js';
import { packageRoot } from '../../package-files.js';
import { noSchedule } from './watch-options.js';

interface InstallArguments extends CommonArguments {
  readonly inventory: string;
  readonly systemd: boolean;
  readonly smf: boolean;
  readonly user: string;
  readonly name: string;
  readonly schedule: string | undefined;
  readonly remediate: boolean;
  readonly out: string | undefined;
  readonly print: boolean;
  readonly force: boolean;
}

const MANAGERS = {
  systemd: {
    folder: '/etc/systemd/system',
    suffix: '.service',
    text: systemdUnit,
    steps: systemdSteps,
  },
  smf: { folder: '/var/svc/manifest/site', suffix: '.xml', text: smfManifest, steps: smfSteps },
} as const;

export const installServiceCommand: CommandModule<object, InstallArguments> = {
  command: 'install-service [inventory]',
  describe: 'write the systemd unit or SMF manifest of the drift service; nothing is started',
  builder: (argv: Argv): Argv<InstallArguments> =>
    commonOptions(argv)
      .positional('inventory', { type: 'string', default: 'inventory.yaml', describe: 'the inventory file' })
      .option('systemd', { type: 'boolean', default: false, describe: 'a unit for systemd' })
      .option('smf', { type: 'boolean', default: false, describe: 'a manifest for SMF, on illumos and Solaris' })
      .option('user', {
        type: 'string',
        requiresArg: true,
        default: process.env['SUDO_USER'] ?? userInfo().username,
        defaultDescription: 'who runs this',
        describe: 'the user that the service runs as',
      })
      .option('name', {
        type: 'string',
        requiresArg: true,
        default: 'ipsec-deploy-drift',
        describe: 'the name of the service: one for each fleet',
      })
      .option('schedule', {
        type: 'string',
        requiresArg: true,
        describe: "cron words such as '*/15 * * * *', instead of the inventory's",
      })
      .option('remediate', {
        type: 'boolean',
        default: false,
        describe: 'a service that puts right what the inventory lets it',
      })
      .option('out', {
        type: 'string',
        requiresArg: true,
        describe: "the folder to write to; the system's unless said",
      })
      .option('print', { type: 'boolean', default: false, describe: 'write to standard output, and no file' })
      .option('force', { type: 'boolean', default: false, describe: 'replace a file that is there and differs' }),
  handler: (args) =>
    withContext({ ...args, limit: undefined, forks: undefined }, (context) => installService(context, args)),
};

async function installService(context: Context, args: InstallArguments): Promise<ExitStatus> {
  if (args.systemd && args.smf) throw new Error('--systemd or --smf: give one of them');
  const { output, inventory } = context;
  const manager = MANAGERS[args.smf || (!args.systemd && process.platform === 'sunos') ? 'smf' : 'systemd'];
  const facts = await serviceFacts(context, args);
  const text = manager.text(facts);
  const file = join(resolve(args.out ?? manager.folder), `${facts.name}${manager.suffix}`);
  const steps = manager.steps(facts, file);
  if (!args.print) await write(file, text, args.force);
  if (output.format === 'json') {
    output.json({ event: 'service-file', file: args.print ? undefined : file, text, next: steps });
  } else if (args.print) {
    output.print(text);
  } else {
    output.print(`${file} is written; nothing was started. Next, in this order:\n\n`);
    output.print(steps.map((step) => `    ${step}\n`).join(''));
  }
  if (inventory.hosts.some(needsAgent)) {
    output.note(
      'note: some hosts are logged in to by the SSH agent alone, and a service has none: name a key under ssh.auth\n',
    );
  }
  return EXIT.ok;
}

async function serviceFacts(context: Context, args: InstallArguments): Promise<ServiceFacts> {
  const { inventory, settings } = context;
  const { drift, identityFile, logFile } = settings;
  const { name, user } = args;
  if (!/^[a-z0-9][\w.-]{0,63}$/i.test(name)) throw new Error('--name takes letters, digits, -, _ and .');
  if (!/^[a-z_][\w.-]{0,31}$/i.test(user)) throw new Error('--user takes the name of a user');
  const schedule = args.schedule ?? drift.schedule;
  if (schedule === undefined) throw noSchedule();
  parseSchedule(schedule, drift.timeZone);
  if (identityFile === undefined && inventory.links.length > 0) throw noIdentity(settings.keyStore);
  const facts: ServiceFacts = {
    name,
    user,
    fleet: inventory.fleet,
    node: process.execPath,
    program: join(packageRoot, 'bin', 'ipsec-deploy.js'),
    inventory: await realpath(await inventoryFile(args.inventory)),
    identityFile: identityFile === undefined ? undefined : resolve(identityFile),
    stateFolder: dirname(resolve(drift.stateFile)),
    logFolder: logFile === undefined ? undefined : dirname(resolve(logFile)),
    schedule: args.schedule,
    remediate: args.remediate,
    variables: [...new Set([...drift.notify.flatMap(notifierVariables), ...inventory.hosts.flatMap(hostVariables)])],
  };
  const odd = [facts.node, facts.program, facts.inventory, facts.identityFile, facts.stateFolder, facts.logFolder].find(
    (path) => path !== undefined && /\p{Cc}/u.test(path),
  );
  if (odd === undefined) return facts;
  throw new OperatorError('PATH_UNUSABLE', {
    what: 'a path with control characters cannot stand in the file of a service',
    where: JSON.stringify(odd),
    todo: 'move it to a plainer place',
  });
}

async function write(file: string, text: string, force: boolean): Promise<void> {
  const present = await readText(file).catch((error: unknown) => {
    if (error instanceof OperatorError) return undefined;
    throw error;
  });
  if (present === text) return;
  if (present !== undefined && !force) {
    throw new OperatorError('SERVICE_EXISTS', {
      what: 'there is such a service already, and its file differs: it is left as it is',
      where: file,
      todo: 'compare it with the output of --print, then use --force, or another --name',
    });
  }
  await writeFileWhole(file, text, 0o644);
}

function notifierVariables(settings: NotifierSettings): readonly string[] {
  switch (settings.kind) {
    case 'webhook':
      return settings.secretEnv === undefined ? [] : [settings.secretEnv];
    case 'slack':
      return [settings.urlEnv];
    case 'email':
      return [settings.userEnv, settings.passwordEnv].filter((name) => name !== undefined);
    case 'syslog':
    case 'exec':
      return [];
  }
}

function hostVariables({ ssh }: Host): readonly string[] {
  return ssh.auth.flatMap((auth: SshAuth) => {
    switch (auth.kind) {
      case 'agent':
        return [];
      case 'key':
        return auth.passphraseEnv ?? [];
      case 'password':
        return auth.passwordEnv ?? [];
    }
  });
}

function needsAgent({ ssh }: Host): boolean {
  return ssh.auth.every(({ kind }) => kind === 'agent');
}

function noIdentity(keyStore: string): OperatorError {
  return new OperatorError('SERVICE_NEEDS_IDENTITY', {
    what: 'the key store is opened by a passphrase, and a service has nobody to ask',
    where: keyStore,
    todo: 'name identityFile in the settings: of the inventory',
  });
}
