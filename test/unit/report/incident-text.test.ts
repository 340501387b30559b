import { expect, test } from 'vitest';
import { advance } from '../../../controller/drift/incidents.js';
import { findingId } from '../../../controller/drift/finding-id.js';
import { EMPTY_MEMORY } from '../../../controller/model/drift.js';
import { incidentText } from '../../../controller/report/incident-text.js';
import { remediationText } from '../../../controller/report/remediation-text.js';
import { acceptance, after, finding, look, pass, Watch } from '../drift/memory-support.js';

test('what is over because a person lets it be is listed as accepted, not as cleared', () => {
  const watch = new Watch();
  watch.pass(0, look('web1', [finding()]));
  const [open] = watch.open;
  const accepted = acceptance({ id: findingId(finding()), until: after(9000).toISOString() });
  const memory = { ...EMPTY_MEMORY, incidents: watch.open, acceptances: [accepted] };
  const [closed] = advance(memory, pass([look('web1', [finding()])], after(900)), watch.rules, after(900)).memory
    .incidents;
  if (open === undefined || closed === undefined) throw new Error('no incident');
  expect(incidentText(open, accepted)).toMatch(/^warning web1: .* \(accepted until 2026-11-22T12:30:00\.000Z\)\n/);
  expect(incidentText(closed, accepted)).toMatch(/^accepted web1: .* \(accepted until 2026-11-22T12:30:00\.000Z\)\n/);
  expect(incidentText(closed, accepted)).toContain('; accepted; counted until 2026-11-22T10:15:00.000Z');
  expect(incidentText(closed, undefined)).toMatch(/^cleared web1: [^(]*\n/);
});

test('who is told that a host is left alone reads the command that ends it, with the inventory', () => {
  const news = { records: [], quarantines: [{ host: 'web1', since: '', reason: 'it drifted again' }] };
  expect(remediationText(news, { inventory: 'dc 1/inventory.yaml' })).toBe(
    "web1: left alone from now on: it drifted again; ipsec-deploy drift release web1 'dc 1/inventory.yaml' ends it\n",
  );
});
