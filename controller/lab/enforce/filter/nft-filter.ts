/** A lab host's packet filter: nft in the host's network namespace. Holds what is loaded there. */

import { OperatorError } from '../../../errors.js';
import type { KernelState, PacketFilter, SaUse } from '../../packet-filter.js';
import { marksIn } from '../../../policy/remembered-actions.js';
import { hostRules } from '../../../policy/spd.js';
import { compileFilter, type CompiledFilter } from './compile-filter.js';
import { keepPolicy, type KeptPolicies } from './kept-policies.js';
import { readCounters } from './nft-counters.js';
import { policyRules } from './policy-rules.js';
import { REFUSALS, type Refusal } from './refusals.js';
import { TABLE, transaction } from './rule-set.js';

/** Runs `nft` with these arguments in the host's namespace; gives its standard output. Rejects when it fails. */
export type RunNft = (args: readonly string[], stdin?: string) => Promise<string>;

export class NftFilter implements PacketFilter {
  #policies: KeptPolicies | undefined;
  #loaded: CompiledFilter | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(private readonly run: RunNft) {}

  /**
   * One after the other; a load that fails leaves what was loaded before in force.
   * @throws OperatorError LAB_FILTER_REFUSED, LAB_TAGS_ALIKE
   */
  load(state: KernelState): Promise<void> {
    return this.#inTurn(() => this.#load(state));
  }

  uses(): Promise<ReadonlyMap<string, SaUse>> {
    return this.#inTurn(async () => {
      const uses = new Map<string, SaUse>();
      for (const [name, use] of await this.#counters()) {
        const id = this.#loaded?.counted.get(name);
        if (id === undefined) continue;
        const before = uses.get(id) ?? { packets: 0, bytes: 0 };
        uses.set(id, { packets: before.packets + use.packets, bytes: before.bytes + use.bytes });
      }
      return uses;
    });
  }

  /** Packets lost since the first load, by reason. */
  refusals(): Promise<ReadonlyMap<Refusal, number>> {
    return this.#inTurn(async () => {
      const counters = await this.#counters();
      return new Map(Object.values(REFUSALS).map((why) => [why, counters.get(why)?.packets ?? 0]));
    });
  }

  async #load({ spd, sad, remembered }: KernelState): Promise<void> {
    const policies = keepPolicy(this.#policies, policyRules(hostRules(spd), marksIn(remembered)));
    const compiled = compileFilter(policies, sad.values());
    const text = transaction(this.#loaded?.ruleSet, compiled.ruleSet);
    if (text !== '') await this.#nft(['-f', '-'], text);
    this.#policies = policies;
    this.#loaded = compiled;
  }

  async #counters(): Promise<ReadonlyMap<string, SaUse>> {
    if (this.#loaded === undefined) return new Map();
    return readCounters(await this.#nft(['-j', 'list', 'counters', 'table', ...TABLE.split(' ')]));
  }

  async #nft(args: readonly string[], stdin?: string): Promise<string> {
    try {
      return await this.run(args, stdin);
    } catch (cause) {
      throw new OperatorError('LAB_FILTER_REFUSED', {
        what: `nft did not do what the lab asked of it: ${firstLines(cause)}`,
        todo: 'the rules that were loaded before are still in force; see that the kernel has nf_tables with connection tracking',
        cause,
      });
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}

const MOST_TEXT = 300;

function firstLines(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return text.trim().split('\n').slice(0, 2).join(' ').slice(0, MOST_TEXT);
}
