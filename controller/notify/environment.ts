/** Secrets of notifiers come from the environment: the settings only name the variable. */

import { OperatorError } from '../errors.js';
import { Secret } from '../model/secret.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** @throws OperatorError NOTIFIER_ENV when the variable is not set, is empty or holds control characters */
export function secretFrom(env: Environment, variable: string, notifier: string, what: string): Secret {
  const value = env[variable]?.replace(/\r?\n$/, '');
  if (value === undefined || value === '') {
    throw new OperatorError('NOTIFIER_ENV', {
      what: `the environment variable ${variable}, which holds ${what}, is ${value === undefined ? 'not set' : 'empty'}`,
      where: `notifier ${notifier}`,
      todo: `set ${variable} for this process; in a systemd unit with EnvironmentFile= of mode 0600`,
    });
  }
  if (/\p{Cc}/u.test(value)) {
    throw new OperatorError('NOTIFIER_ENV', {
      what: `the environment variable ${variable}, which holds ${what}, has a control character in it`,
      where: `notifier ${notifier}`,
      todo: 'give it as one line of text',
    });
  }
  return Secret.fromText(value);
}
