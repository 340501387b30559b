/** Where SSH comes from is open on every host of the fleet: which hosts may say so. */

import { expect, test } from 'vitest';
import { InputProblems, OperatorError } from '../../../controller/errors.js';
import { formatPrefix, parseAddress } from '../../../controller/model/address.js';
import type { HostSurroundings } from '../../../controller/model/observation.js';
import { Secret } from '../../../controller/model/secret.js';
import type { HostLink, HostSession } from '../../../controller/ports.js';
import { importFleet, type ImportedFleet } from '../../../controller/run/import-fleet.js';
import { hostNamed, observationOf } from '../../support/fake-fleet.js';
import { builtInTemplates } from '../../support/render-fleet.js';

const POLICY = '/etc/inet/ipsecinit.conf';
const refuse = (): Promise<never> => Promise.reject(new Error('not asked for'));

function session(surroundings: HostSurroundings): HostSession {
  return {
    observe: () => Promise.resolve(observationOf({ files: [{ path: POLICY, state: 'present', mode: '0400' }] })),
    collect: () => Promise.resolve(Secret.fromText('{ lport 22 ulp tcp dir both } bypass { }\n')),
    surroundings: () => Promise.resolve(surroundings),
    close: () => Promise.resolve(),
    drift: refuse,
    read: refuse,
    fingerprints: refuse,
    probe: refuse,
    counters: refuse,
    transact: refuse,
    confirm: refuse,
    abort: refuse,
    extend: refuse,
    status: refuse,
    generation: refuse,
  };
}

/** Imports a host for each address that one says we come from. */
async function imported(clients: readonly (string | undefined)[], own: readonly string[]): Promise<ImportedFleet> {
  const hosts = clients.map((_client, i) => {
    const host = hostNamed(`h${i}`, [parseAddress(`10.0.1.${i + 1}`) ?? []].flat());
    return { ...host, ssh: { ...host.ssh, host: `10.0.1.${i + 1}` } };
  });
  const link: HostLink = {
    open: (host) => {
      const client = clients[Number(host.name.slice(1))];
      return Promise.resolve(session({ client, hosts: '', addresses: host.addresses }));
    },
  };
  return importFleet({
    targets: hosts,
    isNamed: () => true,
    ownAddresses: own,
    link,
    forks: 4,
    stop: new AbortController().signal,
    options: { fleet: 'f', management: [], created: '2026-11-22T10:00:00Z', withKeys: true, identityFile: true },
    builtIn: builtInTemplates(),
  }).catch((error: unknown) => {
    throw error instanceof InputProblems ? new Error(error.problems.map(({ what }) => what).join('; ')) : error;
  });
}

const EVIL = '203.0.113.66';

test.each([
  ['all hosts agree', ['10.0.0.5', '10.0.0.5'], [], ['10.0.0.5/32']],
  ['one host says something else', ['10.0.0.5', EVIL, '10.0.0.5'], [], ['10.0.0.5/32']],
  ['half of them say something else', ['10.0.0.5', EVIL], ['10.0.0.5'], ['10.0.0.5/32']],
  ['this machine has two ways out', ['10.0.0.5', '10.9.0.5'], ['10.0.0.5', '10.9.0.5'], ['10.0.0.5/32', '10.9.0.5/32']],
])('%s: no host puts an address of its own in for all', async (_what, clients, own, management) => {
  const { hosts, adopted, management: found } = await imported(clients, own);
  expect(found.map(formatPrefix).map((text) => (text.includes('/') ? text : `${text}/32`))).toEqual(management);
  expect(adopted.inventory).not.toContain(EVIL);
  const doubted = hosts.filter(({ notes }) => notes.some((note) => note.includes('left out of management:')));
  expect(doubted.map(({ host }) => host)).toEqual(clients.flatMap((client, i) => (client === EVIL ? [`h${i}`] : [])));
});

test('hosts that do not agree, none of whose addresses is ours, are asked about', async () => {
  const failed = await imported(['10.0.0.5', EVIL], []).catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(OperatorError);
  expect(String(failed)).toMatch(/do not agree .*10\.0\.0\.5 says h0, 203\.0\.113\.66 says h1/);
});
