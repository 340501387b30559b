/** A lab host in the hands of somebody else: it runs the real agent, and what that says is twisted on its way back. Hears all it is sent. */

import { once } from 'node:events';
import ssh2 from 'ssh2';
import type { LabHost } from '../../controller/lab/lab-host.js';
import { newEd25519Key } from '../support/ssh-keys.js';

/** What goes out instead of a line; nothing for a line that is kept back. */
export type Twist = (line: string) => string | Buffer | undefined;

export class TwistedHost {
  /** All that was written to its commands, in the order it came. */
  readonly heard: Buffer[] = [];
  readonly commands: string[] = [];
  /** Made anew for each command; without one the host is honest. */
  twist: (() => Twist) | undefined;

  private constructor(
    private readonly server: ssh2.Server,
    readonly port: number,
    readonly hostKey: string,
  ) {}

  static async start(lab: LabHost): Promise<TwistedHost> {
    const key = newEd25519Key();
    const clients = new Set<ssh2.Connection>();
    const made: { host?: TwistedHost } = {};
    const server = new ssh2.Server({ hostKeys: [key.private] }, (client) => {
      clients.add(client);
      client.on('close', () => clients.delete(client));
      client.on('error', () => undefined);
      client.on('authentication', (context) => context.accept());
      client.on('session', (accept) => {
        accept().on('exec', (acceptExec, _reject, info) => made.host?.run(lab, acceptExec(), info.command));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const [type = '', blob = ''] = key.public.split(' ');
    const host = new TwistedHost(server, typeof address === 'string' ? 0 : (address?.port ?? 0), `${type} ${blob}`);
    made.host = host;
    return host;
  }

  run(lab: LabHost, channel: ssh2.ServerChannel, command: string): void {
    this.commands.push(command);
    const child = lab.start([...lab.loginShell, '-c', command]);
    const twist = this.twist?.() ?? ((line): string => line);
    for (const stream of [channel, child.stdin, child.stdout, child.stderr]) stream.on('error', () => undefined);
    channel.on('data', (chunk: Buffer) => {
      this.heard.push(chunk);
      child.stdin.write(chunk);
    });
    channel.on('end', () => child.stdin.end());
    channel.on('close', () => child.stdin.destroy());
    let rest = '';
    child.stdout.setEncoding('latin1').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const twisted = twist(line);
        if (twisted !== undefined && channel.writable)
          channel.write(typeof twisted === 'string' ? Buffer.from(`${twisted}\n`, 'latin1') : twisted);
      }
    });
    child.once('close', (code) => {
      if (!channel.writable) return;
      channel.exit(code ?? 1);
      channel.end();
    });
  }

  /** As one stream, to be searched. */
  get allHeard(): Buffer {
    return Buffer.concat(this.heard);
  }

  async close(): Promise<void> {
    this.server.close();
    await once(this.server, 'close');
  }
}
