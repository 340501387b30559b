/** In which order a host is offered what, and what came of it. Goes straight to the configured methods, never through `none`. */

import type { AnyAuthMethod, KeyboardInteractiveAuthMethod } from 'ssh2';
import type { SshAuth } from '../model/host.js';
import type { Deadline } from './deadline.js';
import { shown } from './host-text.js';
import { forgivingAgent } from './ssh-agent.js';
import { CredentialError } from './ssh-credentials.js';
import type { Credentials, Environment } from './ssh-credentials.js';
import type { Hop, WireMethod } from './ssh-hop.js';

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
  hop: Hop,
  credentials: Credentials,
  env: Environment,
  deadline: Deadline,
): Authentication {
  const notes: string[] = [];
  const tries = inOrderOf(
    hop.methods,
    hop.settings.auth.flatMap((auth) => attempts(auth, hop, credentials, env, (note) => notes.push(note))),
  ).map((attempt): Try => ({ attempt, state: 'waiting', outcome: 'not offered by the host', early: false }));
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

/** `PreferredAuthentications` of ssh_config(5): these ways, in this order. */
function inOrderOf(methods: readonly WireMethod[] | undefined, attempts: readonly Attempt[]): readonly Attempt[] {
  if (methods === undefined) return attempts;
  return methods.flatMap((method) => attempts.filter(({ wire }) => wire === method));
}

function attempts(
  auth: SshAuth,
  hop: Hop,
  credentials: Credentials,
  env: Environment,
  note: (text: string) => void,
): Attempt[] {
  const username = hop.settings.user;
  const sha1 = hop.settings.allow?.includes('ssh-rsa') === true;
  switch (auth.kind) {
    case 'agent':
      return [
        {
          label: AGENT_LABEL,
          wire: 'publickey',
          method: async () => {
            if (!hop.agentSocket) throw new CredentialError('SSH_AUTH_SOCK is not set');
            const agent = await forgivingAgent(hop.agentSocket, { only: hop.agentKeys, sha1, env, note });
            return { type: 'agent', username, agent };
          },
        },
      ];
    case 'key':
      return [
        {
          label: `key ${auth.file}`,
          wire: 'publickey',
          method: async () => {
            const key = await credentials.key(auth.file, auth.passphraseEnv);
            return { type: 'publickey', username, key: sha1 ? key.old : key.safe };
          },
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

/** Words for a password in prompts of sshd's and PAM's translations; a code, token or PIN is none. */
const PASSWORD_PROMPT =
  /pass(word|phrase|wort)|mot de passe|contrase|parola|senha|has[lł]o|heslo|wachtwoord|l[oö]senord|salasana|пароль|パスワード|密码|密碼|암호|kennwort/i;

/**
 * Answers hidden prompts that ask for a password with it, each such prompt once; alone, the first prompt may say what it likes.
 * A second factor cannot be given by us, and the note says what was asked for.
 */
function keyboardInteractive(
  username: string,
  password: string,
  note: (text: string) => void,
): KeyboardInteractiveAuthMethod {
  const answered = new Set<string>();
  return {
    type: 'keyboard-interactive',
    username,
    prompt: (_name, _instructions, _language, prompts, finish) => {
      const isAlone = prompts.length === 1 && answered.size === 0;
      const isOurs = ({ prompt, echo }: { prompt: string; echo?: boolean }): boolean =>
        echo !== true && !answered.has(prompt) && (isAlone || PASSWORD_PROMPT.test(prompt));
      const open = prompts.filter((one) => !isOurs(one));
      if (open.length > 0) {
        const asked = shown(open.map(({ prompt }) => prompt.trim()).join(' '));
        note(`the host asks for ${answered.size === 0 ? 'more than a password' : 'more'}: ${asked}`);
        finish(prompts.map(() => ''));
        return;
      }
      for (const { prompt } of prompts) answered.add(prompt);
      finish(prompts.map(() => password));
    },
  };
}
