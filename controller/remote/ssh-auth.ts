/** In which order a host is offered what, and what came of it. Goes straight to the configured methods, never through `none`. */

import ssh2 from 'ssh2';
import type {
  AnyAuthMethod,
  IdentityCallback,
  KeyboardInteractiveAuthMethod,
  SignCallback,
  SigningRequestOptions,
} from 'ssh2';
import type { SshAuth, SshSettings } from '../model/host.js';
import type { Deadline } from './deadline.js';
import { shown } from './host-text.js';
import { CredentialError } from './ssh-credentials.js';
import type { Credentials, Environment } from './ssh-credentials.js';

/** What the protocol calls them (RFC 4252, RFC 4256). */
type WireMethod = 'publickey' | 'password' | 'keyboard-interactive';

interface Attempt {
  /** As the operator knows it, e.g. `key ~/.ssh/id_ed25519`. */
  readonly label: string;
  readonly wire: WireMethod;
  /** @throws CredentialError when it cannot even be tried */
  method(): Promise<AnyAuthMethod>;
}

export interface Authentication {
  /** ssh2's `authHandler`: `null` at first, then what the host says may continue. */
  next(
    methodsLeft: readonly string[] | null,
    partial: boolean | null,
    use: (method: AnyAuthMethod) => void,
    giveUp: () => void,
  ): void;
  /** `key ~/.ssh/id: refused; password: the variable PW is not set`. */
  tried(): string;
}

/** One way in, in the course of a login. */
interface Try {
  readonly attempt: Attempt;
  state: 'waiting' | 'sent' | 'used';
  outcome: string;
  /** Sent before the host had said what it takes, and not among that: it may be asked for after another. */
  early: boolean;
}

export function authentication(
  settings: SshSettings,
  credentials: Credentials,
  env: Environment,
  deadline: Deadline,
): Authentication {
  const notes: string[] = [];
  const tries = settings.auth
    .flatMap((auth) => attempts(auth, settings.user, credentials, env, (note) => notes.push(note)))
    .map((attempt): Try => ({ attempt, state: 'waiting', outcome: 'not offered by the host', early: false }));
  let offered: readonly string[] | null = null;

  const settle = (partial: boolean | null): void => {
    for (const one of tries.filter(({ state }) => state === 'sent')) {
      const notOffered = offered !== null && !offered.includes(one.attempt.wire) && partial !== true;
      one.state = notOffered && !one.early ? 'waiting' : 'used';
      one.early ||= notOffered;
      one.outcome = partial ? 'accepted, but more is asked' : notOffered ? 'not offered by the host' : 'refused';
    }
  };

  const next: Authentication['next'] = (methodsLeft, partial, use, giveUp) => {
    // ssh2 does not pass on what the host says after an agent's last key, but what it said before.
    const afterAgent = tries.some(({ state, attempt }) => state === 'sent' && attempt.label === AGENT_LABEL);
    offered = afterAgent ? null : methodsLeft;
    settle(partial);
    const chosen = tries.find(
      ({ state, attempt }) => state === 'waiting' && (offered === null || offered.includes(attempt.wire)),
    );
    if (chosen === undefined) {
      giveUp();
      return;
    }
    // A person may be asked for a passphrase: that is not the host's time.
    deadline.pause();
    chosen.attempt
      .method()
      .finally(() => deadline.resume())
      .then(
        (method) => {
          chosen.state = 'sent';
          chosen.outcome = 'refused';
          use(method);
        },
        (error: unknown) => {
          chosen.state = 'used';
          chosen.outcome = error instanceof Error ? error.message : String(error);
          next(methodsLeft, partial, use, giveUp);
        },
      );
  };
  return {
    next,
    tried: () => {
      const outcomes = tries.map(({ attempt, outcome }) => `${attempt.label}: ${outcome}`);
      const all = [...outcomes, ...notes];
      const offers = offered === null ? '' : `; the host offers ${shown(offered.join(', '))}`;
      return `${all.length === 0 ? 'no way to log in is configured' : all.join('; ')}${offers}`;
    },
  };
}

const AGENT_LABEL = 'SSH agent';

function attempts(
  auth: SshAuth,
  username: string,
  credentials: Credentials,
  env: Environment,
  note: (text: string) => void,
): Attempt[] {
  switch (auth.kind) {
    case 'agent':
      return [
        {
          label: AGENT_LABEL,
          wire: 'publickey',
          method: () => {
            const socket = env['SSH_AUTH_SOCK'];
            if (!socket) return Promise.reject(new CredentialError('SSH_AUTH_SOCK is not set'));
            return Promise.resolve({ type: 'agent', username, agent: new ForgivingAgent(socket, note) });
          },
        },
      ];
    case 'key':
      return [
        {
          label: `key ${auth.file}`,
          wire: 'publickey',
          method: async () => ({
            type: 'publickey',
            username,
            key: await credentials.key(auth.file, auth.passphraseEnv),
          }),
        },
      ];
    case 'password': {
      const password = (): Promise<string> =>
        credentials.password(username, auth.passwordEnv).then((secret) => secret.revealText());
      return [
        {
          label: 'password',
          wire: 'password',
          method: async () => ({ type: 'password', username, password: await password() }),
        },
        {
          label: 'password (keyboard-interactive)',
          wire: 'keyboard-interactive',
          method: async () => keyboardInteractive(username, await password(), note),
        },
      ];
    }
  }
}

/** Answers one hidden prompt with the password. A second factor cannot be given by us, and the note says that one was asked for. */
function keyboardInteractive(
  username: string,
  password: string,
  note: (text: string) => void,
): KeyboardInteractiveAuthMethod {
  let answered = false;
  return {
    type: 'keyboard-interactive',
    username,
    prompt: (_name, _instructions, _language, prompts, finish) => {
      const hidden = prompts.filter((prompt) => prompt.echo !== true);
      if (answered || prompts.length > 1 || hidden.length === 0) {
        note(`the host asks for more than a password: ${shown(prompts.map(({ prompt }) => prompt).join(' '))}`);
        finish(prompts.map(() => ''));
        return;
      }
      answered = true;
      finish([password]);
    },
  };
}

/** The agent at SSH_AUTH_SOCK. One that is gone or refuses to sign is a note, and the next method's turn. */
class ForgivingAgent extends ssh2.BaseAgent {
  readonly #agent: ssh2.OpenSSHAgent;
  readonly #note: (text: string) => void;

  constructor(socket: string, note: (text: string) => void) {
    super();
    this.#agent = new ssh2.OpenSSHAgent(socket);
    this.#note = note;
  }

  override getIdentities(done: IdentityCallback): void {
    this.#agent.getIdentities((error, keys) => {
      if (error) this.#note(`SSH agent: cannot be reached (${error.message})`);
      else if (keys === undefined || keys.length === 0) this.#note('SSH agent: holds no keys');
      done(null, error ? [] : (keys ?? []));
    });
  }

  override sign(
    key: ssh2.ParsedKey | Buffer | string,
    data: Buffer,
    options: SigningRequestOptions | SignCallback,
    callback?: SignCallback,
  ): void {
    const done = typeof options === 'function' ? options : callback;
    const signing = typeof options === 'function' ? {} : options;
    if (signing.hash === 'sha1') {
      done?.(new Error('the host wants an RSA signature with SHA-1'));
      return;
    }
    this.#agent.sign(key, data, signing, done);
  }
}
