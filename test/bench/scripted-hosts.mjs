// Many hosts in one process: SSH servers that answer a check of drift with what a host of the lab once said, and `true` at once.
// No shell runs, so that a thousand of them are little work beside the controller. Prints its ports and host key in one line.
// usage: scripted-hosts.mjs RECORDING HOSTS CLIENT_KEY_FILE
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import ssh2 from 'ssh2';

const [recording, hosts, keyFile] = process.argv.slice(2);
const { mark: recordedMark, text } = JSON.parse(readFileSync(recording, 'utf8'));
const client = ssh2.utils.parseKey(readFileSync(keyFile)).getPublicSSH();
// As test/support/ssh-keys.ts does, and for its reason.
let hostKey;
do hostKey = ssh2.utils.generateKeyPairSync('ed25519');
while (ssh2.utils.parseKey(hostKey.public) instanceof Error);

const answer = (mark) =>
  text
    .replaceAll(recordedMark, mark)
    .replace(/(fact name=time text=)\S+/, (_, name) => `${name}${new Date().toISOString().replace(/\.\d+Z$/, 'Z')}`);

function serve(channel, command) {
  channel.on('error', () => undefined);
  if (command === 'true') {
    channel.exit(0);
    return channel.end();
  }
  let heard = '';
  let isGreeted = false;
  let isAnswered = false;
  channel.on('data', (chunk) => {
    heard += chunk;
    // The loader is the only thing that is sent before a greeting; it ends in a line of its own.
    if (!isGreeted) {
      isGreeted = true;
      channel.write('ipsec-deploy-agent ready protocol=1\n');
    }
    const asked = /^session mark=(\w+) .*\ndrift\n/m.exec(heard);
    if (asked !== null && !isAnswered) {
      isAnswered = true;
      channel.write(answer(asked[1]));
    }
    if (/^bye$/m.test(heard)) {
      channel.exit(0);
      channel.end();
    }
  });
}

const ports = [];
for (let i = 0; i < Number(hosts); i++) {
  const server = new ssh2.Server({ hostKeys: [hostKey.private] }, (connection) => {
    connection.on('error', () => undefined);
    connection.on('authentication', (context) => {
      if (context.method === 'publickey' && context.key.data.equals(client)) context.accept();
      else context.reject(['publickey']);
    });
    connection.on('session', (accept) =>
      accept().on('exec', (acceptExec, _reject, { command }) => serve(acceptExec(), command)),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ports.push(String(server.address().port));
}
process.stdin.resume().on('end', () => process.exit(0));
console.log(JSON.stringify({ ports, hostKey: hostKey.public.trim() }));
