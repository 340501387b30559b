/** The way to a host: its jump hosts and itself. Who stands on it is the inventory's word, or else ssh_config(5)'s. */

import { parseJumpText } from '../inventory/ssh-jump.js';
import type { Host, SshJump, SshSettings } from '../model/host.js';
import { printable } from './host-text.js';
import { SshConfigError } from './ssh-config.js';
import type { AskConfig, ConfigAnswer } from './ssh-config.js';
import type { Environment } from './ssh-credentials.js';
import { resolveHop } from './ssh-hop.js';
import type { Hop, HopDraft } from './ssh-hop.js';

export interface Route {
  readonly jumps: readonly Hop[];
  readonly host: Hop;
  /** What of the file is not gone by. */
  readonly notes: readonly string[];
}

const MOST_JUMPS = 8;

/** @throws SshConfigError what a person must mend before the host can be connected to */
export async function routeTo(host: Host, askConfig: AskConfig, env: Environment): Promise<Route> {
  const notes = new Set<string>();
  const { config } = host.ssh;
  const look = async (names: readonly string[]): Promise<ConfigAnswer | undefined> => {
    if (config === undefined) return undefined;
    const answer = await askConfig(config.file, config.isNamed, names);
    answer.notes.forEach((note) => notes.add(note));
    return answer;
  };
  // An address is looked up by the host's name too; a name that the inventory gives for SSH stands for itself.
  const isAlias = config?.open.includes('host') === true;
  const names = isAlias ? [host.ssh.host] : [host.name, host.ssh.host];
  const answer = await look(names);
  const draft: HopDraft = { name: host.name, settings: host.ssh, open: config?.open ?? [], names };
  const last = resolveHop(draft, answer, env, notes);
  refuseOtherPort(host, answer);

  const jumps: Hop[] = [];
  let ways = config?.open.includes('proxyJump') === true ? jumpsOf(answer, host.name) : (host.ssh.proxyJump ?? []);
  // The nearest jump host may itself be behind another: from the host towards us.
  while (ways.length > 0) {
    const hops: Hop[] = [];
    let beyond: readonly SshJump[] = [];
    for (const [index, jump] of ways.entries()) {
      const said = await look([jump.host]);
      hops.push(resolveHop(jumpDraft(jump, host.ssh, last), said, env, notes));
      if (index === 0 && config !== undefined) beyond = jumpsOf(said, `the jump host ${jump.host}`);
    }
    jumps.unshift(...hops);
    refuseLoop(host.name, [...jumps, last]);
    ways = beyond;
  }
  return { jumps, host: last, notes: [...notes] };
}

/** What a jump host leaves open is as for the host, except that ssh_config(5) may know it by its own name. */
function jumpDraft(jump: SshJump, host: SshSettings, last: Hop): HopDraft {
  const open = host.config?.open ?? [];
  const hostIfOpen = open.filter((key) => key === 'connectTimeoutSeconds' || key === 'knownHosts');
  return {
    name: `jump host ${jump.host}`,
    names: [jump.host],
    settings: {
      ...host,
      host: jump.host.replace(/^\[|\]$/g, ''),
      port: jump.port ?? 22,
      user: jump.user ?? last.settings.user,
      auth: jump.auth ?? host.auth,
      hostKeys: jump.hostKeys,
    },
    open:
      host.config === undefined
        ? []
        : [
            'host',
            ...hostIfOpen,
            ...(jump.port === undefined ? (['port'] as const) : []),
            ...(jump.user === undefined ? (['user'] as const) : []),
            ...(jump.auth === undefined && open.includes('auth') ? (['auth'] as const) : []),
          ],
  };
}

/** `ProxyJump` and `ProxyCommand` exclude each other: the first counts. */
function jumpsOf(answer: ConfigAnswer | undefined, whose: string): readonly SshJump[] {
  const line = answer?.first('proxyjump', 'proxycommand');
  const [text = 'none'] = line?.words ?? [];
  if (line === undefined || text.toLowerCase() === 'none') return [];
  if (line.keyword === 'proxycommand') {
    throw new SshConfigError(
      `${line.where} reaches ${whose} by a ProxyCommand, which is not run; write ProxyJump there, or ssh.proxyJump in the inventory`,
    );
  }
  return text.split(',').map((part) => {
    const jump = parseJumpText(part);
    if (jump === undefined) throw new SshConfigError(`${line.where}: "${printable(part)}" is no jump host`);
    return jump;
  });
}

/** The policy keeps the port open that the inventory says: another one would be cut off by the push. */
function refuseOtherPort(host: Host, answer: ConfigAnswer | undefined): void {
  const line = answer?.line('port');
  const port = line?.words[0];
  if (line === undefined || host.ssh.config?.open.includes('port') !== true || Number(port) === host.ssh.port) return;
  throw new SshConfigError(
    `${line.where} says port ${printable(port ?? '')} for ${host.name}, and the inventory ${host.ssh.port}, which is what its policy keeps open; ` +
      `write the port to ssh.port of the inventory`,
  );
}

function refuseLoop(host: string, hops: readonly Hop[]): void {
  const places = hops.map(({ settings }) => `${settings.host.toLowerCase()} port ${settings.port}`);
  const twice = places.find((place, i) => places.indexOf(place) !== i);
  if (twice !== undefined) {
    throw new SshConfigError(
      `the way to ${host} goes through ${twice} twice (${places.join(', then ')}); ` +
        'leave the jump host out of the `Host` pattern that has ProxyJump, or write ssh.proxyJump in the inventory',
    );
  }
  if (hops.length > MOST_JUMPS + 1)
    throw new SshConfigError(`the way to ${host} has more than ${MOST_JUMPS} jump hosts (${places.join(', then ')})`);
}
