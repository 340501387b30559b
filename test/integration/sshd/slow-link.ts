/** A link between us and a server that is slow, cuts bytes apart, and may stall or break. */

import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface LinkFaults {
  /** At most so many bytes at once, each piece by itself. */
  readonly pieceBytes: number;
  /** Milliseconds each piece takes, each way. */
  readonly delayMs: number;
}

export interface SlowLink {
  readonly port: number;
  /** From now on nothing passes, and no end is told: as when a cable is pulled. */
  stall(): void;
}

/** Gone after the test. */
export async function slowLink(toPort: number, { pieceBytes, delayMs }: LinkFaults): Promise<SlowLink> {
  const sockets = new Set<Socket>();
  let stalled = false;
  const pass = (from: Socket, to: Socket): void => {
    let last: Promise<void> = Promise.resolve();
    from.on('data', (chunk: Buffer) => {
      for (let at = 0; at < chunk.length; at += pieceBytes) {
        const piece = chunk.subarray(at, at + pieceBytes);
        last = last.then(
          () =>
            new Promise((resolve) => {
              setTimeout(() => {
                if (!stalled && to.writable) to.write(piece);
                resolve();
              }, delayMs);
            }),
        );
      }
    });
    from.on('close', () => void last.then(() => (stalled ? undefined : to.destroy())));
    from.on('error', () => undefined);
  };
  const server = createServer((near) => {
    const far = connect({ port: toPort, host: '127.0.0.1', noDelay: true });
    near.setNoDelay(true);
    sockets.add(near).add(far);
    pass(near, far);
    pass(far, near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { port: address.port, stall: () => (stalled = true) };
}
