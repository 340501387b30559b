/** The HostLink: connects, starts the agent over one command, hands out the conversation (agent/README.md, "Starting"). */

import type { Host, Privilege } from '../model/host.js';
import type { Secret } from '../model/secret.js';
import { HostLinkError, LinkInterrupted } from '../ports.js';
import type { HostLink, HostSession, LinkFailure, Log, RandomBytes, SessionMode } from '../ports.js';
import { AgentChannel, CHANNEL_LIMITS } from './agent-channel.js';
import { parseFields } from './agent-reply.js';
import { agentSession } from './agent-session.js';
import { asRoot } from './become-root.js';
import { shown } from './host-text.js';
import type { LineLimits } from './line-splitter.js';
import { underPosixShell } from './posix-shell.js';
import type { ProcessEnd } from './remote-process.js';
import { createConnector } from './ssh.js';
import { startCutFailure } from './ssh-failures.js';
import type { Retrying } from './ssh-retry.js';
import { createCredentials, CredentialError } from './ssh-credentials.js';
import type { Ask, Environment } from './ssh-credentials.js';
import { suConnection } from './su-process.js';
import { wholeWord } from './reply-error.js';

/** The shipped shell text. */
export interface AgentScript {
  /** agent/loader.sh: finds the agent on the host by digest, or asks for it. */
  readonly loader: string;
  /** The whole agent; its last line is `#@end`. */
  readonly text: string;
  /** SHA-256 of `text` in hex. */
  readonly digest: string;
}

export interface HostLinkOptions {
  readonly agent: AgentScript;
  /** `SSH_AUTH_SOCK`, `HOME`, and whatever variables the inventory names for passwords. */
  readonly env: Environment;
  /** Asks the person at the terminal for a secret; absent when there is no terminal. */
  readonly ask?: Ask;
  readonly randomBytes: RandomBytes;
  readonly log: Log;
  /** Tells the operator, once, what of ssh_config(5) is not gone by. */
  readonly note?: (text: string) => void;
  readonly limits?: LineLimits;
  /** Once it is raised, a connection that was dropped is not asked for again. */
  readonly stop?: AbortSignal | undefined;
  /** Once it is raised, whatever is under way ends where it is, with LinkInterrupted: never while a host is being changed. */
  readonly looking?: AbortSignal | undefined;
  readonly retrying?: Retrying;
}

const READY = 'ipsec-deploy-agent';
/** A login shell's messages may come first; a host that prints more than this is not going to start an agent. */
const NOISE_LINES = 2000;
const NOISE_SHOWN = 3;

export function createHostLink(options: HostLinkOptions): HostLink {
  const credentials = createCredentials(options.env, options.ask);
  const connect = createConnector({ ...options, credentials });
  const open = async (host: Host, how: SessionMode): Promise<HostSession> => {
    const plain = await connect(host);
    const password = (): Promise<Secret> => credentials.rootPassword(host.ssh.rootPasswordEnv).catch(noPassword(host));
    const connection = host.ssh.privilege === 'su' ? suConnection(plain, host, password) : plain;
    const came: string[] = [];
    const channel = new AgentChannel(
      connection,
      host.name,
      startEnd(host, came),
      options.limits ?? CHANNEL_LIMITS,
      options.looking,
    );
    try {
      await startAgent(channel, host, { agent: options.agent, readOnly: how.readOnly === true, came });
    } catch (error) {
      connection.destroy();
      throw error;
    }
    channel.explainEnd = lostEnd(host.name);
    const mark = Buffer.from(options.randomBytes(8)).toString('hex');
    return agentSession(channel, {
      host: host.name,
      mark,
      replyTimeoutSeconds: host.ssh.replyTimeoutSeconds,
      hasEntry: host.ssh.entry !== undefined,
      through: connection.through,
    });
  };
  return {
    open: async (host, how = {}) => {
      try {
        return await open(host, how);
      } catch (error) {
        // What is cut off fails in many ways, none of which is the host's.
        if (options.looking?.aborted !== true || !(error instanceof HostLinkError)) throw error;
        throw new LinkInterrupted(host.name, { cause: error });
      }
    },
  };
}

function noPassword(host: Host): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof CredentialError)) throw error;
    throw new HostLinkError(
      {
        kind: 'privilege',
        reason: `${host.name} needs root's password for su: ${error.message}`,
        todo: 'set the variable that ssh.rootPasswordEnv names, or run where there is a terminal to ask on',
      },
      { cause: error },
    );
  };
}

/** The only words of ours that a host sees in its process list: no secret, no path. */
export function startCommand(privilege: Privilege, digest: string, readOnly = false, entry?: string): string {
  const command = `${entry ?? '"$sh" -s --'} ${wholeWord(digest)}${readOnly ? ' readonly' : ''}`;
  // su is talked to on a terminal, by whoever runs the command (su-process.ts)
  const asUser = privilege === 'su' ? command : asRoot(privilege, command);
  return entry === undefined ? underPosixShell(asUser) : asUser;
}

interface Start {
  readonly agent: AgentScript;
  readonly readOnly: boolean;
  /** Gets the first lines that are not the agent's. */
  readonly came: string[];
}

async function startAgent(channel: AgentChannel, host: Host, { agent, readOnly, came }: Start): Promise<void> {
  const seconds = host.ssh.replyTimeoutSeconds;
  await channel.start(startCommand(host.ssh.privilege, agent.digest, readOnly, host.ssh.entry));
  const hear = (text: string, waitingFor: string): Promise<Greeting> => {
    let noise = 0;
    return channel.ask(text, seconds, waitingFor, (line) => {
      noise += 1;
      if (noise > NOISE_LINES) throw new HostLinkError(tooNoisy(host.name));
      const greeting = parseGreeting(line);
      if (greeting === undefined && line.trim() !== '' && came.length < NOISE_SHOWN) came.push(line.trim());
      return greeting;
    });
  };
  // An entry is a loader that stands on the host already.
  const loader = host.ssh.entry === undefined ? agent.loader : '';
  let greeting = await hear(loader, 'start of the agent').catch(neverStarted(host, came));
  if (greeting.word === 'need') greeting = await hear(`${agent.text}\n\n\n`, 'agent sent');
  if (greeting.word === 'need') throw refusal(host, 'it asked for the agent twice');
  if (greeting.word === 'refused') throw refusal(host, shown(greeting.text), greeting.code);
  if (greeting.protocol !== '1') throw refusal(host, `it speaks protocol ${shown(greeting.protocol)}, we speak 1`);
}

/** A forced command that waits, as menus and shells that count sessions do, looks like a host that is slow. */
function neverStarted(host: Host, came: readonly string[]): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof HostLinkError) || error.failure.kind !== 'timeout') throw error;
    const { reason, todo } = error.failure;
    const instead = host.ssh.entry === undefined ? NO_FORCED_COMMAND : entryTodo(host);
    throw new HostLinkError(
      { kind: 'timeout', reason: `${reason}${insteadText(came)}`, todo: `${todo}; or ${instead}` },
      { cause: error },
    );
  };
}

function insteadText(came: readonly string[]): string {
  return came.length === 0 ? '' : `; what came instead: ${shown(came.join(' / '))}`;
}

interface Greeting {
  readonly word: 'ready' | 'need' | 'refused';
  readonly protocol: string;
  readonly code: string | undefined;
  readonly text: string;
}

/** `undefined` for a banner, a motd, or what else a login shell says. */
function parseGreeting(line: string): Greeting | undefined {
  // A shell that asks for something may leave its prompt on the line before ours.
  const at = line.indexOf(`${READY} `);
  if (at === -1) return undefined;
  const [, word, ...rest] = line.slice(at).trimEnd().split(' ');
  if (word !== 'ready' && word !== 'need' && word !== 'refused') return undefined;
  const fields = parseFields(rest, line);
  return {
    word,
    protocol: fields.get('protocol') ?? '(none)',
    code: fields.get('code'),
    text: fields.get('text') ?? 'no reason given',
  };
}

function refusal(host: Host, reason: string, code?: string): HostLinkError {
  return new HostLinkError({
    kind: code === 'privilege' ? 'privilege' : 'agent',
    reason: `the agent on ${host.name} did not start: ${reason}`,
    todo: code === 'entry' ? entryTodo(host) : refusalTodo(host),
  });
}

function refusalTodo({ ssh }: Host): string {
  return `look at /var/ipsec-deploy on the host; user ${ssh.user} must be root there (ssh.privilege)`;
}

/** What a host with an entry refuses is never mended by more rights for the login. */
function entryTodo({ name, ssh }: Host): string {
  const print = `run \`ipsec-deploy privileges ${name}\` and set up on the host what it prints`;
  return ssh.entry === undefined
    ? `name the entry in the inventory, as ssh.entry, or log in with another key; ${print}`
    : `${print}: the entry ${ssh.entry}, and the right to run it`;
}

function tooNoisy(host: string): LinkFailure {
  return {
    kind: 'agent',
    reason: `${host} printed ${NOISE_LINES} lines, none of them the agent's`,
    todo: 'look at what the login shell of the SSH user prints on this host',
  };
}

/** The command ended before the agent had said a word. */
function startEnd(host: Host, came: readonly string[]): (how: ProcessEnd, stderr: string) => LinkFailure {
  return (how, stderr) => {
    const said = stderr === '' ? '' : `: ${stderr}`;
    const { privilege, user } = host.ssh;
    if (how.broken !== undefined) return startCutFailure(host.name, how.broken, stderr);
    // sudo and pfexec name themselves at the start of their messages in every language.
    if (privilege !== 'none' && privilege !== 'su' && new RegExp(`(^|\\b)${privilege}\\b.*:`, 'm').test(stderr)) {
      return {
        kind: 'privilege',
        reason: `${user} may not become root on ${host.name}${said}`,
        todo: host.ssh.entry === undefined ? PRIVILEGE_TODO[privilege] : entryTodo(host),
      };
    }
    return {
      kind: 'agent',
      reason: `${host.ssh.entry ?? '/bin/sh'} on ${host.name} ended before the agent answered (${endText(how)})${said}${insteadText(came)}`,
      todo: host.ssh.entry === undefined ? NO_FORCED_COMMAND : entryTodo(host),
    };
  };
}

const NO_FORCED_COMMAND =
  "the SSH user's login shell must run `/bin/sh -s`: no forced command (ForceCommand in sshd_config, command= in authorized_keys), no restricted shell";

const PRIVILEGE_TODO = {
  pfexec: 'give the user the profile "Primary Administrator" or one that runs /bin/sh with uid=0 (usermod -P)',
  sudo: 'allow the user `NOPASSWD: /bin/sh -s -- *` in sudoers (Solaris 8 to 10: /usr/xpg4/bin/sh): nobody is there to type a password',
} as const;

function lostEnd(host: string): (how: ProcessEnd, stderr: string) => LinkFailure {
  return (how, stderr) => ({
    kind: 'lost',
    reason: `the agent on ${host} ended in mid-conversation (${endText(how)})${stderr === '' ? '' : `: ${stderr}`}`,
    todo: `ask the host what became of it: \`ipsec-deploy status --limit ${host}\``,
  });
}

function endText(how: ProcessEnd): string {
  if (how.broken !== undefined) return how.broken;
  if (how.signal !== undefined) return `killed by ${shown(how.signal)}`;
  return how.status === undefined ? 'no exit status' : `exit ${how.status}`;
}
