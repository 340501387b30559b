// The floor: the least that any tool over SSH must do. Opens each connection, authenticates, runs `true`, closes.
// usage: floor.mjs CONNECTIONS_PER_HOST FORKS KEY_FILE PORT…
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';

import PQueue from 'p-queue';
import ssh2 from 'ssh2';

const [rounds, forks, keyFile, ...ports] = process.argv.slice(2);
const privateKey = readFileSync(keyFile);

function once(port) {
  return new Promise((resolve, reject) => {
    const sock = connect({ port: Number(port), host: '127.0.0.1', noDelay: true });
    const client = new ssh2.Client();
    client.on('error', reject);
    client.on('close', resolve);
    client.on('ready', () => {
      client.exec('true', (error, stream) => {
        if (error) return reject(error);
        stream.on('close', () => client.end());
        stream.resume();
      });
    });
    client.connect({ sock, username: process.env.BENCH_USER, privateKey, authHandler: ['publickey'] });
  });
}

const queue = new PQueue({ concurrency: Number(forks) });
for (let round = 0; round < Number(rounds); round++) await queue.addAll(ports.map((port) => () => once(port)));
