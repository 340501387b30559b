import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { NotifierSettings } from '../../controller/model/drift.js';
import { digest, failureOf, never, notifier, testWorld } from './support.js';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'exec-'));
});
afterEach(() => rm(folder, { recursive: true }));

const PATH = process.env['PATH'] ?? '';

function shell(script: string, ...args: readonly string[]): NotifierSettings {
  return { kind: 'exec', name: 'pager', least: 'info', command: ['sh', '-c', script, 'pager', ...args] };
}

test('the program gets the digest on its input, its words as they are, and none of our secrets', async () => {
  const world = testWorld({ PATH, HOOK_KEY: 'planted-key', IPSEC_DEPLOY_PASSPHRASE: 'planted-words', LANG: 'C' });
  const odd = 'a b; $(touch x) "q" *';
  await notifier(
    shell(`cat > '${folder}/in'; env > '${folder}/env'; printf '%s' "$1" > '${folder}/arg'; pwd`, odd),
    world,
  ).tell(digest(), never);
  expect(JSON.parse(await readFile(join(folder, 'in'), 'utf8'))).toMatchObject({ event: 'drift-digest', pass: 'p-17' });
  expect(await readFile(join(folder, 'env'), 'utf8')).not.toContain('planted');
  expect(await readFile(join(folder, 'arg'), 'utf8')).toBe(odd);
  expect(world.logged.join('\n')).toContain('"name":"notify.exec","notifier":"pager","exit":0,"output":"/"');
});

test('a program that fails is told of, what it printed is in the log alone, without keys', async () => {
  const world = testWorld({ PATH });
  const key = '0123456789abcdef'.repeat(4);
  const error = await failureOf(
    notifier(shell(`cat >/dev/null; echo no line; echo key=${key} >&2; exit 3`), world).tell(digest(), never),
  );
  expect(error.what).toBe('the command ended with exit status 3');
  expect(world.logged.join('\n')).toContain('no line key=[masked]');
  expect(JSON.stringify([error, error.stack, world.logged])).not.toContain('0123456789abcdef');
});

test('a program that asks to be run again is, and one that does not read its input is no trouble', async () => {
  const world = testWorld({ PATH });
  await notifier(shell(`test -e '${folder}/one' && exit 0; : > '${folder}/one'; exit 75`), world).tell(digest(), never);
  expect(world.clock.waits).toEqual([0.75]);
});

test('a program that hangs is ended with all that it started', async () => {
  const world = testWorld({ PATH }, { limits: { tries: 1 } });
  const script = `trap '' TERM; sleep 1000 & echo $! > '${folder}/pid.new'; mv '${folder}/pid.new' '${folder}/pid'; wait; sleep 1000`;
  const telling = failureOf(notifier(shell(script), world).tell(digest(), never));
  const pid = await eventually(() => readFile(join(folder, 'pid'), 'utf8').catch(() => undefined));
  world.clock.expire(20);
  expect((await telling).what).toBe('no end within 20 s (one try)');
  await eventually(() => (isRunning(Number(pid)) ? undefined : true));
});

test('what a program leaves behind ends with it, and is not waited for', async () => {
  const world = testWorld({ PATH });
  await notifier(shell(`cat >/dev/null; sleep 1000 & echo $! > '${folder}/pid'`), world).tell(digest(), never);
  const pid = Number(await readFile(join(folder, 'pid'), 'utf8'));
  await eventually(() => (isRunning(pid) ? undefined : true));
});

test('a program that prints without end is bounded', async () => {
  const world = testWorld({ PATH });
  await notifier(shell('cat >/dev/null; yes | head -c 3000000'), world).tell(digest(), never);
  expect(world.logged.join('\n').length).toBeLessThan(2000);
});

test('a program that is not there is told of, once', async () => {
  const settings: NotifierSettings = { kind: 'exec', name: 'pager', least: 'info', command: [join(folder, 'none')] };
  const world = testWorld({ PATH });
  const error = await failureOf(notifier(settings, world).tell(digest(), never));
  expect(error.what).toBe('the command did not start: there is no such program');
  expect(world.clock.waits).toEqual([]);
  expect(() => notifier({ ...settings, command: [] }, world)).toThrow('1 problem in the input');
});

test('a path through a file, or words that no system takes, are told as any other failure to start', async () => {
  const world = testWorld({ PATH });
  const start = async (...command: readonly string[]) => {
    const settings: NotifierSettings = { kind: 'exec', name: 'pager', least: 'info', command };
    return (await failureOf(notifier(settings, world).tell(digest(), never))).what;
  };
  expect(await start('/dev/null/pager')).toBe('the command did not start: there is no such program');
  expect(await start('/bin/sh', 'x'.repeat(3_000_000))).toBe('the command did not start: its arguments are too long');
});

/** One that is dead and only waits for whoever adopted it to hear of it does not run. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !existsSync('/proc/self/stat') || !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

async function eventually<T>(look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
