import { expect, test } from 'vitest';

import { neighbours, withFormerLinks } from '../../../controller/plan/fleet-plan.js';
import type { HostPlan } from '../../../controller/plan/host-plan.js';

const NAMES = new Set(['web1', 'db1', 'a--b', 'c']);

/** The peers that one host has by the key it loses. */
function formerPeers(host: string, id: string): (string | undefined)[] {
  const plan = {
    host,
    keyChanges: [{ label: '', id, before: 'aaaa', after: undefined, bits: 256 }],
  } as unknown as HostPlan;
  return (withFormerLinks(neighbours([]), [plan], NAMES).get(host) ?? []).map(({ end }) =>
    end.kind === 'host' ? end.host : undefined,
  );
}

test.each([
  ['web1', 'psk:db1--web1', ['db1']],
  ['db1', 'psk:db1--web1', ['web1']],
  ['db1', 'sa:db1--web1:10.0.1.11>10.0.2.21', ['web1']],
  ['c', 'psk:a--b--c', ['a--b']],
  ['a--b', 'psk:a--b--c', ['c']],
  ['db1', 'psk:db1--mainframe', []], // an end that is not ours, or a host that is in the inventory no more
  ['db1', 'fd00:2::21 fd00:1::11', []], // a key of a file that we did not write
])('%s and the key %s', (host, id, peers) => expect(formerPeers(host, id)).toEqual(peers));
