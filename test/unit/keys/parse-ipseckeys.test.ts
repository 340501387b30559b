import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseIpseckeys, type KeyFile } from '../../../controller/keys/parse-ipseckeys.js';
import { parseAddress } from '../../../controller/model/address.js';

const KEY = '069a55491fc3ec51e9e6ca0a730ba2c0';
const AUTH = 'd93c0c021af2339e2c86b7ef8ffd960c9f670e81';
const ADD = `add esp spi 0x1001 src 10.0.0.1 dst 10.0.0.2 encr_alg aes auth_alg sha1 encrkey ${KEY} authkey ${AUTH}`;

function parse(text: string): KeyFile {
  return parseIpseckeys(text, 'keys', (word, v6only) => {
    const address = parseAddress(word);
    return address === undefined || (v6only && address.family === 4) ? undefined : [address];
  });
}

function problemsOf(text: string): string[] {
  return parse(text).problems.map(({ severity, at, code }) => `${severity} ${at?.line}:${at?.column} ${code}`);
}

test('an SA is read whole, its keys closed', () => {
  const [command] = parse(`${ADD}\n`).commands;
  if (command?.command.kind !== 'request') throw new Error('no request');
  const { message, src, dst } = command.command.request;
  expect(message).toMatchObject({ type: 3, spi: 0x1001, auth: 3, encr: 12, state: 'mature' });
  expect([src?.name, dst.name]).toEqual(['10.0.0.1', '10.0.0.2']);
  expect(message.encrKey?.secret.revealHex()).toBe(KEY);
  expect(
    JSON.stringify(parse(`${ADD}\n`).commands, (_, value: unknown) => (typeof value === 'bigint' ? 0 : value)),
  ).not.toContain(KEY);
});

test.each([
  ['a comment and a blank line are no commands', '# add\n\n', []],
  ['a hash later in a line is a word', `${ADD} # note\n`, ['error 1:', 'error 1:']],
  [
    'a command goes on over a backslash, and a blank line ends it',
    'add \\\n\nesp\n',
    ['KEYS_TYPE_NEEDED', 'error 3:1 KEYS_UNKNOWN_COMMAND'],
  ],
  ['one that ends in a backslash is dropped', `${ADD} \\\n`, ['error 1:1 KEYS_COMMAND_DROPPED']],
  ['nothing after quit is read', `quit\nnonsense\n`, []],
  ['an unknown algorithm alone is a warning', ADD.replace('sha1', 'sha9'), ['warning 1:']],
  ['SPI 0 is an error', ADD.replace('0x1001', '0'), ['error 1:9 KEYS_SPI_ZERO']],
  ['too long a line stops reading', `${ADD}${' '.repeat(4100)}\n${ADD}\n`, ['error 1:1 KEYS_LINE_TOO_BIG']],
  ['a direction before the SPI kills the tool', 'add esp inbound spi 1\n', ['error 1:1 KEYS_TOOL_DIES']],
  ['help is not for files', 'help\n', ['error 1:1 KEYS_NOT_IN_FILE']],
])('%s', (_, text, expected) => {
  const problems = problemsOf(text);
  expect(problems).toHaveLength(expected.length);
  for (const [i, part] of expected.entries()) expect(problems[i]).toContain(part);
});

test('a problem points at its word', () => {
  expect(problemsOf(`\n${ADD} hard_bytes 1h\n`)).toEqual([`error 2:${ADD.length + 2} KEYS_NOT_A_NUMBER`]);
  expect(problemsOf(`add esp \\\n  spi 1 \\\n  bogus 2\n`)[0]).toBe('error 3:3 KEYS_UNKNOWN_EXTENSION');
});

test('no problem repeats a word of the file', () => {
  const cases = readFileSync(new URL('../../fixtures/corpus/keys.jsonl', import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line): { id: string; input: string } => JSON.parse(line));
  for (const { id, input } of cases) {
    const words = input.match(/[0-9a-fA-F]{8,}/g) ?? [];
    const said = parse(input)
      .problems.map(({ what, todo, code }) => `${code} ${what} ${todo}`)
      .join('\n');
    expect({ id, leaked: words.filter((word) => said.includes(word)) }).toEqual({ id, leaked: [] });
  }
});
