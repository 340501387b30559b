/** What a host has to be told so that a login may run the agent as root and nothing else: sudoers lines, a rights profile, a forced command. */

export interface PrivilegesInput {
  readonly host: string;
  /** Where the host is reached. */
  readonly address: string;
  readonly port: number;
  /** Jump hosts on the way, as ssh -J takes them; empty for none. */
  readonly jumps: readonly string[];
  readonly user: string;
  readonly become: 'none' | 'pfexec' | 'sudo';
  readonly platform: 'auto' | 'solaris-smf' | 'solaris-legacy';
  /** Where the entry stands. */
  readonly path: string;
  readonly digest: string;
  /** The entry's text. */
  readonly entry: string;
  /** Addresses and prefixes that the login may come from; empty when they are not known. */
  readonly sources: readonly string[];
  /** `ssh-ed25519 AAAA… comment`. */
  readonly publicKey: string | undefined;
  /** Whether the inventory says that this host has an entry at that path. */
  readonly inventoryKnows: boolean;
  /** Words that were given and that the printed commands have to repeat, e.g. `fleet.yaml --privilege sudo`. */
  readonly asked?: string;
}

/** A file of the host, or a line that has to stand in one. */
export interface HostPart {
  readonly part: 'entry' | 'sudoers' | 'prof_attr' | 'exec_attr' | 'key';
  readonly path: string;
  /** Octal; absent for a line that is added to a file that is there. */
  readonly mode?: string;
  readonly text: string;
}

const PROFILE = 'IPsec Deploy';

export function privilegeParts(input: PrivilegesInput): readonly HostPart[] {
  const entry: HostPart = { part: 'entry', path: input.path, mode: '0755', text: input.entry };
  return [entry, ...rightParts(input), keyPart(input)];
}

function rightParts(input: PrivilegesInput): readonly HostPart[] {
  switch (input.become) {
    case 'none':
      return [];
    case 'sudo':
      return [{ part: 'sudoers', path: '/etc/sudoers.d/ipsec-deploy', mode: '0440', text: sudoersText(input) }];
    case 'pfexec':
      return profileParts(input);
  }
}

/** Arguments are spelled out: no other call is allowed. I/O logging would write keys into files of its own (sudoers(5)). */
function sudoersText({ user, path, digest }: PrivilegesInput): string {
  const commands = [`${path} ${digest}`, `${path} ${digest} readonly`];
  return [
    `Defaults!${path} env_reset, !requiretty, !log_input, !log_output`,
    `${sudoersName(user)} ALL=(root) NOPASSWD: ${commands.join(', \\\n    ')}`,
    '',
  ].join('\n');
}

/** sudoers(5): these have a meaning in a name. */
function sudoersName(user: string): string {
  return user.replace(/[@!=:,()\\%+"]/g, '\\$&');
}

/** prof_attr(5) and exec_attr(5); hosts without services have only the files themselves, and the older policy. */
function profileParts({ platform, path }: PrivilegesInput): readonly HostPart[] {
  const isOld = platform === 'solaris-legacy';
  const place = (name: string): Pick<HostPart, 'path' | 'mode'> =>
    isOld ? { path: `/etc/security/${name}` } : { path: `/etc/security/${name}.d/ipsec-deploy`, mode: '0644' };
  return [
    {
      part: 'prof_attr',
      ...place('prof_attr'),
      text: `${PROFILE}:::Run the agent of ipsec-deploy and nothing else:\n`,
    },
    {
      part: 'exec_attr',
      ...place('exec_attr'),
      text: `${PROFILE}:${isOld ? 'suser' : 'solaris'}:cmd:::${path}:uid=0;gid=0\n`,
    },
  ];
}

/** sshd(8), AUTHORIZED_KEYS FILE FORMAT; `restrict` is not known to older servers, which then refuse the key. */
function keyPart({ user, path, sources, publicKey }: PrivilegesInput): HostPart {
  const options = [
    ...(sources.length === 0 ? [] : [`from="${sources.join(',')}"`]),
    `command="${path} forced"`,
    'no-agent-forwarding',
    'no-port-forwarding',
    'no-pty',
    'no-X11-forwarding',
  ];
  const home = user === 'root' ? '/root' : `~${user}`;
  return {
    part: 'key',
    path: `${home}/.ssh/authorized_keys`,
    text: `${options.join(',')} ${publicKey ?? 'PUBLIC-KEY'}\n`,
  };
}

/** The whole instruction; the entry itself is printed by `--part entry`. */
export function privilegesText(input: PrivilegesInput, parts: readonly HostPart[]): string {
  const { host, user, become, path, asked } = input;
  const head =
    become === 'none'
      ? `${host}: ${user} logs in and may run the agent, and nothing else by the key below.\n`
      : `${host}: ${user} becomes root by ${become}, to run the agent and nothing else.\n`;
  const folder = path.slice(0, path.lastIndexOf('/'));
  // Where nothing came through the pipe, what stands there stays.
  const install =
    `ipsec-deploy privileges ${host}${asked === undefined ? '' : ` ${asked}`} --part entry | ${rootLogin(input)} \\\n` +
    `    'umask 022; mkdir -p ${folder} && cat >${path}.new && test -s ${path}.new && chmod 0755 ${path}.new && mv ${path}.new ${path}'`;
  const steps = [
    step(`The entry, ${path}, root's and writable by nobody else; anew with each version of ipsec-deploy:`, install),
    ...parts.filter(({ part }) => part !== 'entry').map((part) => step(introduction(part, input), part.text.trimEnd())),
    ...(become === 'pfexec'
      ? [step(`The profile for the user, beside those that \`profiles ${user}\` lists:`, usermod(input))]
      : []),
    ...(input.inventoryKnows
      ? []
      : [
          step(
            'In the inventory, where the host has its ssh settings:',
            `ssh: { user: ${user}, privilege: ${become}, entry: ${path} }`,
          ),
        ]),
  ];
  return `${head}\n${steps.map((text, i) => `${i + 1}. ${text}`).join('\n')}`;
}

function rootLogin({ address, port, jumps }: PrivilegesInput): string {
  const way = jumps.length === 0 ? '' : `-J ${jumps.join(',')} `;
  return `ssh ${way}${port === 22 ? '' : `-p ${port} `}root@${address}`;
}

function step(what: string, text: string): string {
  return `${what}\n\n${text.replace(/^/gm, '       ')}\n`;
}

function introduction({ part, path, mode }: HostPart, { publicKey }: PrivilegesInput): string {
  const file = mode === undefined ? `A line more in ${path}` : `${path}, root's, mode ${mode}`;
  switch (part) {
    case 'sudoers':
      return `${file}; \`visudo -cf\` checks it:`;
    case 'key':
      return `${file}, so that this key can only talk to the agent${publicKey === undefined ? ' (--key FILE puts the public key in)' : ''}:`;
    case 'prof_attr':
    case 'exec_attr':
    case 'entry':
      return `${file}:`;
  }
}

function usermod({ user, platform }: PrivilegesInput): string {
  const own = `usermod -P '${PROFILE}' ${user}`;
  return platform === 'solaris-legacy' ? own : `${own}      # Solaris 11: usermod -P '+${PROFILE}' ${user}`;
}
