/** A small SSH server for tests of the client's side: scripted commands, chosen keys and ways to log in. */

import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import ssh2 from 'ssh2';
import type { AuthContext, ServerChannel } from 'ssh2';
import type { Host, SshSettings } from '../../controller/model/host.js';
import type { HostLinkOptions } from '../../controller/remote/agent-link.js';
import { newEd25519Key } from '../support/ssh-keys.js';

export type Command = (channel: ServerChannel, command: string) => void;

export interface ServerScript {
  readonly command?: Command;
  readonly auth?: (context: AuthContext) => void;
  readonly hostKeys?: readonly string[];
  /** Told of an exec request, which is then never answered. */
  readonly deafToExec?: () => void;
  /** Refuses to open a session. */
  readonly refuseSession?: boolean;
}

export interface TestServer {
  readonly port: number;
  /** Public line of the first host key. */
  readonly hostKey: string;
  readonly connections: readonly Socket[];
  close(): Promise<void>;
}

export const HOST_KEY = newEd25519Key();
export const PASSWORD = 'correct horse';

export async function startServer(script: ServerScript): Promise<TestServer> {
  const hostKeys = script.hostKeys ?? [HOST_KEY.private];
  const sockets: Socket[] = [];
  const server = new ssh2.Server({ hostKeys: [...hostKeys] }, (client) => {
    client.on('error', () => undefined);
    client.on('authentication', (context) => {
      if (script.auth) script.auth(context);
      else if (context.method === 'password' && context.password === PASSWORD) context.accept();
      else context.reject(['password']);
    });
    client.on('session', (accept, reject) => {
      if (script.refuseSession) {
        reject();
        return;
      }
      const session = accept();
      session.on('pty', (acceptTerminal) => acceptTerminal());
      session.on('exec', (acceptExec, _reject, info) => {
        if (script.deafToExec) {
          script.deafToExec();
          return;
        }
        const channel = acceptExec();
        channel.on('error', () => undefined);
        script.command?.(channel, info.command);
      });
    });
  });
  server.on('connection', () => undefined);
  const inner: unknown = Reflect.get(server, '_srv');
  if (inner instanceof Object && 'on' in inner && typeof inner.on === 'function') {
    inner.on('connection', (socket: Socket) => sockets.push(socket));
  }
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const [first] = hostKeys;
  const parsed = ssh2.utils.parseKey(first ?? '');
  if (parsed instanceof Error) throw parsed;
  return {
    port,
    hostKey: `${parsed.type} ${parsed.getPublicSSH().toString('base64')}`,
    connections: sockets,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

export function hostAt(
  server: { readonly port: number; readonly hostKey: string },
  ssh: Partial<SshSettings> = {},
): Host {
  return {
    name: 'db1',
    addresses: [],
    groups: [],
    platform: 'auto',
    template: 'peer',
    vars: {},
    at: { file: 'inventory.yaml', line: 1, column: 1 },
    ssh: {
      host: '127.0.0.1',
      port: server.port,
      user: 'deploy',
      privilege: 'none',
      auth: [{ kind: 'password', passwordEnv: 'PW' }],
      connectTimeoutSeconds: 10,
      replyTimeoutSeconds: 10,
      hostKeys: [server.hostKey],
      knownHosts: [],
      ...ssh,
    },
  };
}

export const AGENT = { loader: '# loader\n', text: '# agent\n#@end\n', digest: 'ab'.repeat(32) };
export const MARK = '00112233445566ff';

export function linkOptions(more: Partial<HostLinkOptions> = {}): HostLinkOptions {
  return {
    agent: AGENT,
    env: { PW: PASSWORD },
    randomBytes: () => Buffer.from(MARK, 'hex'),
    log: { event: () => undefined },
    ...more,
  };
}
