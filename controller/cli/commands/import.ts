/** `import`: an inventory, templates and keys from hosts whose IPsec was set up by hand. */

import { randomBytes } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import { resolve } from 'node:path';
import type { Argv, CommandModule } from 'yargs';

import { EXIT, OperatorError, type ExitStatus } from '../../errors.js';
import { readTemplates, readTextNow } from '../../files/workspace.js';
import { isName } from '../../import/inventory-names.js';
import { parseInventory } from '../../inventory/parse.js';
import { PRIVILEGES } from '../../inventory/schema.js';
import { selectHosts } from '../../inventory/select.js';
import { createLogger, silentLog } from '../../log/logger.js';
import { formatPrefix, parsePrefix, type Prefix } from '../../model/address.js';
import type { Host, Privilege, SshAuth } from '../../model/host.js';
import { outcomeExit } from '../../model/run.js';
import { readAgent } from '../../remote/agent-bundle.js';
import { createHostLink } from '../../remote/agent-link.js';
import { importedHostText, notImportedText } from '../../report/import-text.js';
import { count } from '../../report/plan-text.js';
import { importFleet, type ImportedFleet } from '../../run/import-fleet.js';
import { commonOptions, wholeNumber, type CommonArguments } from '../arguments.js';
import { terminalAsk } from '../ask.js';
import { checkFolder, writeFolder } from '../import-folder.js';
import { readTargets, type Targets } from '../import-targets.js';
import { catchInterrupts, NO_MORE_LOOKS } from '../interrupts.js';
import { createOutput, type Output } from '../output.js';
import { agentFolder, templatesFolder } from '../package-files.js';

interface ImportArguments extends CommonArguments {
  readonly hosts: readonly string[];
  readonly out: string;
  readonly from: string | undefined;
  readonly limit: string | undefined;
  readonly user: string | undefined;
  readonly port: number;
  readonly privilege: Privilege;
  readonly identity: readonly string[];
  readonly 'password-env': string | undefined;
  readonly 'host-key': readonly string[];
  readonly 'known-hosts': readonly string[];
  readonly management: readonly string[];
  readonly fleet: string | undefined;
  readonly keys: boolean;
  readonly passphrase: boolean;
  readonly force: boolean;
  readonly forks: number;
  readonly 'log-file': string | undefined;
}

export const importCommand: CommandModule<object, ImportArguments> = {
  command: 'import [hosts..]',
  describe: 'adopt hosts that have IPsec already: an inventory, templates and keys from what they have',
  builder: (argv: Argv): Argv<ImportArguments> => {
    const texts = (describe: string) =>
      ({ type: 'string', array: true, nargs: 1, default: [] as readonly string[], describe }) as const;
    const text = (describe: string) => ({ type: 'string', requiresArg: true, describe }) as const;
    return commonOptions(argv)
      .positional('hosts', {
        type: 'string',
        array: true,
        default: [] as readonly string[],
        describe: '[name=][user@]address[:port]',
      })
      .option('out', { type: 'string', requiresArg: true, demandOption: true, describe: 'the folder to make' })
      .option('from', text('take hosts and how to reach them from this inventory'))
      .option('limit', text('with --from: only these of its hosts'))
      .option('user', text('user to log in as'))
      .option('port', {
        type: 'number',
        requiresArg: true,
        default: 22,
        describe: 'SSH port',
        coerce: wholeNumber('port', 1, 65_535),
      })
      .option('privilege', { choices: PRIVILEGES, default: 'none' as Privilege, describe: 'how the user becomes root' })
      .option('identity', texts('private key file to log in with; default: the SSH agent'))
      .option('password-env', text('environment variable that holds the password'))
      .option('host-key', texts("host key, 'NAME=ssh-ed25519 AAAA…'; otherwise known_hosts decides"))
      .option('known-hosts', { ...texts('known_hosts file'), default: ['~/.ssh/known_hosts'] as readonly string[] })
      .option(
        'management',
        texts('address or prefix whose SSH is never cut off; default: where the hosts see this machine'),
      )
      .option('fleet', text('name of the fleet; default: the name of the folder'))
      .option('keys', {
        type: 'boolean',
        default: true,
        describe: 'take over the keys; --no-keys leaves them on the hosts, and new ones will be made',
      })
      .option('passphrase', {
        type: 'boolean',
        default: false,
        describe: 'open the key store by a passphrase instead of an identity file',
      })
      .option('force', { type: 'boolean', default: false, describe: 'put a folder that is in the way aside' })
      .option('forks', {
        type: 'number',
        requiresArg: true,
        default: 20,
        describe: 'hosts worked on at once',
        coerce: wholeNumber('forks', 1, 500),
      })
      .option('log-file', text('append events as JSON lines, without secrets'));
  },
  handler: async (args) => {
    const output = createOutput({ format: args.output, colour: args.color });
    process.exitCode = await runImport(args, output);
  },
};

type Words = { [K in keyof Omit<ImportArguments, `${string}-${string}`>]: ImportArguments[K] } & {
  readonly passwordEnv?: string | undefined;
  readonly hostKey?: unknown;
  readonly knownHosts?: unknown;
  readonly logFile?: unknown;
};

async function runImport(args: Words, output: Output): Promise<ExitStatus> {
  const folder = resolve(args.out);
  await checkFolder(folder, args.force);
  const { targets, named, fleet, management } = chooseTargets(args, folder);
  const ask = terminalAsk();
  const logger = typeof args.logFile === 'string' ? await createLogger(args.logFile) : silentLog();
  const interrupts = catchInterrupts(output.note, NO_MORE_LOOKS);
  try {
    const imported = await importFleet({
      targets,
      isNamed: (host) => named.has(host.name),
      ownAddresses: Object.values(networkInterfaces()).flatMap((found) => (found ?? []).map(({ address }) => address)),
      link: createHostLink({
        agent: await readAgent(agentFolder),
        env: process.env,
        randomBytes,
        log: logger.log,
        ...interrupts.ends,
        note: (text) => output.note(`note: ${text}\n`),
        ...(ask === undefined ? {} : { ask }),
      }),
      forks: args.forks,
      stop: interrupts.signal,
      options: {
        fleet,
        management,
        created: new Date().toISOString(),
        withKeys: args.keys,
        identityFile: !args.passphrase,
      },
      builtIn: await readTemplates(templatesFolder),
    });
    for (const host of imported.hosts)
      logger.log.event('info', 'imported', { host: host.host, same: host.same, differs: host.differs });
    for (const { host, outcome } of imported.missing)
      logger.log.event('warn', 'not-imported', { host, status: outcome.status });
    const written = imported.hosts.length > 0 && !interrupts.signal.aborted;
    const aside = written ? await writeFolder(folder, imported.adopted, args.passphrase) : undefined;
    tell(output, args.out, imported, written, aside);
    if (interrupts.signal.aborted) return EXIT.interrupted;
    return worst(imported);
  } finally {
    interrupts.release();
    await logger.close();
  }
}

/** A host that does not render back to the same is a difference, as in `plan`. */
function worst({ hosts, missing }: ImportedFleet): ExitStatus {
  if (missing.some(({ outcome }) => outcomeExit(outcome) !== EXIT.ok)) return EXIT.failed;
  return hosts.every(({ same }) => same) ? EXIT.ok : EXIT.changes;
}

interface Chosen {
  readonly targets: Targets['hosts'];
  readonly named: Targets['named'];
  readonly fleet: string;
  readonly management: readonly Prefix[];
}

function chooseTargets(args: Words, folder: string): Chosen {
  const given = args.management.map((text) => managementPrefix(text));
  if (args.from !== undefined) {
    if (args.hosts.length > 0)
      throw usage('hosts are named both here and by --from', 'use --limit to name some of its hosts');
    const { inventory } = parseInventory({ path: args.from, readFile: readTextNow });
    const targets = selectHosts(inventory, args.limit).map(fromAnywhere);
    return {
      targets,
      named: new Set(targets.map(({ name }) => name)),
      fleet: args.fleet ?? inventory.fleet,
      management: given.length > 0 ? given : inventory.management,
    };
  }
  if (args.hosts.length === 0)
    throw usage('no host is named', 'write ipsec-deploy import web1=root@10.0.1.11 … --out FOLDER');
  if (args.limit !== undefined) throw usage('--limit chooses among the hosts of --from', 'leave it out');
  const { hosts, named } = readTargets({
    hosts: args.hosts,
    user: args.user,
    port: args.port,
    privilege: args.privilege,
    identity: args.identity.map((file) => resolve(file)),
    passwordEnv: args.passwordEnv,
    hostKeys: textsOf(args.hostKey),
    knownHosts: textsOf(args.knownHosts).map((file) => (file.startsWith('~/') ? file : resolve(file))),
  });
  const base = folder.slice(folder.lastIndexOf('/') + 1);
  return { targets: hosts, named, fleet: args.fleet ?? (isName(base) ? base : 'imported'), management: given };
}

/** The new inventory stands in another folder. */
function fromAnywhere(host: Host): Host {
  const file = (path: string): string => (path.startsWith('~/') ? path : resolve(path));
  const moved = (all: readonly SshAuth[]): readonly SshAuth[] =>
    all.map((one) => (one.kind === 'key' ? { ...one, file: file(one.file) } : one));
  const { auth, knownHosts, config, proxyJump } = host.ssh;
  return {
    ...host,
    ssh: {
      ...host.ssh,
      auth: moved(auth),
      knownHosts: knownHosts.map(file),
      ...(config === undefined ? {} : { config: { ...config, file: file(config.file) } }),
      ...(proxyJump === undefined
        ? {}
        : {
            proxyJump: proxyJump.map((jump) => (jump.auth === undefined ? jump : { ...jump, auth: moved(jump.auth) })),
          }),
    },
  };
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function managementPrefix(text: string): Prefix {
  const prefix = parsePrefix(text);
  if (prefix !== undefined) return prefix;
  throw new OperatorError('IMPORT_MANAGEMENT', {
    what: `"${text}" is no address or prefix`,
    where: '--management',
    todo: 'write one such as 10.0.0.5 or 10.0.0.0/28',
  });
}

function usage(what: string, todo: string): OperatorError {
  return new OperatorError('USAGE', { what, where: 'import', todo });
}

function tell(output: Output, out: string, imported: ImportedFleet, written: boolean, aside: string | undefined): void {
  const { hosts, missing, adopted, management } = imported;
  if (output.format === 'json') {
    for (const host of hosts) output.json({ event: 'imported', ...host });
    for (const { host, outcome } of missing) output.json({ event: 'outcome', host, ...outcome });
    output.json({
      event: 'import-ended',
      folder: written ? out : null,
      hosts: hosts.length,
      links: adopted.links.length,
      templates: adopted.templates.length,
      keys: adopted.keys.length,
    });
    return;
  }
  for (const host of hosts) output.print(importedHostText(host, output.paint));
  for (const { host, outcome } of missing) output.print(notImportedText(host, outcome, output.paint));
  if (aside !== undefined) output.note(`the folder that was there is now ${aside}\n`);
  if (!written) {
    output.print('\nnothing was written\n');
    return;
  }
  const made = [
    count(hosts.length, 'host'),
    count(adopted.links.length, 'link'),
    count(adopted.templates.length, 'template'),
    count(adopted.keys.length, 'key'),
  ];
  output.print(
    `\nwrote ${out}: ${made.join(', ')}\nSSH from ${management.map(formatPrefix).join(', ')} is never cut off (management: in the inventory)\n` +
      `Now run \`ipsec-deploy validate\` and \`ipsec-deploy plan\` in it.\n`,
  );
}
