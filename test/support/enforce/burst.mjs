/**
 * Thousands of short TCP connections: each says a word, hears it back and closes. Told in JSON: `{ to, port, atOnce, patienceMs }`; goes on
 * until a line `stop` on stdin, which has the rest ended and `{ ok, refused, silent, broken, unsendable }` said; `report` says it in between.
 */

import { connect } from 'node:net';
import { createInterface } from 'node:readline';

const { to, port, atOnce, patienceMs } = JSON.parse(process.argv[2] ?? '{}');
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const counts = { ok: 0, refused: 0, silent: 0, broken: 0, unsendable: 0 };
let stopping = false;

function once() {
  return new Promise((resolve) => {
    const socket = connect({ host: to, port, noDelay: true });
    let connected = false;
    const end = (how) => {
      clearTimeout(timer);
      socket.removeAllListeners().on('error', () => undefined);
      // Without TIME-WAIT: ports would run out.
      if (connected) socket.resetAndDestroy();
      else socket.destroy();
      resolve(how);
    };
    const timer = setTimeout(() => end('silent'), patienceMs);
    socket.once('connect', () => {
      connected = true;
      socket.write('word');
    });
    socket.once('data', () => end('ok'));
    socket.once('error', ({ code }) =>
      end(code === 'ECONNREFUSED' ? 'refused' : connected ? 'broken' : code === 'ETIMEDOUT' ? 'silent' : 'unsendable'),
    );
    socket.once('close', () => end('broken'));
  });
}

async function lane() {
  while (!stopping) {
    const how = await once();
    counts[how]++;
    // A host that does not even let it out answers at once: that would be a busy loop.
    if (how === 'unsendable') await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

say({ ready: true });
const lanes = Array.from({ length: atOnce }, lane);
createInterface({ input: process.stdin })
  .on('line', async (line) => {
    if (line === 'stop') {
      stopping = true;
      await Promise.all(lanes);
    }
    say({ counts });
  })
  .on('close', () => process.exit(0));
