/** ping(1M) of illumos and Solaris in its short form, which says whether a host is alive. Source: the manual page. */

import { addressLookup } from '../../keys/kernel/address-lookup.js';
import type { Address } from '../../model/address.js';
import { readOptions } from './getopt.js';
import type { ToolCall, ToolReply } from './tool.js';

const USAGE = 'Usage:\tping host [timeout]\n\tping -s [-l | U] [abdLnRrv] host [data_size] [npackets]\n';

/** The timeout when none is given, in seconds. */
const TIMEOUT_SECONDS = 20;

export interface PingAsk {
  readonly source: Address;
  readonly destination: Address;
  readonly seconds: number;
}

/** From the host's first address of the family to each of the others. */
export function routes(
  own: readonly Address[],
  others: readonly Address[],
): readonly { readonly source: Address; readonly destination: Address }[] {
  return others.flatMap((destination) => {
    const source = own.find(({ family }) => family === destination.family);
    return source === undefined ? [] : [{ source, destination }];
  });
}

/** `ask` resolves when an answer is there, or when none came in time. */
export async function ping(
  { args, hostNames, addresses }: ToolCall,
  ask: (what: PingAsk) => Promise<boolean>,
): Promise<ToolReply> {
  const say = (exit: number, stdout: string, stderr = ''): ToolReply => ({ exit, stdout, stderr });
  const { options, operands, bad } = readOptions(args, 'abdlnrRsvULA:c:g:i:I:F:P:p:t:N:');
  const [host, timeout = String(TIMEOUT_SECONDS)] = operands;
  if (bad !== undefined) {
    return say(
      1,
      '',
      `ping: ${bad.lacksValue ? 'option requires an argument' : 'illegal option'} -- ${bad.letter}\n${USAGE}`,
    );
  }
  if (host === undefined || operands.length > 2 || options.some(({ letter }) => letter === 's'))
    return say(1, '', USAGE);
  const seconds = Number(timeout);
  if (!/^\d+$/.test(timeout) || seconds < 1) return say(1, '', `ping: bad timeout: ${timeout}\n`);
  const wanted = options.find(({ letter }) => letter === 'A')?.value;
  const family = wanted === 'inet6' ? 6 : wanted === 'inet' ? 4 : undefined;
  const found = addressLookup(hostNames, false)(host, false) ?? [];
  const wantedOnes = found.filter((one) => family === undefined || one.family === family);
  if (wantedOnes.length === 0) return say(1, '', `ping: unknown host ${host}\n`);
  const [ends] = routes(addresses, wantedOnes);
  if (ends === undefined) return say(1, '', `ping: sendto No route to host\n`);
  return (await ask({ ...ends, seconds })) ? say(0, `${host} is alive\n`) : say(1, `no answer from ${host}\n`);
}
