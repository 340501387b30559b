/** The drift service as a systemd unit (systemd.service(5), systemd.exec(5)): it may reach hosts, and write its own memory. */

import { environmentFile, serviceWords, shellWord, STOP_SECONDS, type ServiceFacts } from './service-facts.js';

/** systemd makes this folder itself, with the right owner. */
const STATE_ROOT = '/var/lib/';

export function systemdUnit(facts: ServiceFacts): string {
  const { fleet, user, inventory, identityFile, variables } = facts;
  const identity = identityFile === undefined ? undefined : '${CREDENTIALS_DIRECTORY}/identity';
  return [
    '[Unit]',
    `Description=ipsec-deploy watches the hosts of ${text(fleet)} for drift`,
    'Wants=network-online.target',
    'After=network-online.target',
    '',
    '[Service]',
    'Type=exec',
    `User=${text(user)}`,
    `ExecStart=${serviceWords(facts, identity).map(execWord).join(' ')}`,
    '# Reads the inventory again; one that cannot be used is told of, and the old one stays.',
    'ExecReload=/bin/kill -HUP $MAINPID',
    `WorkingDirectory=${text(inventory.slice(0, Math.max(1, inventory.lastIndexOf('/'))))}`,
    ...(identityFile === undefined
      ? []
      : [
          '# Read by root: the user of the service needs no access to the file.',
          `LoadCredential=identity:${text(identityFile)}`,
        ]),
    ...(variables.length === 0 ? [] : [`EnvironmentFile=${environmentFile(facts)}`]),
    '# Exit status 1: a person has to mend something first. 130: it was interrupted.',
    'Restart=on-failure',
    'RestartSec=30',
    'RestartPreventExitStatus=1',
    'SuccessExitStatus=130',
    `TimeoutStopSec=${STOP_SECONDS}`,
    '',
    ...placesOf(facts),
    'UMask=0077',
    'LimitCORE=0',
    'NoNewPrivileges=yes',
    'CapabilityBoundingSet=',
    'ProtectSystem=strict',
    'ProtectHome=read-only',
    'PrivateTmp=yes',
    'PrivateDevices=yes',
    'ProtectClock=yes',
    'ProtectControlGroups=yes',
    'ProtectHostname=yes',
    'ProtectKernelLogs=yes',
    'ProtectKernelModules=yes',
    'ProtectKernelTunables=yes',
    'RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX',
    'RestrictNamespaces=yes',
    'RestrictRealtime=yes',
    'RestrictSUIDSGID=yes',
    'LockPersonality=yes',
    'SystemCallArchitectures=native',
    'SystemCallFilter=@system-service',
    'SystemCallErrorNumber=EPERM',
    '# Not MemoryDenyWriteExecute: JavaScript is compiled while it runs.',
    '',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ].join('\n');
}

/** What to run next, in order. @param file where the unit was written */
export function systemdSteps(facts: ServiceFacts, file: string): readonly string[] {
  const { name, user, stateFolder, logFolder, variables } = facts;
  const folders = [...new Set([stateFolder, ...(logFolder === undefined ? [] : [logFolder])])];
  const own = folders.filter((folder) => stateDirectory(folder) === undefined);
  return [
    ...own.map((folder) => `sudo install -d -o ${user} -m 0700 ${shellWord(folder)}`),
    ...environmentSteps(facts, variables),
    ...(file === `/etc/systemd/system/${name}.service` ? [] : [`sudo cp ${shellWord(file)} /etc/systemd/system/`]),
    'sudo systemctl daemon-reload',
    `sudo systemctl enable --now ${name}`,
    `journalctl -fu ${name}`,
  ];
}

export function environmentSteps(facts: ServiceFacts, variables: readonly string[]): readonly string[] {
  if (variables.length === 0) return [];
  const file = environmentFile(facts);
  return [
    `sudo install -D -m 0600 /dev/null ${file}`,
    `sudoedit ${file}   # ${variables.map((name) => `${name}=…`).join(', ')}, one a line`,
  ];
}

/** Everything but its own places is read-only for it. */
function placesOf({ stateFolder, logFolder }: ServiceFacts): readonly string[] {
  const folders = [...new Set([stateFolder, ...(logFolder === undefined ? [] : [logFolder])])];
  const made = folders.flatMap((folder) => stateDirectory(folder) ?? []);
  const other = folders.filter((folder) => stateDirectory(folder) === undefined);
  return [
    ...(made.length === 0 ? [] : [`StateDirectory=${made.map(listWord).join(' ')}`, 'StateDirectoryMode=0700']),
    ...(other.length === 0 ? [] : [`ReadWritePaths=${other.map(listWord).join(' ')}`]),
  ];
}

function stateDirectory(folder: string): string | undefined {
  return folder.startsWith(STATE_ROOT) && folder.length > STATE_ROOT.length
    ? folder.slice(STATE_ROOT.length)
    : undefined;
}

/** `%` begins a specifier everywhere. */
function text(value: string): string {
  return value.replaceAll('%', '%%');
}

function listWord(word: string): string {
  return /^[\w@+=:,./%-]+$/.test(word) ? text(word) : quoted(text(word));
}

/** A dollar begins a variable, but for the one that is meant. */
function execWord(word: string): string {
  if (word.startsWith('${CREDENTIALS_DIRECTORY}/')) return word;
  const escaped = text(word).replaceAll('$', '$$$$');
  return /^[\w@+=:,./%-]+$/.test(word) ? escaped : quoted(escaped);
}

function quoted(value: string): string {
  return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
