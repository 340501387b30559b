/**
 * Tries many TCP and UDP ports at once. Told in JSON: `{ tries: [{ id, to, protocol, port, source? }], patienceMs }`; says
 * `{ answers: { id: open|closed|silent|unsendable } }` when all have answered or patience is over, and ends.
 */

import { createSocket } from 'node:dgram';
import { connect } from 'node:net';

const { tries, patienceMs } = JSON.parse(process.argv[2] ?? '{}');

/** The reply of a peer that refuses (RST, port unreachable), or what our own host said to the sending. */
const answerOf = (code) => (code === 'ECONNREFUSED' ? 'closed' : code === 'ETIMEDOUT' ? 'silent' : 'unsendable');

function knockTcp({ to, port, source }, patience) {
  return new Promise((resolve) => {
    const socket = connect({ host: to, port, ...(source === undefined ? {} : { localAddress: source }) });
    const end = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end('open')).once('error', ({ code }) => end(answerOf(code)));
    void patience.then(() => end('silent'));
  });
}

function knockUdp({ to, port, source }, patience) {
  return new Promise((resolve) => {
    const socket = createSocket(to.includes(':') ? 'udp6' : 'udp4');
    let ended = false;
    const end = (answer) => {
      if (!ended) socket.close();
      ended = true;
      resolve(answer);
    };
    socket.on('error', ({ code }) => end(answerOf(code))).once('message', () => end('open'));
    socket.bind(0, source, () =>
      socket.connect(port, to, (error) => {
        if (error !== undefined) return end(answerOf(error.code));
        const send = () => ended || socket.send('knock', (failed) => failed && end(answerOf(failed.code)));
        send();
        // The first may be lost while IKE is still at work.
        setTimeout(send, patienceMs / 2).unref();
      }),
    );
    void patience.then(() => end('silent'));
  });
}

const patience = new Promise((resolve) => setTimeout(resolve, patienceMs));
const answers = await Promise.all(
  tries.map(async (one) => [one.id, await (one.protocol === 'udp' ? knockUdp : knockTcp)(one, patience)]),
);
process.stdout.write(`${JSON.stringify({ answers: Object.fromEntries(answers) })}\n`);
process.exit(0);
