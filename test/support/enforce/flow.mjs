/**
 * A flow that never stops: numbered datagrams, and numbered lines on one TCP connection that is opened anew when it breaks; the other
 * end sends each back. Told in JSON: `{ to, port, everyMs }`. Lines on stdin: `phase NAME` begins to count anew under that name,
 * `finish` ends it: when all is back, or nothing comes any more, `{ phases: [...] }` is said. Ends with stdin.
 */

import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

const { to, port, everyMs } = JSON.parse(process.argv[2] ?? '{}');
/** No answer for so long and a TCP connection is given up. */
const GIVE_UP_MS = 2000;
const REDIAL_MS = 50;
/** Nothing for so long after the end, and the rest is lost. */
const LOST_MS = 500;

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const newPhase = (name) => ({
  name,
  udp: { sent: 0, back: 0, longestGapMs: 0 },
  tcp: { sent: 0, back: 0, longestGapMs: 0, connections: 0 },
});

const phases = [newPhase('start')];
/** Which phase a number was sent in: an answer counts for it however late it comes. */
const sentIn = { udp: [], tcp: [] };
const lastBack = { udp: performance.now(), tcp: performance.now() };
const current = () => phases[phases.length - 1];

function noteSent(kind) {
  const phase = current();
  phase[kind].sent++;
  return sentIn[kind].push(phase) - 1;
}

function noteBack(kind, number) {
  const phase = sentIn[kind][number];
  if (phase === undefined) return;
  phase[kind].back++;
  sentIn[kind][number] = undefined;
  noteGap(kind);
  lastBack[kind] = performance.now();
}

function noteGap(kind) {
  const gap = performance.now() - lastBack[kind];
  const counted = current()[kind];
  counted.longestGapMs = Math.max(counted.longestGapMs, Math.round(gap));
}

const udp = createSocket(to.includes(':') ? 'udp6' : 'udp4');
udp.on('error', () => undefined).on('message', (message) => noteBack('udp', Number(message.toString('latin1'))));

let tcp;
function dial() {
  const socket = connect({ host: to, port, noDelay: true });
  let partial = '';
  let heard = performance.now();
  let open = false;
  socket.on('connect', () => {
    heard = performance.now();
    open = true;
    current().tcp.connections++;
  });
  socket.on('data', (chunk) => {
    heard = performance.now();
    const lines = (partial + chunk.toString('latin1')).split('\n');
    partial = lines.pop();
    for (const line of lines) noteBack('tcp', Number(line));
  });
  // Its close event follows.
  socket.on('error', () => undefined);
  socket.on('close', () => {
    open = false;
    clearInterval(watch);
    setTimeout(() => (tcp = dial()), REDIAL_MS);
  });
  const watch = setInterval(() => {
    if (performance.now() - heard > GIVE_UP_MS) socket.destroy();
  }, REDIAL_MS);
  return { send: () => open && socket.write(`${noteSent('tcp')}\n`) };
}
tcp = dial();

const sending = setInterval(() => {
  udp.send(String(noteSent('udp')), port, to, () => undefined);
  tcp.send();
}, everyMs);

function finish() {
  clearInterval(sending);
  for (const kind of ['udp', 'tcp']) noteGap(kind);
  const ended = performance.now();
  const look = setInterval(() => {
    const isQuiet = performance.now() - Math.max(ended, lastBack.udp, lastBack.tcp) > LOST_MS;
    if (!isQuiet && [...sentIn.udp, ...sentIn.tcp].some((phase) => phase !== undefined)) return;
    clearInterval(look);
    say({ phases });
  }, 10);
}

createInterface({ input: process.stdin })
  .on('line', (line) => {
    if (line === 'finish') return finish();
    for (const kind of ['udp', 'tcp']) noteGap(kind);
    phases.push(newPhase(line.slice('phase '.length)));
    say({ phase: line.slice('phase '.length) });
  })
  .on('close', () => process.exit(0));
say({ ready: true });
