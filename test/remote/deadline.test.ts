import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Deadline, within } from '../../controller/remote/deadline.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const never = new Promise<string>(() => undefined);
const late = (): Error => new Error('too late');

test('a wait ends when its time is over, and not before', async () => {
  const waiting = within(2, never, late).catch((error: unknown) => String(error));
  await vi.advanceTimersByTimeAsync(1999);
  expect(vi.getTimerCount()).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(await waiting).toBe('Error: too late');
});

test('work that is done leaves no timer', async () => {
  expect(await within(2, Promise.resolve('done'), late)).toBe('done');
  expect(vi.getTimerCount()).toBe(0);
});

test('a person who takes long to type does not use up the time of the host', async () => {
  const deadline = new Deadline(2, late);
  const waiting = deadline.race(never).catch((error: unknown) => String(error));
  await vi.advanceTimersByTimeAsync(1500);
  deadline.pause();
  await vi.advanceTimersByTimeAsync(600_000);
  deadline.resume();
  await vi.advanceTimersByTimeAsync(499);
  expect(vi.getTimerCount()).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(await waiting).toBe('Error: too late');
});

test('a deadline that is over stays over, though the person answers afterwards', () => {
  const deadline = new Deadline(2, late);
  deadline.pause();
  deadline.clear();
  deadline.resume();
  deadline.restart();
  expect(vi.getTimerCount()).toBe(0);
});
