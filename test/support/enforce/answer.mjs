/**
 * Listens on TCP and UDP ports of the host it runs on and sends back what it gets. Counts what arrived, which is evidence that
 * needs no waiting. Told in JSON: `{ tcp: [ports], udp: [ports], addresses: [bind to] }`; says `{ ready: true }`; a line on stdin asks
 * for the counts; ends with stdin.
 */

import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';

const { tcp = [], udp = [], addresses = ['0.0.0.0'] } = JSON.parse(process.argv[2] ?? '{}');
/** `tcp/443 from 10.0.0.5` → how many connections or datagrams. */
const counts = {};
const count = (what, from) => {
  const name = `${what} from ${from.replace(/^::ffff:/, '')}`;
  counts[name] = (counts[name] ?? 0) + 1;
};
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

function listenTcp(port, address) {
  const server = createServer({ noDelay: true }, (socket) => {
    count(`tcp/${port}`, socket.remoteAddress ?? '?');
    socket.on('error', () => socket.destroy());
    socket.pipe(socket);
  });
  return new Promise((resolve, reject) =>
    server.once('error', reject).listen({ port, host: address, backlog: 4096 }, resolve),
  );
}

function listenUdp(port, address) {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.on('message', (message, { address: from, port: fromPort }) => {
    count(`udp/${port}`, from);
    // What does not get away is lost, as the sender will see.
    socket.send(message, fromPort, from, () => undefined);
  });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, address, () => {
      socket.removeAllListeners('error');
      socket.on('error', () => undefined);
      resolve();
    });
  });
}

await Promise.all(
  addresses.flatMap((address) => [
    ...tcp.map((port) => listenTcp(port, address)),
    ...udp.map((port) => listenUdp(port, address)),
  ]),
);
say({ ready: true });
createInterface({ input: process.stdin })
  .on('line', () => say({ counts }))
  .on('close', () => process.exit(0));
