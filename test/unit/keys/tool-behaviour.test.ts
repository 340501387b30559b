/** Small cases of ipseckey beyond the recorded ones; the reason beside each is what the program's source does. */

import { describe, expect, test } from 'vitest';
import { EMPTY_SAD, ipseckey, type Sad } from '../../../controller/lab/tools/ipseckey.js';
import { MemoryFiles } from '../lab/memory-files.js';
import { stockCall } from '../lab/stock-host.js';

const AES = 'encr_alg aes encrkey 069a55491fc3ec51e9e6ca0a730ba2c0';
const SHA1 = 'auth_alg sha1 authkey d93c0c021af2339e2c86b7ef8ffd960c9f670e81';

/** A host that keeps its SAs from one command to the next; times are those of one instant. */
function host(files: Readonly<Record<string, string>>) {
  const memory = new MemoryFiles();
  for (const [name, text] of Object.entries(files)) memory.put(`/root/${name}`, text);
  let state: Sad = EMPTY_SAD;
  return async (command: string) => {
    const reply = await ipseckey(stockCall(command.split(' '), memory), state);
    ({ state } = reply);
    return reply;
  };
}

function spisOf(saved: string): string[] {
  return [...saved.matchAll(/ spi (0x[0-9a-f]+) /g)].map(([, spi = '']) => spi);
}

describe('a dump tells what is left of an SA', () => {
  test('print_lifetimes: limits with their size in words, the rest and the time of expiration', async () => {
    const run = host({
      a: `add ah spi 9 src 10.0.0.2 dst 10.0.0.1 ${SHA1} hard_addtime 7200 hard_bytes 1572864 soft_usetime 60\n`,
    });
    await run('-f a');
    const { stdout } = await run('-n dump');
    expect(stdout.split('\n').filter((line) => /^[SHI]LT/.test(line))).toEqual([
      'SLT: Soft lifetime information:',
      'SLT: 0 bytes of lifetime, 0 allocations.',
      'SLT: 0 seconds of post-add lifetime.',
      'SLT: 60 seconds of post-use lifetime.',
      'HLT: Hard lifetime information:',
      'HLT: 1572864 bytes (1.50 MB) of lifetime, 0 allocations.',
      'HLT: 7200 seconds (2.00 hours) of post-add lifetime.',
      'HLT: 0 seconds of post-use lifetime.',
      'HLT: 1572864 bytes (1.50 MB) more can be protected.',
      'HLT: Hard expiration occurs in 7200 seconds (2.00 hours)',
      'HLT: Time of expiration: Sun Nov 22 14:00:00 2026.',
    ]);
  });

  test('print_lifetimes: idle limits come last, and a single unit has no plural', async () => {
    const run = host({ a: `add ah spi 9 src 10.0.0.2 dst 10.0.0.1 ${SHA1} idle_addtime 5400\n` });
    await run('-f a');
    const { stdout } = await run('-n dump');
    expect(stdout.split('\n').filter((line) => line.startsWith('ILT'))).toEqual([
      'ILT: Idle lifetime information:',
      'ILT: 5400 seconds (1.50 hour) of post-add lifetime.',
      'ILT: 0 seconds of post-use lifetime.',
    ]);
  });

  test('print_ident, print_address: identities by their type, protocols by their name', async () => {
    const ids = 'srcidtype mailbox a@b dstidtype 9 x proto 132';
    const run = host({ a: `add ah spi 9 src 10.0.0.2 dst 10.0.0.1 ${SHA1} ${ids} replay_value 7\n` });
    await run('-f a');
    const { stdout } = await run('dump');
    expect(stdout).toContain('SID: Source identity, uid=0, type user-FQDN (mbox)\nSID: a@b\n');
    expect(stdout).toContain('DID: Destination identity, uid=0, type <unknown 9>\nDID: x\n');
    expect(stdout).toContain('SRC: Source address (proto=132/sctp)\n');
    expect(stdout).toContain('RPL: Replay Value 7\n');
  });
});

describe('SAs in the kernel', () => {
  test('sadb_insertassoc: in a bucket those with a source come first, and each newest first', async () => {
    const sa = (spi: string, src: string): string => `add esp spi ${spi} ${src}dst 10.0.0.2 ${AES}\n`;
    const run = host({
      a: sa('1', 'src 10.0.0.1 ') + sa('2', '') + sa('3', 'src 10.0.0.1 ') + sa('4', '') + sa('5', 'src 10.0.0.1 '),
    });
    await run('-f a');
    expect(spisOf((await run('-n -s -')).stdout)).toEqual(['0x5', '0x3', '0x1', '0x4', '0x2']);
  });

  test('a new SA of the same type, SPI and destination is refused whatever its source', async () => {
    const run = host({
      a: `add esp spi 1 src 10.0.0.1 dst 10.0.0.2 ${AES}\nadd esp spi 1 src 10.0.0.7 dst 10.0.0.2 ${AES}\n`,
    });
    const { exit, stdout } = await run('-f a');
    expect({ exit, refused: stdout.includes('10.0.0.2 already exists.') }).toEqual({ exit: 1, refused: true });
  });

  test('an SA is not deleted under another source', async () => {
    const run = host({ a: `add esp spi 1 src 10.0.0.1 dst 10.0.0.2 ${AES}\n` });
    await run('-f a');
    expect((await run('delete esp spi 1 src 10.0.0.7 dst 10.0.0.2')).exit).toBe(1);
    expect((await run('delete esp spi 1 src 10.0.0.1 dst 10.0.0.2')).exit).toBe(0);
  });

  test('deleting one of a pair leaves the other without a mate; deleting a pair takes both', async () => {
    const one = `add esp spi 1 src 10.0.0.1 dst 10.0.0.2 ${AES}\n`;
    const other = `add esp spi 2 pair-spi 1 src 10.0.0.2 dst 10.0.0.1 ${AES}\n`;
    const half = host({ a: one + other });
    await half('-f a');
    expect((await half('-n dump')).stdout.match(/OTH: Paired with spi=0x\d/g)).toHaveLength(2);
    await half('delete esp spi 1 dst 10.0.0.2');
    expect((await half('-n dump')).stdout).not.toContain('OTH:');
    const both = host({ a: one + other });
    await both('-f a');
    await both('delete-pair esp spi 2 dst 10.0.0.1');
    expect(spisOf((await both('-n -s -')).stdout)).toEqual([]);
  });

  test('a file that is refused leaves the SAs of an earlier state value alone', async () => {
    const memory = new MemoryFiles().put('/root/a', `add esp spi 1 src 10.0.0.1 dst 10.0.0.2 ${AES}\n`);
    const { state } = await ipseckey(stockCall(['-f', 'a'], memory), EMPTY_SAD);
    expect([EMPTY_SAD.size, state.size]).toEqual([0, 1]);
    await ipseckey(stockCall(['flush'], memory), state);
    expect(state.size).toBe(1);
  });
});

describe('help', () => {
  test.each([
    ['help save', 'save\t    - Saves all SAs to a file\n'],
    ['help nosuch', 'nosuch: Unknown command\n'],
  ])('ipseckey %s', async (command, stdout) => {
    expect(await host({})(command)).toMatchObject({ exit: 0, stdout });
  });

  test('attributes stand three to a line', async () => {
    const { stdout } = await host({})('help attr');
    expect(stdout.split('\n').slice(0, 4)).toEqual([
      '',
      'SA attributes:',
      '',
      '    spi                pair-spi           replay         ',
    ]);
  });
});
