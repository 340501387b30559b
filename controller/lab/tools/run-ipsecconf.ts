/** Gives the simulated ipsecconf the files it may read, and takes back those it wrote. */

import { STOCK_NAMES } from '../../policy/stock-names.js';
import { withHosts } from '../../policy/name-tables.js';
import type { Spd } from '../../policy/spd.js';
import { POLICY_LOG, type ToolResult } from './ipsecconf-run.js';
import { ipsecconf } from './ipsecconf.js';
import { resolveArgument, underRoot, type ToolCall, type ToolReply } from './tool.js';

const LOCK = '/var/run/ipsecconf.lock';

/** `early`: the command from before the services. */
export async function runIpsecconf(
  call: ToolCall,
  state: Spd,
  early = false,
): Promise<ToolReply & Pick<ToolResult, 'state' | 'offered'>> {
  const contents = new Map<string, string>();
  for (const path of [POLICY_LOG, ...mentionedPaths(call)]) {
    const text = await readable(call, locate(call, path));
    if (text !== undefined) contents.set(path, text);
  }
  const written = new Map<string, string>();
  const result = ipsecconf({
    argv: call.args,
    env: call.env,
    stdin: call.stdin,
    files: {
      read: (path) => contents.get(path),
      write: (path, text) => {
        contents.set(path, text);
        written.set(path, text);
      },
    },
    state,
    early,
    names: withHosts(STOCK_NAMES, call.hostNames),
  });
  await call.files.append(underRoot(call.root, LOCK), '', 0o600);
  for (const [path, text] of written) await call.files.write(locate(call, path), text, 0o644);
  return result;
}

/** The log is the host's own file; what the caller names stands where the caller is. */
function locate(call: ToolCall, path: string): string {
  return path === POLICY_LOG ? underRoot(call.root, path) : resolveArgument(call, path);
}

/** Every word that could be a file: an operand, or what is attached to an option. */
function mentionedPaths({ args }: ToolCall): string[] {
  return args.flatMap((arg) => (arg.startsWith('-') ? [arg.slice(2)] : [arg])).filter((path) => path !== '');
}

/** A directory opens and reads as empty, as it does for fopen(3C). */
async function readable({ files }: ToolCall, path: string): Promise<string | undefined> {
  const info = await files.stat(path);
  return info?.kind === 'directory' ? '' : files.read(path);
}
