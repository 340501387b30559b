import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { formatAddress, parseAddress, type Address } from '../../controller/model/address.js';
import { ownNetwork } from '../../controller/remote/own-network.js';

const HERE = address('127.0.0.1');
let server: Server;
let open = 0;
beforeAll(async () => {
  server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const at = server.address();
  open = typeof at === 'object' && at !== null ? at.port : 0;
});
afterAll(() => {
  server.close();
});

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}

test('a port with a listener is open, one without is closed', async () => {
  expect(await ownNetwork.connect(HERE, open, 5)).toMatchObject({ answer: 'open' });
  const gone = createServer();
  await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve));
  const at = gone.address();
  await new Promise((resolve) => gone.close(resolve));
  const port = typeof at === 'object' && at !== null ? at.port : 0;
  expect(await ownNetwork.connect(HERE, port, 5)).toMatchObject({ answer: 'closed' });
});

test('whoever wants to leave does not wait for an answer', async () => {
  const stop = AbortSignal.abort();
  expect(await ownNetwork.connect(HERE, open, 60, stop)).toEqual({ answer: 'untried', text: 'interrupted' });
});

test('the address that packets leave with is known before any is sent', async () => {
  const source = await ownNetwork.sourceTowards(HERE);
  expect(source && formatAddress(source)).toBe('127.0.0.1');
});

test('a literal is its own address, and a name that the network does not know has none', async () => {
  expect(await ownNetwork.addressesOf('10.0.1.11')).toEqual([address('10.0.1.11')]);
  expect(await ownNetwork.addressesOf('no-such-host.invalid')).toEqual([]);
});
