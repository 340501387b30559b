/** `init`: an inventory to start from, a key store and the identity that opens it. */

import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import type { Argv, CommandModule } from 'yargs';

import { EXIT } from '../../errors.js';
import { readText, writeNewFile } from '../../files/workspace.js';
import { openVault } from '../../vault/age-vault.js';
import { generateIdentity, writeIdentityFile } from '../../vault/identity.js';
import { commonOptions, type CommonArguments } from '../arguments.js';
import { terminalAsk } from '../ask.js';
import { createOutput } from '../output.js';
import { packageRoot } from '../package-files.js';

interface InitArguments extends CommonArguments {
  readonly folder: string;
  readonly passphrase: boolean;
}

export const initCommand: CommandModule<object, InitArguments> = {
  command: 'init [folder]',
  describe: 'start a fleet: a commented inventory, a key store and its identity',
  builder: (argv: Argv): Argv<InitArguments> =>
    commonOptions(argv)
      .positional('folder', { type: 'string', default: '.', describe: 'where to put them' })
      .option('passphrase', {
        type: 'boolean',
        default: false,
        describe: 'open the key store by a passphrase instead of an identity file',
      }),
  handler: async (args) => {
    const output = createOutput({ format: args.output, colour: args.color });
    const made = await scaffold(args.folder, args.passphrase);
    if (output.format === 'json') output.json({ event: 'initialised', files: made });
    else {
      output.print(made.map((path) => `wrote ${path}\n`).join(''));
      output.print(
        `\nNow edit ${made[0] ?? ''}, then run \`ipsec-deploy validate\` and \`ipsec-deploy plan\` in its folder.\n`,
      );
    }
    process.exitCode = EXIT.ok;
  },
};

/** Files are made in the order that leaves nothing half done: the inventory, which would be noticed, comes last but is reported first. */
async function scaffold(folder: string, passphrase: boolean): Promise<readonly string[]> {
  const inventory = join(folder, 'inventory.yaml');
  const keyStore = join(folder, 'keys.age');
  const identity = join(folder, 'identity.txt');
  const text = await readText(join(packageRoot, 'inventory', 'scaffold.yaml'));
  await writeNewFile(inventory, passphrase ? text.replace(/^ +identityFile:.*\n/m, '') : text, 0o644);
  const made = [inventory, keyStore];
  if (!passphrase) {
    await writeIdentityFile(identity, await generateIdentity(), new Date());
    made.push(identity);
  }
  await makeKeyStore(folder, passphrase);
  return made;
}

/** A new, empty key store in a folder; its identity file must be there unless a passphrase is asked for. */
export async function makeKeyStore(folder: string, passphrase: boolean): Promise<void> {
  const settings = { keyStore: join(folder, 'keys.age'), recipients: [] };
  const vault = openVault(
    passphrase ? settings : { ...settings, identityFile: join(folder, 'identity.txt') },
    terminalAsk(),
  );
  await vault.create(randomBytes);
}
