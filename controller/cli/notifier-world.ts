/** The real world of notifiers: this process's environment, clock and log. */

import { hostname } from 'node:os';

import { redactText } from '../log/redact.js';
import type { NotifierWorld } from '../notify/world.js';
import type { Context } from './context.js';

export function notifierWorld({ clock, random, log }: Pick<Context, 'clock' | 'random' | 'log'>): NotifierWorld {
  return {
    env: process.env,
    clock,
    random,
    log,
    redact: redactText,
    hostName: hostname(),
    processId: process.pid,
  };
}
