/** A conversation with one host's agent: requests to text, answers to values. Owns no bytes (agent-channel.ts does). */

import type {
  DriftReport,
  HostStatus,
  HostSurroundings,
  InstalledKey,
  Observation,
  StepReport,
  StoredGeneration,
  TransactionOutcome,
  TransactionRequest,
} from '../model/observation.js';
import type { ProbeReport, SaCount } from '../model/probe.js';
import { Secret } from '../model/secret.js';
import { HostLinkError } from '../ports.js';
import type { HostSession } from '../ports.js';
import type { AgentChannel } from './agent-channel.js';
import { ReplyReader, sectionText } from './agent-reply.js';
import type { ReplyItem, ReplySection } from './agent-reply.js';
import { countersText, probeText, requestLine, transactionText } from './agent-request.js';
import { parseDriftReport } from './drift-reply.js';
import { shown } from './host-text.js';
import { parseCounts, parseProbeReport } from './probe-reply.js';
import { ReplyError } from './reply-error.js';
import { parseSurroundings } from './surroundings.js';
import { parseFingerprints, parseGeneration, parseObservation, parseStatus } from './reply-values.js';
import { parseOutcome, parseStep } from './step-reply.js';

/** Eleven steps, each begun and ended, and a revert that may have two rounds: more is a host that plays with us. */
const MOST_STEPS = 64;

export interface SessionSettings {
  readonly host: string;
  readonly mark: string;
  readonly replyTimeoutSeconds: number;
  /** The agent runs by way of an entry, which may keep whole files to itself. */
  readonly hasEntry?: boolean;
  readonly through?: readonly string[];
}

export function agentSession(channel: AgentChannel, settings: SessionSettings): HostSession {
  const { host, mark, replyTimeoutSeconds: seconds } = settings;
  // Goes out with the first request: one round trip less.
  let greeting = `session mark=${mark} protocol=1\n`;
  const greeted = (text: string | Buffer): string | Buffer => {
    const first = greeting;
    greeting = '';
    if (typeof text === 'string') return first + text;
    return first === '' ? text : Buffer.concat([Buffer.from(first), text]);
  };

  const todoIfRefused = (waitingFor: string): string =>
    waitingFor === 'collected' && settings.hasEntry === true
      ? `log in another way for the import, or install the entry that \`ipsec-deploy privileges ${host} --allow-import\` prints`
      : `see \`ipsec-deploy status --limit ${host}\``;

  /** Items of one answer as they come; `take` ends it by returning a value. */
  const ask = <T>(
    text: string | Buffer,
    waitingFor: string,
    take: (item: ReplyItem, alive: () => void) => T | undefined,
    more = 0,
  ): Promise<T> => {
    const reader = new ReplyReader(mark);
    return channel.ask(greeted(text), seconds + more, waitingFor, (line, alive) => {
      const item = reader.push(line);
      return item === undefined ? undefined : take(refusalChecked(item, host, todoIfRefused(waitingFor)), alive);
    });
  };

  /** `more`: seconds that the host may take on top of what any answer may. */
  const section = <T>(text: string, name: string, parse: (reply: ReplySection) => T, more = 0): Promise<T> =>
    ask(text, name, (item) => (item.kind === 'section' && item.name === name ? parse(item) : undefined), more);

  /** Nothing was changed, and the host listens on: it is no reason to give the session up. */
  const counted = (reply: ReplySection): void => {
    if (reply.status === 0) return;
    // It was ended by the agent, with a signal.
    const what = reply.status > 128 ? 'hangs, and lists no SAs' : 'could not list the SAs';
    throw refused(host, `ipseckey dump ${what}`, 'run `ipseckey -n -p dump` on the host');
  };

  /** A step is an answer in itself: the time allowed starts again with each. */
  const transaction = (text: string | Buffer, onStep: (step: StepReport) => void): Promise<TransactionOutcome> => {
    let output: readonly string[] = [];
    let steps = 0;
    return ask(text, 'transaction', (item, alive) => {
      if (item.kind === 'section') {
        if (item.name === 'output') output = item.lines.map(shown);
        return undefined;
      }
      if (item.name === 'outcome') return parseOutcome(item);
      if (item.name !== 'step') return undefined;
      steps += 1;
      if (steps > MOST_STEPS) throw new ReplyError(`at most ${MOST_STEPS} steps`, item.line);
      alive();
      onStep(parseStep(item, output));
      output = [];
      return undefined;
    });
  };

  return {
    through: settings.through,
    observe: async (): Promise<Observation> => section(requestLine('observe'), 'observe', parseObservation),
    drift: async (): Promise<DriftReport> => section(requestLine('drift'), 'drift', parseDriftReport),
    read: async (path): Promise<string> =>
      section(requestLine('read', { path }), 'file', (reply) => {
        if (reply.status !== 0) throw refused(host, `cannot read ${path}: ${shown(reply.lines.join(' '))}`);
        return sectionText(reply);
      }),
    fingerprints: async (path, salt): Promise<readonly InstalledKey[]> => {
      const keys: ReplyItem[] = [];
      return ask(requestLine('fingerprints', { path, salt }), 'fingerprints', (item) => {
        if (item.kind === 'section' && item.name === 'fingerprints') {
          return parseFingerprints({ ...item, items: [...keys, ...item.items] });
        }
        keys.push(item);
        return undefined;
      });
    },
    collect: async (path): Promise<Secret | undefined> => {
      // `undefined` would mean that the answer has not come yet.
      const { text } = await section(requestLine('collect', { path }), 'collected', (reply) => ({
        text: reply.status === 0 ? Secret.fromText(sectionText(reply)) : undefined,
      }));
      return text;
    },
    surroundings: async (): Promise<HostSurroundings> =>
      section(requestLine('surroundings'), 'surroundings', parseSurroundings),
    probe: async (probes, deadlineSeconds): Promise<ProbeReport> =>
      section(
        probeText(probes, deadlineSeconds),
        'probe',
        (reply) => {
          reply.items.forEach((item) => item.kind === 'section' && counted(item));
          return parseProbeReport(reply, probes);
        },
        deadlineSeconds,
      ),
    counters: async (among = []): Promise<readonly SaCount[]> =>
      section(countersText(among), 'counters', (reply) => {
        counted(reply);
        return parseCounts(reply.lines);
      }),
    transact: async (request: TransactionRequest, onStep) =>
      within(request.windowSeconds, await transaction(transactionText(request), onStep)),
    confirm: async (id, nonce, onStep) => transaction(requestLine('confirm', { id, nonce }), onStep),
    abort: async (id, onStep) => transaction(requestLine('abort', { id }), onStep),
    extend: async (id, more) => transaction(requestLine('extend', { id, seconds: more }), () => undefined),
    status: async (id): Promise<HostStatus> =>
      section(requestLine('status', id === undefined ? {} : { id }), 'status', parseStatus),
    generation: async (number): Promise<StoredGeneration> =>
      section(requestLine('generation', { number }), 'generation', (reply) => {
        const stored = parseGeneration(reply);
        if (stored === undefined) throw refused(host, `generation ${number} is not kept there`);
        return stored;
      }),
    close: () => channel.close(),
  };
}

/** It cannot have more time than it was given: whoever waits for a host until it must be back is not to wait for ever. */
function within(windowSeconds: number, outcome: TransactionOutcome): TransactionOutcome {
  if (outcome.state !== 'verified') return outcome;
  return { ...outcome, revertsInSeconds: Math.min(outcome.revertsInSeconds, windowSeconds) };
}

/** `error text=…`: the agent did not carry out the request; it listens on. */
function refusalChecked<T extends ReplyItem>(item: T, host: string, todo: string): T {
  if (item.kind === 'record' && item.name === 'error')
    throw refused(host, shown(item.fields.get('text') ?? 'no reason given'), todo);
  return item;
}

function refused(host: string, text: string, todo = `see \`ipsec-deploy status --limit ${host}\``): HostLinkError {
  return new HostLinkError({ kind: 'agent', reason: `${host}: ${text}`, todo });
}
