/** nc(1) of illumos, as far as it looks whether a TCP port answers: `nc -z [-v] [-w seconds] [-s source] host port`. */

import { addressLookup } from '../../keys/kernel/address-lookup.js';
import { parseAddress, sameAddress, type Address } from '../../model/address.js';
import type { WireAnswer } from '../plain-wire.js';
import { readOptions } from './getopt.js';
import { routes } from './ping.js';
import type { ToolCall, ToolReply } from './tool.js';

const USAGE = `usage: nc [-46DdEFhklnrStUuvz] [-I bufsz] [-i interval] [-L linger]
\t  [-M ttl] [-m minttl] [-O bufsz] [-p source_port] [-s source] [-T ToS]
\t  [-w timeout] [-X proxy_protocol] [-x proxy_address[:port]] [host] [port]
`;

export interface NcAsk {
  readonly source: Address;
  readonly destination: Address;
  readonly sourcePort: number;
  readonly port: number;
  /** `undefined`: for as long as the kernel tries. */
  readonly seconds: number | undefined;
}

/** Where ports are given that nobody asked for. */
const FIRST_FREE_PORT = 32_768;

export async function nc(
  { args, hostNames, addresses, pid }: ToolCall,
  ask: (what: NcAsk) => Promise<WireAnswer>,
): Promise<ToolReply> {
  const say = (exit: number, stderr: string): ToolReply => ({ exit, stdout: '', stderr });
  const { options, operands, bad } = readOptions(args, '46DdEFhklnrStUuvzI:i:L:M:m:O:p:s:T:w:X:x:');
  const value = (letter: string): string | undefined => options.find((one) => one.letter === letter)?.value;
  const has = (letter: string): boolean => options.some((one) => one.letter === letter);
  if (bad !== undefined) {
    return say(
      1,
      `nc: ${bad.lacksValue ? 'option requires an argument' : 'illegal option'} -- ${bad.letter}\n${USAGE}`,
    );
  }
  const [host, portWord, ...more] = operands;
  if (host === undefined || portWord === undefined || more.length > 0) return say(1, USAGE);
  const [port, sourcePort] = [Number(portWord), Number(value('p') ?? FIRST_FREE_PORT + (pid % FIRST_FREE_PORT))];
  if (!isPort(port)) return say(1, `nc: port number invalid: ${portWord}\n`);
  if (!isPort(sourcePort)) return say(1, `nc: port number invalid: ${value('p') ?? ''}\n`);
  if (has('l') || has('u') || has('U') || !has('z')) {
    return say(1, 'nc: the lab has no more of it than a look whether a port answers: -z\n');
  }
  const given = value('s') === undefined ? undefined : parseAddress(value('s') ?? '');
  const own = given === undefined ? addresses : addresses.filter((one) => sameAddress(one, given));
  if (value('s') !== undefined && own.length === 0) return say(1, 'nc: bind failed: Cannot assign requested address\n');
  const [ends] = routes(own, addressLookup(hostNames, has('n'))(host, false) ?? []);
  if (ends === undefined) return say(1, `nc: getaddrinfo: node name or service name not known\n`);
  const seconds = value('w') === undefined ? undefined : Number(value('w'));
  const answer = await ask({ ...ends, sourcePort, port, seconds });
  if (answer === 'open') return say(0, has('v') ? `Connection to ${host} ${port} port [tcp/*] succeeded!\n` : '');
  const why = answer === 'closed' ? 'Connection refused' : 'Connection timed out';
  return say(1, has('v') ? `nc: connect to ${host} port ${port} (tcp) failed: ${why}\n` : '');
}

function isPort(value: number): boolean {
  return Number.isInteger(value) && value > 0 && value < 65_536;
}
