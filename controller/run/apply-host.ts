/** Carries one host's plan to the point where it waits for confirmation, confirms it, or has it taken back. Decides nothing else. */

import { createHash } from 'node:crypto';

import type { Host } from '../model/host.js';
import type { ManagedFile } from '../model/managed-file.js';
import type {
  Manifest,
  StepReport,
  TransactionFile,
  TransactionOutcome,
  TransactionRequest,
} from '../model/observation.js';
import type { HostOutcome, RunEvent } from '../model/run.js';
import { Secret } from '../model/secret.js';
import type { FileChange, HostPlan } from '../plan/host-plan.js';
import { HostLinkError, type Clock, type HostSession } from '../ports.js';
import { askAgain } from './ask-again.js';
import { reasonOf, untouchedOutcome } from './link-outcome.js';
import type { SessionLot } from './session-lot.js';

/** The text of a file with its secrets, for a generation. */
export type FillFile = (file: ManagedFile, generation: number) => Secret;

export interface ApplyPorts {
  readonly lot: SessionLot;
  readonly clock: Clock;
  readonly fill: FillFile;
  readonly emit: (event: RunEvent) => void;
  /** Aborted: hosts that are out of reach are not waited for. */
  readonly stop?: AbortSignal;
}

/** A change that is in force on a host and reverts by itself unless it is confirmed. */
export interface Armed {
  readonly state: 'armed';
  readonly host: Host;
  readonly transaction: string;
  readonly nonce: string;
  readonly generation: number;
  readonly revertsAt: Date;
}

/** The reply was lost in the middle: the host may be at any step, or past the last one. */
export interface Lost {
  readonly state: 'lost';
  readonly host: Host;
  readonly transaction: string;
  /** Its window has run out by then. */
  readonly latest: Date;
  readonly reason: string;
}

export type Activation = Armed | Lost | { readonly state: 'ended'; readonly outcome: HostOutcome };

export interface Terms {
  readonly run: string;
  readonly made: string;
  readonly nonce: string;
  readonly windowSeconds: number;
  readonly keepGenerations: number;
}

/** Sends the transaction and waits until the host has verified it or taken it back. */
export async function activate(host: Host, plan: HostPlan, terms: Terms, ports: ApplyPorts): Promise<Activation> {
  const request = transactionFor(host, plan, terms, ports.fill);
  let session: HostSession;
  try {
    session = await ports.lot.take(host);
  } catch (error) {
    return { state: 'ended', outcome: untouchedOutcome(error) };
  }
  ports.emit({ event: 'host-phase', host: host.name, phase: 'sending' });
  const sentAt = ports.clock.now();
  try {
    const outcome = await session.transact(request, reporter(host, ports));
    return activationOf(host, request, outcome, ports.clock.now(), ports);
  } catch (error) {
    if (!(error instanceof HostLinkError)) throw error;
    const latest = new Date(sentAt.getTime() + terms.windowSeconds * 1000);
    return { state: 'lost', host, transaction: request.id, latest, reason: error.failure.reason };
  } finally {
    await session.close();
  }
}

function activationOf(
  host: Host,
  request: TransactionRequest,
  outcome: TransactionOutcome,
  now: Date,
  ports: ApplyPorts,
): Activation {
  if (outcome.state !== 'verified') return { state: 'ended', outcome: outcomeOf(outcome, now) };
  const revertsAt = new Date(now.getTime() + outcome.revertsInSeconds * 1000);
  ports.emit({ event: 'armed', host: host.name, transaction: request.id, revertsAt: revertsAt.toISOString() });
  return {
    state: 'armed',
    host,
    transaction: request.id,
    nonce: request.nonce,
    generation: request.generation,
    revertsAt,
  };
}

/** Asks a host what became of the change, and has it taken back rather than guess (style: never repeat a step blindly). */
export async function takeBackLost(lost: Lost, ports: ApplyPorts): Promise<HostOutcome> {
  const { host, transaction, reason } = lost;
  const heard = await askAgain(host, lost.latest, ports, (session) =>
    session.abort(transaction, reporter(host, ports)),
  );
  if ('reason' in heard) return { status: 'unknown', transaction, revertsAt: lost.latest.toISOString(), reason };
  if (heard.answer.state !== 'unknown') return outcomeOf(heard.answer, ports.clock.now());
  return {
    status: 'failed',
    touched: false,
    reason: `${reason}; the host never began the transaction`,
    todo: 'run again',
  };
}

/** Opens the new connection that proves the host can still be reached, after activation (design, `confirm`). */
export async function reconnect(armed: Armed, ports: ApplyPorts): Promise<HostSession> {
  ports.emit({ event: 'host-phase', host: armed.host.name, phase: 'reconnecting' });
  return ports.lot.openNew(armed.host);
}

/** Confirms over the given session; a lost reply is asked for again on new connections, also how it ended when the window has closed. */
export async function confirm(armed: Armed, first: HostSession, ports: ApplyPorts): Promise<HostOutcome> {
  ports.emit({ event: 'host-phase', host: armed.host.name, phase: 'confirming' });
  const ask = (session: HostSession): Promise<TransactionOutcome> =>
    session.confirm(armed.transaction, armed.nonce, reporter(armed.host, ports));
  try {
    return endOf(armed, await ask(first), ports.clock.now());
  } catch (error) {
    reasonOf(error);
  } finally {
    await first.close();
  }
  const heard = await askAgain(armed.host, armed.revertsAt, ports, ask);
  if ('answer' in heard) return endOf(armed, heard.answer, ports.clock.now());
  const revertsAt = armed.revertsAt.toISOString();
  return { status: 'unknown', transaction: armed.transaction, revertsAt, reason: heard.reason };
}

/** Has the host take an armed change back now, or hears that it did so by itself where it lets nobody in until then. */
export async function takeBack(armed: Armed, why: string, ports: ApplyPorts): Promise<HostOutcome> {
  ports.emit({ event: 'host-phase', host: armed.host.name, phase: 'aborting' });
  const heard = await askAgain(armed.host, armed.revertsAt, ports, (session) =>
    session.abort(armed.transaction, reporter(armed.host, ports)),
  );
  if ('answer' in heard) {
    const outcome = endOf(armed, heard.answer, ports.clock.now());
    return outcome.status === 'reverted' ? { ...outcome, step: 'confirm', reason: why } : outcome;
  }
  const reason = `${why}; and it cannot be asked to revert: ${heard.reason}`;
  return { status: 'unknown', transaction: armed.transaction, revertsAt: armed.revertsAt.toISOString(), reason };
}

function reporter(host: Host, ports: ApplyPorts): (step: StepReport) => void {
  return (step) => ports.emit({ event: 'step', host: host.name, ...step });
}

/** Of a change that was in force: a host that has no record of it may have kept it or not. */
function endOf(armed: Armed, outcome: TransactionOutcome, now: Date): HostOutcome {
  if (outcome.state !== 'unknown') return outcomeOf(outcome, now);
  return {
    status: 'unknown',
    transaction: armed.transaction,
    revertsAt: armed.revertsAt.toISOString(),
    reason: `the host has no record of how it ended: ${outcome.text}`,
  };
}

function outcomeOf(outcome: TransactionOutcome, now: Date): HostOutcome {
  switch (outcome.state) {
    case 'confirmed':
      return { status: 'confirmed', generation: outcome.generation };
    case 'reverted':
      return { status: 'reverted', step: outcome.step, reason: outcome.text, generation: outcome.generation };
    case 'refused':
      return { status: 'failed', touched: false, reason: outcome.text, todo: 'nothing was touched; make a new plan' };
    case 'failed':
      return {
        status: 'failed',
        touched: true,
        reason: `${outcome.step}: ${outcome.text}`,
        todo: 'log in and look: `ipsec-deploy status` shows the transaction; the former files are in /var/ipsec-deploy/generations, under `left` of the current one (before the first change: in 0)',
      };
    case 'verified': {
      const revertsAt = new Date(now.getTime() + outcome.revertsInSeconds * 1000).toISOString();
      return { status: 'unknown', transaction: outcome.id, revertsAt, reason: 'still waiting for confirmation' };
    }
    case 'unknown':
      return {
        status: 'failed',
        touched: false,
        reason: `the host knows no transaction ${outcome.id}: ${outcome.text}`,
        todo: 'run `ipsec-deploy status`',
      };
  }
}

function transactionFor(host: Host, plan: HostPlan, terms: Terms, fill: FillFile): TransactionRequest {
  return {
    id: `${terms.run}.${host.name}`,
    nonce: terms.nonce,
    windowSeconds: terms.windowSeconds,
    generation: plan.generation,
    expectGeneration: plan.expect.generation,
    run: terms.run,
    keepGenerations: terms.keepGenerations,
    steps: plan.steps,
    ike: plan.ike,
    expectFiles: plan.expect.files,
    expectSpd: plan.expect.spd,
    files: plan.files.map((file) => transactionFile(file, plan.generation, fill)),
    spd: plan.spd,
    ...(plan.ruleByRule?.changes !== undefined && { change: plan.ruleByRule.changes }),
    manifest: manifestOf(plan, terms),
  };
}

function transactionFile(file: FileChange, generation: number, fill: FillFile): TransactionFile {
  switch (file.kind) {
    case 'create':
    case 'update': {
      const text = fill(file.file, generation);
      const sha256 = createHash('sha256').update(text.reveal()).digest('hex');
      if (sha256 !== file.sha256)
        throw new Error(`${file.path} of generation ${generation} is not the file that was planned`);
      return { kind: 'send', path: file.path, mode: file.mode, sha256, text };
    }
    case 'keep':
      return { kind: 'keep', path: file.path, mode: file.mode, sha256: file.sha256 };
    case 'stored':
      return { kind: 'stored', path: file.path, mode: file.mode, sha256: file.sha256, from: file.from };
    case 'remove':
      return { kind: 'remove', path: file.path };
  }
}

function manifestOf(plan: HostPlan, terms: Terms): Manifest {
  return {
    generation: plan.generation,
    run: terms.run,
    made: terms.made,
    files: plan.files.flatMap((file) =>
      file.kind === 'remove' ? [] : [{ path: file.path, mode: file.mode, sha256: file.sha256 }],
    ),
    keys: plan.keys,
  };
}
