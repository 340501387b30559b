import { afterEach, expect, test } from 'vitest';
import yargs from 'yargs';
import { chooseNotifiers, notifyCommand, notifyTest } from '../../controller/cli/commands/drift/notify-test.js';
import type { NotifierSettings } from '../../controller/model/drift.js';
import { plain } from '../../controller/report/paint.js';
import { expectDocumented, type Line } from '../support/json-document.js';
import { answers, closeServers, httpServer, never, testWorld } from './support.js';

afterEach(closeServers);

function printed(format: 'text' | 'json') {
  const lines: string[] = [];
  return {
    lines,
    output: {
      format,
      paint: plain,
      print: (text: string) => void lines.push(text),
      note: (text: string) => void lines.push(text),
      json: (value: object) => void lines.push(JSON.stringify(value)),
    },
  };
}

const hook = (name: string, url: string): NotifierSettings => ({
  kind: 'webhook',
  name,
  // A test is sent whatever is told otherwise.
  least: 'critical',
  url,
  secretEnv: undefined,
});

test('a test says of each notifier whether it was told, and one that fails does not keep the others from it', async () => {
  const good = await httpServer(answers(200));
  const bad = await httpServer(answers(404));
  const chosen = [hook('broken', bad.url), hook('fine', good.url)];
  const asText = printed('text');
  const world = testWorld();
  expect(await notifyTest({ fleet: 'dc1', chosen, world, stop: never }, asText.output)).toBe(4);
  expect(asText.lines.toSorted()).toEqual([
    'fine: told\n',
    `notifier broken: error: ${bad.url} answered 404: said by the server\n  see to the receiver, then try it with \`ipsec-deploy drift notify --test --only broken\`\n`,
  ]);
  expect(JSON.parse(good.received[0]?.body ?? '')).toMatchObject({
    test: true,
    opened: [],
    title: 'dc1: test message of ipsec-deploy drift; nothing happened',
  });
  const asJson = printed('json');
  expect(await notifyTest({ fleet: 'dc1', chosen, world, stop: never }, asJson.output)).toBe(4);
  const lines = asJson.lines.filter((line) => line.startsWith('{')).map((line): Line => JSON.parse(line));
  expectDocumented(lines, 'drift-notified');
  expect(lines).toHaveLength(2);
  expect(lines).toContainEqual({ event: 'drift-notified', name: 'fine', kind: 'webhook', told: true });
  expect(lines).toContainEqual({
    event: 'drift-notified',
    name: 'broken',
    kind: 'webhook',
    told: false,
    what: expect.stringContaining('answered 404'),
    todo: expect.stringContaining('--only broken'),
  });
});

test('nothing is sent with --no-test', async () => {
  const words = yargs(['notify', '--no-test']).command(notifyCommand(() => []));
  const given = async (): Promise<unknown> => words.exitProcess(false).fail(false).parseAsync();
  await expect(given()).rejects.toThrow('only a test message can be sent by hand');
});

test('many notifiers on one signal are no leak that Node would warn of', async () => {
  const server = await httpServer(answers(200));
  const warnings: string[] = [];
  const note = ({ name }: Error): void => void warnings.push(name);
  process.on('warning', note);
  const chosen = Array.from({ length: 15 }, (_none, i) => hook(`n${i}`, server.url));
  const told = await notifyTest(
    { fleet: 'dc1', chosen, world: testWorld(), stop: new AbortController().signal },
    printed('text').output,
  );
  // Warnings are told in a later turn of the loop.
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', note);
  expect([told, warnings]).toEqual([0, []]);
});

test('a test that is stopped says so by its exit status, and blames no receiver', async () => {
  const server = await httpServer(() => undefined);
  const stop = new AbortController();
  const { output, lines } = printed('text');
  const chosen = [hook('slow', server.url)];
  const telling = notifyTest({ fleet: 'dc1', chosen, world: testWorld(), stop: stop.signal }, output);
  await server.got(1);
  stop.abort();
  expect(await telling).toBe(130);
  expect(lines).toEqual(['notifier slow: error: stopped before it was told\n']);
});

test('notifiers are chosen by name; one that is not there, or none at all, is told', () => {
  const all = [hook('a', 'https://a.example'), hook('b', 'https://b.example')];
  expect(chooseNotifiers(all, []).map(({ name }) => name)).toEqual(['a', 'b']);
  expect(chooseNotifiers(all, ['b']).map(({ name }) => name)).toEqual(['b']);
  expect(() => chooseNotifiers(all, ['b', 'c'])).toThrow('there is no notifier "c"');
  expect(() => chooseNotifiers([], [])).toThrow('nobody is told of drift');
});
