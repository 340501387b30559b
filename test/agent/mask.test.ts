/** Files of keys that were made by hand, in every way we could think of: no part of a key comes out of `read`. */

import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { agentFolder } from '../../controller/cli/package-files.js';

const AWKS = [['mawk'], ['busybox', 'awk'], ['gawk', '--posix'], ['original-awk']];
const folder = fs.mkdtempSync(join(tmpdir(), 'agent-mask-'));
afterAll(() => fs.rmSync(folder, { recursive: true }));

const SA = 'add esp spi 0x101 dst 10.0.0.2 encr_alg aes';
const SA_LINES = [
  `${SA} ENCRKEY 5ec0de0001/40`,
  `${SA} encrkey 5ec0de02\\`,
  '5ec0de03 authkey \\',
  ' 5ec0de04',
  `${SA} encrkey 0x5EC0DE05/32 authkey "5ec0de 06"`,
  `${SA} encrkey`,
  '5ec0de07',
  `${SA} authkey\t5ec0de08;`,
  `${SA} encrkey \\`,
  '',
  '5ec0de09',
  `${SA} encrkey=5ec0de10 authkey:5ec0:de11`,
  `# ${SA} encrkey 5ec0de0012`,
  '  # authkey 5ec0de13',
  `${SA} encrkey 5ec0de14\r`,
  `${SA} encrkey \\\r`,
  '5ec0de15\r',
  `${SA} enckey 5ec0de5ec0de16`,
];
const PSK_LINES = [
  '{ localid 10.0.0.1 remoteid 10.0.0.2 key 5ec0de01 }',
  '{ localid 10.0.0.1',
  '  KEY 5ec0de02',
  '}',
  '{localid 10.0.0.1 key',
  '5ec0de03}',
  '# key 5ec0de04',
  '{ key\t"a word 5ec0de05" }',
  '{ key 5ec0de06}',
  '{ key "5ec0de07',
  '5ec0de08',
  '5ec0de09" }',
  '{ localid 10.0.0.1 key=5ec0de10 }',
  '# the keys of this host: see the handbook',
];

describe.each(AWKS)('with %s', (program, ...args) => {
  const there = spawnSync(program, [...args, 'BEGIN { exit 0 }']).status === 0;
  if (!there) console.log(`masking with ${program} skipped: it is not on this machine`);
  it.skipIf(!there).each([
    ['ipseckeys', SA_LINES],
    ['ike.preshared', PSK_LINES],
  ])('%s is shown without a part of a key, and the rest is left', (name, lines) => {
    const path = join(folder, name);
    fs.writeFileSync(path, `${lines.join('\n')}\n`);
    const awk = join(agentFolder, 'lib', 'ipsec.awk');
    const run = spawnSync(program, [...args, '-v', 'job=mask', '-v', `name=${name}`, '-v', `path=${path}`, '-f', awk], {
      encoding: 'utf8',
    });
    expect(run.stderr).toBe('');
    expect(run.stdout).not.toMatch(/5ec0|de\d\d|\b0[2-9]"/i);
    expect(run.stdout.split('\n')).toHaveLength(lines.length + 1);
    const kept = lines.filter((line) => !/5ec0|key/i.test(line) || line.includes('handbook'));
    for (const line of kept) expect(run.stdout.split('\n')).toContain(line);
    expect(run.stdout).toContain('10.0.0.2');
  });
});
