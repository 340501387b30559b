/** The ways in which a lab host's SSH service can be made to misbehave, and the streams that carry some of them out. */

import { PassThrough, Transform, type Readable } from 'node:stream';

/** Read anew for each connection or command, so that a test may change them while the lab runs. */
export interface SshFaults {
  refuseConnections?: boolean;
  refuseAuth?: boolean;
  /** Shown before authentication. */
  banner?: string;
  /** The connection breaks when a command has written this many bytes to stdout; that much still arrives. */
  dropAfterOutputBytes?: number;
  /** The connection breaks when a command has been sent this many bytes. */
  dropAfterInputBytes?: number;
  /** Asked after each line of a command's stdout; the connection breaks when it holds, and that line is lost. */
  dropWhen?: (written: string) => boolean;
  /** Each chunk of a command's stdout waits for this. */
  holdOutput?: () => Promise<void>;
  /** Told of all that commands write to stdout and stderr. */
  overhear?: (chunk: Buffer) => void;
}

export function watchInput(channel: Readable, faults: SshFaults, drop: () => void): void {
  const limit = faults.dropAfterInputBytes;
  if (limit === undefined) return;
  let seen = 0;
  channel.on('data', (chunk: Buffer) => {
    seen += chunk.length;
    if (seen >= limit) drop();
  });
}

/** A stream to put between a command's stdout and its channel. */
export function faultyOutput(faults: SshFaults, drop: () => void): Transform {
  const { dropAfterOutputBytes: limit = Infinity, dropWhen, holdOutput } = faults;
  if (limit === Infinity && dropWhen === undefined && holdOutput === undefined) return new PassThrough();
  let bytes = 0;
  let written = '';
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const pass = (): void => {
        const lost = dropWhen === undefined ? -1 : lostFrom(chunk, (line) => dropWhen((written += line)));
        const allowed = Math.min(limit - bytes, lost < 0 ? Infinity : lost);
        bytes += chunk.length;
        this.push(chunk.subarray(0, allowed));
        // The channel takes over what was pushed before the next turn of the event loop.
        if (lost >= 0 || bytes >= limit) setImmediate(drop);
        else done();
      };
      if (holdOutput === undefined) pass();
      else holdOutput().then(pass, done);
    },
  });
}

/** Where the first line begins for which `isLost` holds; -1 when there is none. */
function lostFrom(chunk: Buffer, isLost: (line: string) => boolean): number {
  let start = 0;
  for (const line of chunk.toString('latin1').split(/(?<=\n)/)) {
    if (isLost(line)) return start;
    start += line.length;
  }
  return -1;
}
