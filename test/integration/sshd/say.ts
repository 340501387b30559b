/** The shortest conversation with a host: one command, and what it printed. */

import type { Host } from '../../../controller/model/host.js';
import { HostLinkError } from '../../../controller/ports.js';
import type { LinkFailure } from '../../../controller/ports.js';
import { createConnector } from '../../../controller/remote/ssh.js';
import type { Connect } from '../../../controller/remote/ssh.js';
import type { Environment } from '../../../controller/remote/ssh-credentials.js';

/** Output of a command, or why there is none. */
export function say(host: Host, env: Environment = {}): Promise<string | LinkFailure> {
  return sayOver(createConnector({ env, log: { event: () => undefined } }), host);
}

export async function sayOver(
  connect: Connect,
  host: Host,
  command = 'echo $((40 + 2))',
): Promise<string | LinkFailure> {
  try {
    const connection = await connect(host);
    const output = await new Promise<string>((resolve, reject) => {
      let text = '';
      const events = {
        stdout: (chunk: Buffer) => (text += chunk.toString()),
        stderr: () => undefined,
        end: () => resolve(text),
      };
      connection.run(command, events).catch(reject);
    });
    await connection.close();
    return output;
  } catch (error) {
    if (error instanceof HostLinkError) return error.failure;
    throw error;
  }
}
