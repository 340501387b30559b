/** A command run by su: the password is typed on a terminal that does not echo, then the terminal is a plain stream of bytes. */

import type { Host } from '../model/host.js';
import type { Secret } from '../model/secret.js';
import { HostLinkError } from '../ports.js';
import type { LinkFailure } from '../ports.js';
import { asRoot, SuDialogue } from './become-root.js';
import { within } from './deadline.js';
import { shown } from './host-text.js';
import type { Connection, ProcessEnd, ProcessEvents, RemoteProcess } from './remote-process.js';
import { startCutFailure } from './ssh-failures.js';

/** After a prompt has come, before it is believed: what looks like one may be the first half of a greeting. */
const QUIET_MS = 200;
/** What a login may print before su has its say. */
const MOST_BYTES = 256 * 1024;

/** The connection, whose commands are root's. `password` is asked for before anything runs. */
export function suConnection(connection: Connection, host: Host, password: () => Promise<Secret>): Connection {
  return {
    ...connection,
    run: async (command, events) => {
      const secret = await password();
      return becomeRoot(connection, host, command, events, secret);
    },
  };
}

async function becomeRoot(
  connection: Connection,
  host: Host,
  command: string,
  events: ProcessEvents,
  password: Secret,
): Promise<RemoteProcess> {
  const dialogue = new SuDialogue();
  const masked = (text: string): string => shown(text.replaceAll(password.revealText(), '[password]'));
  let isRoot = false;
  let heard = 0;
  let quiet: NodeJS.Timeout | undefined;
  let finish: (rest: Buffer) => void = () => undefined;
  let fail: (error: HostLinkError) => void = () => undefined;
  const ready = new Promise<Buffer>((resolve, reject) => {
    finish = resolve;
    fail = reject;
  });
  // Whoever awaits it hears of it; it may fail while the command is only being started.
  ready.catch(() => undefined);
  const look = (isQuiet: boolean): void => {
    const turn = dialogue.turn(isQuiet);
    if (turn?.kind === 'asks') process?.write(`${password.revealText()}\n`);
    if (turn?.kind === 'asks-more') fail(suFailure(host, `it asks for more: ${masked(turn.prompt)}`));
    if (turn?.kind !== 'ready') return;
    isRoot = true;
    finish(turn.rest);
  };
  const process = await connection.run(
    asRoot('su', command),
    {
      stdout: (chunk) => {
        if (isRoot) {
          events.stdout(chunk);
          return;
        }
        clearTimeout(quiet);
        heard += chunk.length;
        if (heard > MOST_BYTES) {
          fail(suFailure(host, `it printed more than ${MOST_BYTES} bytes`));
          return;
        }
        dialogue.push(chunk);
        look(false);
        if (!isRoot) quiet = setTimeout(() => look(true), QUIET_MS);
      },
      stderr: (chunk) => events.stderr(chunk),
      end: (how) => {
        clearTimeout(quiet);
        if (isRoot) {
          events.end(how);
          return;
        }
        const said = masked(dialogue.said());
        if (how.broken === undefined) fail(suFailure(host, endText(how, said)));
        else fail(new HostLinkError(startCutFailure(host.name, how.broken, said)));
      },
    },
    'terminal',
  );
  const seconds = host.ssh.replyTimeoutSeconds;
  try {
    const rest = await within(seconds, ready, () => suFailure(host, `it said neither yes nor no within ${seconds} s`));
    if (rest.length > 0) events.stdout(rest);
    return process;
  } catch (error) {
    connection.destroy();
    throw error;
  } finally {
    clearTimeout(quiet);
  }
}

function endText({ status, signal }: ProcessEnd, said: string): string {
  if (said !== '') return said;
  return signal ?? `exit ${status ?? 'without a status'}`;
}

function suFailure(host: Host, why: string): HostLinkError {
  const failure: LinkFailure = {
    kind: 'privilege',
    reason: `${host.ssh.user} may not become root on ${host.name} by su: ${why}`,
    todo:
      "see that root's password is right (ssh.rootPasswordEnv, or as typed), not expired, and that the user may use su there; " +
      'sshd must give a terminal (PermitTTY)',
  };
  return new HostLinkError(failure);
}
