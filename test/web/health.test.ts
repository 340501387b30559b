import { expect, test } from 'vitest';

import { liveness, readiness } from '../../controller/web/health.js';
import { NOW, signs } from './support.js';

const at = (time: string): Date => new Date(`2026-11-22T${time}Z`);

test('a loop that gave no sign for two minutes is dead; one that is at work may take an hour', () => {
  expect(liveness(signs({ beat: at('10:28:00') }), NOW)).toEqual({ ok: true, reasons: [] });
  expect(liveness(signs({ beat: at('10:27:59') }), NOW)).toEqual({
    ok: false,
    reasons: ['the service has not moved for 121 s'],
  });
  expect(liveness(signs({ beat: at('09:30:00'), working: true }), NOW).ok).toBe(true);
  expect(liveness(signs({ beat: at('09:29:59'), working: true }), NOW).ok).toBe(false);
  expect(liveness(signs({ beat: at('09:29:59'), working: true, periodSeconds: 86_400 }), NOW).ok).toBe(true);
});

test('a clock that was set back makes nothing dead or late', () => {
  const ahead = signs({ beat: at('11:00:00'), started: at('11:00:00'), lastPassEnded: at('11:00:00') });
  expect(readiness(ahead, NOW).ok).toBe(true);
});

test('a service is ready while passes end within two periods, and two periods from its start', () => {
  const old = new Date('2026-11-20T00:00:00Z');
  expect(readiness(signs({ started: old, lastPassEnded: at('10:00:00') }), NOW).ok).toBe(true);
  expect(readiness(signs({ started: old, lastPassEnded: at('09:59:59') }), NOW).reasons).toEqual([
    'no pass has ended for 1801 s; one is due every 900 s',
  ]);
  expect(readiness(signs({ started: at('10:00:00'), lastPassEnded: old }), NOW).ok).toBe(true);
  expect(readiness(signs({ started: at('10:00:00'), lastPassEnded: undefined }), NOW).ok).toBe(true);
  expect(readiness(signs({ started: old, lastPassEnded: undefined }), NOW).ok).toBe(false);
  expect(readiness(signs({ started: old, lastPassEnded: undefined, periodSeconds: undefined }), NOW).ok).toBe(true);
});

test('without an inventory, after a failed pass or with a dead loop it is not ready, and every reason is told', () => {
  const sick = signs({ inventoryRead: false, failure: 'STORE_LOCKED', beat: at('10:00:00') });
  expect(readiness(sick, NOW).reasons).toEqual([
    'the service has not moved for 1800 s',
    'the inventory is not read yet',
    'the last pass failed (STORE_LOCKED); the log says more',
  ]);
});
