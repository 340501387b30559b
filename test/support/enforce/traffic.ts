/** Traffic between the hosts of an enforcing lab: who answers, a flow that goes on, knocks on many ports, bursts. */

import { join } from 'node:path';
import { z } from 'zod';
import { NetTool, type NetSpace } from './net-tool.js';

function startTool(space: NetSpace, script: string, settings: object): NetTool {
  return new NetTool(space, [process.execPath, join(import.meta.dirname, script), JSON.stringify(settings)]);
}

const Counts = z.record(z.string(), z.number());

/** Programs on a host that send back what they get. */
export interface Answerer {
  /** `tcp/443 from 10.0.0.5` → how many connections or datagrams have arrived. */
  counts(): Promise<Readonly<Record<string, number>>>;
  stop(): Promise<void>;
}

export interface Listening {
  readonly tcp?: readonly number[];
  readonly udp?: readonly number[];
  /** To bind to; any of IPv4 unless given. */
  readonly addresses?: readonly string[];
}

/** Resolves when all listen. */
export async function answerOn(space: NetSpace, listening: Listening): Promise<Answerer> {
  const tool = startTool(space, 'answer.mjs', listening);
  await tool.next();
  return {
    counts: async () => z.object({ counts: Counts }).parse(await tool.ask('counts')).counts,
    stop: () => tool.stop(),
  };
}

/** `unsendable`: our own host does not let it out, and says so. */
export type KnockAnswer = 'open' | 'closed' | 'silent' | 'unsendable';

export interface Knock {
  readonly id: string;
  readonly to: string;
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
  readonly source?: string;
}

/** Two SYNs a try: the kernel sends the second after one second. */
const PATIENCE_MS = 1300;
const PATIENT_MS = 8000;

/** Tries all at once; takes no longer than one that is not answered. */
export async function knock(
  space: NetSpace,
  tries: readonly Knock[],
  patienceMs = PATIENCE_MS,
): Promise<ReadonlyMap<string, KnockAnswer>> {
  const tool = startTool(space, 'knock.mjs', { tries, patienceMs });
  const said = z
    .object({ answers: z.record(z.string(), z.enum(['open', 'closed', 'silent', 'unsendable'])) })
    .parse(await tool.next());
  await tool.stop();
  return new Map(Object.entries(said.answers));
}

/** Where answers are expected: what is silent is tried again with patience, as a machine that is busy answers late. */
export async function insist(space: NetSpace, tries: readonly Knock[]): Promise<ReadonlyMap<string, KnockAnswer>> {
  const first = await knock(space, tries);
  const silent = tries.filter(({ id }) => first.get(id) === 'silent');
  if (silent.length === 0) return first;
  return new Map([...first, ...(await knock(space, silent, PATIENT_MS))]);
}

const Counted = z.object({ sent: z.number(), back: z.number(), longestGapMs: z.number() });
const Phase = z.object({ name: z.string(), udp: Counted, tcp: Counted.extend({ connections: z.number() }) });
export type FlowPhase = Readonly<z.infer<typeof Phase>>;

/** Numbered datagrams and lines, sent back by the other end's `answerOn`. */
export interface Flow {
  /** What is sent from now on counts under this name. */
  phase(name: string): Promise<void>;
  /** Ends it, and waits for what is still on the way. */
  finish(): Promise<readonly FlowPhase[]>;
}

export async function startFlow(
  space: NetSpace,
  settings: { readonly to: string; readonly port: number; readonly everyMs: number },
): Promise<Flow> {
  const tool = startTool(space, 'flow.mjs', settings);
  await tool.next();
  return {
    phase: async (name) => void (await tool.ask(`phase ${name}`)),
    finish: async () => {
      const { phases } = z.object({ phases: z.array(Phase) }).parse(await tool.ask('finish'));
      await tool.stop();
      return phases;
    },
  };
}

const BurstCounts = z.object({
  ok: z.number(),
  /** By a packet of the other end. */
  refused: z.number(),
  silent: z.number(),
  /** Connected, and then no answer that could be used. */
  broken: z.number(),
  unsendable: z.number(),
});
export type BurstResult = Readonly<z.infer<typeof BurstCounts>>;

export interface Burst {
  soFar(): Promise<BurstResult>;
  /** Lets those that are open come to their end. */
  finish(): Promise<BurstResult>;
  stop(): Promise<void>;
}

export async function startBurst(
  space: NetSpace,
  settings: { readonly to: string; readonly port: number; readonly atOnce: number; readonly patienceMs: number },
): Promise<Burst> {
  const tool = startTool(space, 'burst.mjs', settings);
  await tool.next();
  const counts = async (word: string): Promise<BurstResult> =>
    z.object({ counts: BurstCounts }).parse(await tool.ask(word)).counts;
  return { soFar: () => counts('report'), finish: () => counts('stop'), stop: () => tool.stop() };
}
