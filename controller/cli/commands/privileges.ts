/** `privileges`: what a host has to be told so that the agent can do its work there and the login nothing else. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Argv, CommandModule } from 'yargs';

import { EXIT, OperatorError } from '../../errors.js';
import { readTextNow, unreadable } from '../../files/workspace.js';
import { isHostKey } from '../../inventory/host-key.js';
import { selectHosts } from '../../inventory/select.js';
import { formatPrefix } from '../../model/address.js';
import type { Host, Inventory, Privilege, SshJump } from '../../model/host.js';
import { readAgent } from '../../remote/agent-bundle.js';
import { ENTRY_PATH, entryScript } from '../../remote/agent-entry.js';
import { privilegeParts, privilegesText, type HostPart, type PrivilegesInput } from '../../report/privileges-text.js';
import { commonOptions, type CommonArguments } from '../arguments.js';
import { withContext } from '../context.js';
import { agentFolder } from '../package-files.js';

const PARTS = ['entry', 'sudoers', 'prof_attr', 'exec_attr', 'key'] as const satisfies readonly HostPart['part'][];

interface PrivilegesArguments extends CommonArguments {
  readonly host: string;
  readonly inventory: string;
  readonly part: HostPart['part'] | undefined;
  readonly key: string | undefined;
  readonly privilege: Privilege | undefined;
  readonly 'allow-import': boolean;
}

export const privilegesCommand: CommandModule<object, PrivilegesArguments> = {
  command: 'privileges <host> [inventory]',
  describe: 'what to set up on a host so that the SSH user can run the agent as root, and nothing else',
  builder: (argv: Argv): Argv<PrivilegesArguments> =>
    commonOptions(argv)
      .positional('host', { type: 'string', demandOption: true, describe: 'a host of the inventory' })
      .positional('inventory', { type: 'string', default: 'inventory.yaml', describe: 'the inventory file' })
      .option('part', { choices: PARTS, describe: 'print this part alone, as it has to stand on the host' })
      .option('key', { type: 'string', requiresArg: true, describe: 'file of the public key that may log in' })
      .option('privilege', {
        choices: ['none', 'pfexec', 'sudo'] as const,
        describe: 'instead of ssh.privilege of the inventory',
      })
      .option('allow-import', {
        type: 'boolean',
        default: false,
        describe: 'let `import` read whole key files through the entry',
      }),
  handler: (args) =>
    withContext({ ...args, limit: undefined, forks: undefined }, async ({ inventory, output }) => {
      const [host, ...more] = selectHosts(inventory, args.host, 'privileges');
      if (host === undefined || more.length > 0) {
        throw new OperatorError('ONE_HOST', { what: `"${args.host}" means several hosts`, todo: 'name one of them' });
      }
      const input = await inputFor(host, inventory, args);
      const parts = privilegeParts(input);
      if (args.part !== undefined) {
        const part = parts.find((one) => one.part === args.part);
        if (part === undefined) {
          throw new OperatorError('NO_SUCH_PART', {
            what: `nothing of the kind ${args.part} is needed where the user becomes root by ${input.become}`,
            todo: `parts are ${parts.map((one) => one.part).join(', ')}`,
          });
        }
        output.print(part.text);
      } else if (output.format === 'json') {
        const { host: name, user, become, path, digest } = input;
        output.json({ event: 'privileges', host: name, user, privilege: become, entry: path, digest, parts });
      } else {
        output.print(privilegesText(input, parts));
      }
      return EXIT.ok;
    }),
};

async function inputFor(host: Host, inventory: Inventory, args: PrivilegesArguments): Promise<PrivilegesInput> {
  const become = args.privilege ?? host.ssh.privilege;
  if (become === 'su') {
    throw new OperatorError('PRIVILEGE_SU', {
      what: `${host.ssh.user} becomes root on ${host.name} by su, which allows everything or nothing`,
      where: host.name,
      todo: 'use sudo or pfexec there: --privilege sudo prints what is needed for it',
    });
  }
  if (host.ssh.user === '') {
    throw new OperatorError('NO_SSH_USER', {
      what: `the inventory does not say who logs in to ${host.name}, and a right has to be given to somebody`,
      where: host.name,
      todo: 'write ssh.user there; ssh_config may name the same',
    });
  }
  const path = host.ssh.entry ?? ENTRY_PATH;
  const agent = await readAgent(agentFolder);
  const entry = entryScript({
    parts: { entry: await readFile(join(agentFolder, 'entry.sh'), 'utf8'), loader: agent.loader },
    digest: agent.digest,
    path,
    become,
    shell: host.platform === 'solaris-legacy' ? '/usr/xpg4/bin/sh' : '/bin/sh',
    allowImport: args['allow-import'],
  });
  const asked = [
    ...(args.inventory === 'inventory.yaml' ? [] : [shellWord(args.inventory)]),
    ...(args.privilege === undefined ? [] : [`--privilege ${args.privilege}`]),
    ...(args['allow-import'] ? ['--allow-import'] : []),
  ].join(' ');
  return {
    host: host.name,
    address: host.ssh.host,
    port: host.ssh.port,
    jumps: (host.ssh.proxyJump ?? []).map(jumpWord),
    user: host.ssh.user,
    become,
    platform: host.platform,
    path,
    digest: agent.digest,
    entry,
    sources: inventory.management.map(formatPrefix),
    publicKey: args.key === undefined ? undefined : publicKeyIn(args.key),
    inventoryKnows: host.ssh.entry !== undefined,
    ...(asked === '' ? {} : { asked }),
  };
}

/** As ssh -J takes it (ssh(1)). */
function jumpWord({ host, port, user }: SshJump): string {
  const place = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  return `${user === undefined ? '' : `${user}@`}${place}${port === undefined ? '' : `:${port}`}`;
}

function shellWord(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** One line of a `.pub` file. @throws OperatorError for anything else, a private key above all */
function publicKeyIn(file: string): string {
  let text: string;
  try {
    text = readTextNow(file);
  } catch (cause) {
    throw unreadable(file, cause);
  }
  const key = text.trim();
  if (/^(ssh|ecdsa|sk)-[^\n]*$/.test(key) && isHostKey(key)) return key;
  throw new OperatorError('NO_PUBLIC_KEY', {
    what: key.includes('PRIVATE KEY') ? 'this is a private key' : 'this is no public key',
    where: file,
    todo: 'name the .pub file beside it, one line that begins with the kind of key',
  });
}
