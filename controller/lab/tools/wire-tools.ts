/** ping and nc of one host, over what carries packets in its lab. Owns how long they wait for an answer that does not come. */

import type { MachineSetup } from '../machine.js';
import type { NetworkHost } from '../network-host.js';
import { nc } from './nc.js';
import { ping } from './ping.js';
import type { ToolCall, ToolReply } from './tool.js';

/** Who waits for an answer that does not come waits no longer in the lab, which knows at once that none will. */
const LONGEST_SILENCE_SECONDS = 1;

type Surroundings = Pick<MachineSetup, 'wire' | 'clock'>;

export function pingOverWire(call: ToolCall, host: NetworkHost, { wire, clock }: Surroundings): Promise<ToolReply> {
  return ping(call, async ({ source, destination, seconds }) => {
    const answer = await wire?.ping(host, source, destination);
    if (answer !== 'open') await clock.after(Math.min(seconds, LONGEST_SILENCE_SECONDS));
    return answer === 'open';
  });
}

export function ncOverWire(call: ToolCall, host: NetworkHost, { wire, clock }: Surroundings): Promise<ToolReply> {
  return nc(call, async ({ source, destination, sourcePort, port, seconds = LONGEST_SILENCE_SECONDS }) => {
    const [from, to] = [
      { address: source, port: sourcePort },
      { address: destination, port },
    ];
    const answer = (await wire?.connect(host, from, to)) ?? 'silent';
    if (answer === 'silent') await clock.after(Math.min(seconds, LONGEST_SILENCE_SECONDS));
    return answer;
  });
}
