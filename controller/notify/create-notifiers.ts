/** Settings to notifiers: the one door of this folder. Each narrows a digest to what it tells, tries again, and says in one error why it could not. */

import { setMaxListeners } from 'node:events';

import { EXIT, InputProblems, OperatorError, unreachable, type Problem } from '../errors.js';
import type { DriftDigest, IncidentGroup, NotifierSettings } from '../model/drift.js';
import type { Notifier } from '../ports.js';
import { digestFrom, digestText, hasNews } from '../report/digest-text.js';
import { DeliveryFailure, Stopped, type Delivery } from './delivery.js';
import { deliveryId } from './digest-document.js';
import { email } from './email.js';
import { exec } from './exec.js';
import { retrying } from './retry.js';
import { slack } from './slack.js';
import { syslog } from './syslog.js';
import { webhook } from './webhook.js';
import { DEFAULT_LIMITS, type NotifierLimits, type NotifierWorld } from './world.js';

type World = NotifierWorld & { readonly limits: NotifierLimits };

/**
 * All of them, or every fault of their settings at once, before anything is to be told.
 * @throws InputProblems NOTIFIER_…
 */
export function createNotifiers(settings: readonly NotifierSettings[], outside: NotifierWorld): readonly Notifier[] {
  const world: World = { ...outside, limits: { ...DEFAULT_LIMITS, ...outside.limits } };
  const problems: Problem[] = [];
  const notifiers = settings.flatMap((one): readonly Notifier[] => {
    try {
      return [notifier(one, delivery(one, world), world)];
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      const { code, message, todo } = error;
      problems.push({ code, severity: 'error', what: message, todo: todo ?? 'correct the settings of the notifier' });
      return [];
    }
  });
  if (problems.length > 0) throw new InputProblems(problems);
  return notifiers;
}

function delivery(settings: NotifierSettings, world: World): Delivery {
  switch (settings.kind) {
    case 'webhook':
      return webhook(settings, world);
    case 'slack':
      return slack(settings, world);
    case 'email':
      return email(settings, world);
    case 'syslog':
      return syslog(settings, world);
    case 'exec':
      return exec(settings, world);
    default:
      return unreachable(settings);
  }
}

function notifier({ name, kind, least }: NotifierSettings, deliver: Delivery, world: World): Notifier {
  const { clock, random, limits, log } = world;
  return {
    name,
    tell: async (whole, stop) => {
      const digest = redacted(digestFrom(whole, least), world.redact);
      if (!hasNews(digest)) return;
      // Every notifier listens to the same signal: many are no leak.
      setMaxListeners(0, stop);
      const message = { id: deliveryId(name, digest), digest, text: digestText(digest) };
      const about = { notifier: name, kind, pass: digest.pass, delivery: message.id };
      const retryWorld = {
        clock,
        random,
        limits,
        onRetry: (failure: DeliveryFailure, attempt: number, waitSeconds: number) =>
          log.event('warn', 'notify.retry', {
            ...about,
            attempt,
            waitSeconds: Math.round(waitSeconds * 10) / 10,
            reason: failure.message,
          }),
      };
      try {
        await retrying(retryWorld, stop, (signal) => deliver(message, signal));
        log.event('info', 'notify.told', about);
      } catch (error) {
        if (error instanceof DeliveryFailure && error.detail.othersTold === true && digest.test !== true) {
          log.event('warn', 'notify.recipients-refused', { ...about, reason: error.message });
          return;
        }
        const told = failure(name, error);
        log.event('error', 'notify.failed', { ...about, reason: told.what });
        throw told;
      }
    },
  };
}

/** Bugs stay what they are. */
function failure(name: string, error: unknown): OperatorError {
  if (!(error instanceof DeliveryFailure) && !(error instanceof Stopped)) throw error;
  return new OperatorError('NOTIFIER_FAILED', {
    what: error.message,
    where: `notifier ${name}`,
    ...(error instanceof Stopped ? {} : { todo: error.detail.todo ?? tryIt(name) }),
    exit: EXIT.failed,
  });
}

function tryIt(name: string): string {
  const word = /^[\w.-]+$/.test(name) ? name : `'${name.replaceAll("'", `'\\''`)}'`;
  return `see to the receiver, then try it with \`ipsec-deploy drift notify --test --only ${word}\``;
}

/** Findings hold no secrets; should one slip into a sentence all the same, it ends here. */
function redacted(digest: DriftDigest, redact: (text: string) => string): DriftDigest {
  const group = (one: IncidentGroup): IncidentGroup => ({ ...one, what: redact(one.what), mend: redact(one.mend) });
  return {
    ...digest,
    opened: digest.opened.map(group),
    cleared: digest.cleared.map(group),
    quarantined: digest.quarantined.map((one) => ({ ...one, reason: redact(one.reason) })),
    putRight: (digest.putRight ?? []).map(group),
    accepted: (digest.accepted ?? []).map((one) => ({ ...one, ...group(one), reason: redact(one.reason) })),
    lapsed: (digest.lapsed ?? []).map((one) => ({ ...one, reason: redact(one.reason) })),
  };
}
