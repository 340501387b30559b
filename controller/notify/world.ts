/** What a notifier needs from outside, and how patient it is. Types and numbers only. */

import type { Clock, Log, RandomBytes } from '../ports.js';

export interface NotifierWorld {
  /** Where the secrets named in the settings are. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Log;
  /** Masks what looks like key material in a text (`redactText` of the log edge). */
  readonly redact: (text: string) => string;
  /** Of the controller, as syslog and e-mail name the sender. */
  readonly hostName: string;
  readonly processId: number;
  readonly limits?: Partial<NotifierLimits>;
  /** PEM certificates trusted instead of Node's own. */
  readonly trusted?: string;
}

export interface NotifierLimits {
  /** In all. */
  readonly tries: number;
  /** One try, connecting and redirection included. */
  readonly trySeconds: number;
  /** All tries and the waits between them. */
  readonly overallSeconds: number;
  /** The wait after the first failure; it doubles each time. */
  readonly firstWaitSeconds: number;
  readonly mostWaitSeconds: number;
  /** What is read of an answer's body, or kept of a command's output. */
  readonly answerBytes: number;
  /** How long an answer's body is waited for once its head is there; how long a TCP receiver is given to close. */
  readonly answerSeconds: number;
}

export const DEFAULT_LIMITS: NotifierLimits = {
  tries: 5,
  trySeconds: 20,
  overallSeconds: 120,
  firstWaitSeconds: 1,
  mostWaitSeconds: 30,
  answerBytes: 4096,
  answerSeconds: 2,
};
