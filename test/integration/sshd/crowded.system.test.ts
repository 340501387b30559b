/** An sshd that lets in one connection at a time until it has logged in: many come at once, and each one gets through. */

import { expect, test } from 'vitest';
import { createConnector } from '../../../controller/remote/ssh.js';
import { startSshd } from './openssh.js';
import type { OpenSsh } from './openssh.js';
import { say, sayOver } from './say.js';

const AT_ONCE = 6;
const CROWDED = ['MaxStartups 1:100:1', 'LogLevel VERBOSE'];
const quiet = { env: {}, log: { event: () => undefined } };

const dropped = (sshd: OpenSsh): number => sshd.log.filter((line) => /drop connection|Maxstartups/i.test(line)).length;
const logins = (sshd: OpenSsh): number => sshd.log.filter((line) => line.startsWith('Accepted publickey')).length;

test('many hosts on one crowded sshd are all reached', async () => {
  const sshd = await startSshd({ config: CROWDED });
  const host = sshd.hostAt({ connectTimeoutSeconds: 60 });
  const connect = createConnector(quiet);
  const said = await Promise.all(Array.from({ length: AT_ONCE }, () => sayOver(connect, host)));
  expect(said).toEqual(Array.from({ length: AT_ONCE }, () => '42\n'));
  expect(logins(sshd)).toBe(AT_ONCE);
  expect(dropped(sshd)).toBeGreaterThan(0);
});

test('hosts behind a crowded jump host, each reached by a run of its own, are all reached, as is a crowded host behind one', async () => {
  const [bastion, target] = [await startSshd({ config: CROWDED }), await startSshd({ config: CROWDED })];
  const host = target.hostAt({
    connectTimeoutSeconds: 60,
    proxyJump: [
      {
        host: '127.0.0.1',
        port: bastion.port,
        hostKeys: [await bastion.hostKeyLine('ed25519')],
        auth: [{ kind: 'key', file: bastion.clientKeyFile }],
      },
    ],
  });
  const shared = createConnector(quiet);
  const said = await Promise.all([
    ...Array.from({ length: AT_ONCE / 2 }, () => say(host)),
    ...Array.from({ length: AT_ONCE / 2 }, () => sayOver(shared, host)),
  ]);
  expect(said).toEqual(Array.from({ length: AT_ONCE }, () => '42\n'));
  expect(logins(bastion)).toBe(AT_ONCE / 2 + 1);
  expect(dropped(bastion) + dropped(target)).toBeGreaterThan(0);
});
