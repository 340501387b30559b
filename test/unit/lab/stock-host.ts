/** The host that the labelled inputs were made on: its addresses, names and files. */

import { parseAddress, type Address } from '../../../controller/model/address.js';
import type { HostNames, ToolCall } from '../../../controller/lab/tools/tool.js';
import { MemoryFiles } from './memory-files.js';

export function addresses(...texts: readonly string[]): readonly Address[] {
  return texts.map((text) => {
    const address = parseAddress(text);
    if (address === undefined) throw new Error(`bad address ${text}`);
    return address;
  });
}

export const STOCK_NAMES: HostNames = new Map([
  ['localhost', addresses('::1', '127.0.0.1')],
  ['webserver', addresses('10.0.0.80')],
  ['peer', addresses('10.0.0.9')],
  ['multi', addresses('fd00:9::1', '10.1.1.1', '10.1.1.2')],
  ['dual', addresses('fd00:9::2', '10.2.2.2')],
]);

export const STOCK_ADDRESSES = addresses('10.0.0.1', 'fd00::1');

export const NOON = new Date('2026-11-22T12:00:00Z');

export function stockCall(args: readonly string[], files: MemoryFiles, env: Record<string, string> = {}): ToolCall {
  return {
    args,
    env,
    stdin: '',
    cwd: '/root',
    root: '/host',
    files,
    addresses: STOCK_ADDRESSES,
    hostNames: STOCK_NAMES,
    now: NOON,
    pid: 4711,
  };
}
