/** ipsecconf and ipseckey against one host's kernel. Owns that those who change the same table take turns, and who is told of it. */

import type { SecurityAssociation } from '../../model/sa.js';
import { UNUSED } from '../../keys/kernel/sa-lifetimes.js';
import type { Sad } from '../../keys/kernel/sad.js';
import { remember } from '../../policy/remembered-actions.js';
import { saId } from '../packet-filter.js';
import { ipseckey } from './ipseckey.js';
import type { Kernel } from './kernel.js';
import { runIpsecconf } from './run-ipsecconf.js';
import type { ToolCall, ToolReply } from './tool.js';
import { Turns } from './turns.js';

export interface KernelCommandsSettings {
  readonly kernel: Kernel;
  readonly isLegacy: boolean;
  /** The policy or the SAs are other than before. */
  readonly onChange: () => Promise<void>;
  /** SAs were deleted by name. */
  readonly onDelete: (gone: readonly SecurityAssociation[]) => Promise<void>;
}

export class KernelCommands {
  #policyTurns = new Turns();
  #keyTurns = new Turns();

  constructor(private readonly settings: KernelCommandsSettings) {}

  /** Nobody waits for those whose work ended with the power. */
  powerCut(): void {
    this.#policyTurns = new Turns();
    this.#keyTurns = new Turns();
  }

  /** Work on the SAs, once whoever works on them is done. */
  withSas(work: () => Promise<void>): Promise<void> {
    return this.#keyTurns.take(work);
  }

  /** `isDeaf`: the kernel does not hear of it. */
  async policy(call: ToolCall, isDeaf = false): Promise<ToolReply> {
    const { kernel, isLegacy, onChange } = this.settings;
    const before = kernel.state.spd;
    const reply = await this.#policyTurns.take(async () => {
      const { life } = kernel;
      const { spd } = kernel.state;
      const { state, offered, ...said } = await runIpsecconf(call, spd, isLegacy);
      if (!isDeaf && !isOver(call, life) && (state !== kernel.state.spd || offered.length > 0)) {
        await kernel.change({ spd: state, remembered: remember(kernel.state.remembered, offered) });
      }
      return said;
    });
    if (before !== kernel.state.spd) await onChange();
    return reply;
  }

  /** `isDeaf`: the kernel does not hear of it. */
  async keys(call: ToolCall, isDeaf = false): Promise<ToolReply> {
    const { kernel, onChange, onDelete } = this.settings;
    const { reply, gone } = await this.#keyTurns.take(async () => {
      const { life } = kernel;
      const before = await kernel.aged();
      const currents = [...call.args, ...call.stdin.split(/\s+/)].some((word) => LISTING_WORDS.includes(word))
        ? await kernel.currents()
        : undefined;
      const { state, ...said } = await ipseckey(call, before, (sa) => currents?.get(saId(sa)) ?? UNUSED);
      const isChanged = !isDeaf && !isOver(call, life) && !isSame(state, kernel.state.sad);
      const lost = [...before].flatMap(([key, sa]) => (state.has(key) ? [] : [sa]));
      if (isChanged) await kernel.change({ sad: state });
      return { reply: said, gone: isChanged ? lost : undefined };
    });
    if (gone !== undefined) {
      if (call.args.some((word) => word.startsWith('delete'))) await onDelete(gone);
      await onChange();
    }
    return reply;
  }
}

/** Neither without power nor killed does a command bring what it has read into the kernel. */
function isOver(call: ToolCall, life: AbortSignal): boolean {
  return life.aborted || call.isAlive?.() === false;
}

/** Words of ipseckey that show what an SA has carried. */
const LISTING_WORDS: readonly string[] = ['dump', 'get'];

function isSame(one: Sad, other: Sad): boolean {
  return one === other || (one.size === other.size && [...one].every(([key, sa]) => other.get(key) === sa));
}
