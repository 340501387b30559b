import { expect, test } from 'vitest';

import { misplacedKey } from '../../../controller/keys/misplaced-keys.js';

const KEY = '5ec0de5ec0de5ec0de5ec0de5ec0de5e';

test.each([
  ['an SA', `add esp spi 1 encrkey ${KEY}\n`, '1:1'],
  ['an SA behind a byte order mark', `\uFEFFadd ah spi 1\n`, '1:1'],
  ['an SA among rules', `{ lport 22 dir both } pass {}\n  add esp spi 1\n`, '2:1'],
  ['a line that goes on', `spi 1 \\\n encrkey ${KEY}\n`, '2:2'],
  ['a preshared key', `{ localidtype IP localid 10.0.0.1 remoteid 10.0.0.2 key ${KEY} }\n`, '1:53'],
  ['a preshared key on lines of its own', `{\n localidtype IP\n key ${KEY}\n}\n`, '2:2'],
])('%s is told from a policy', (_what, text, at) => {
  const found = misplacedKey(text, 'f');
  expect(`${found?.line}:${found?.column}`).toBe(at);
});

test.each([
  ['rules', '{ lport 22 dir both } pass {}\n{} ipsec { encr_algs aes encr_auth_algs sha256 }\n'],
  ['a comment about keys', '# add esp spi 1 encrkey abcdef\n{ dir both } drop {}\n'],
  ['an IKE rule', '{ label "the key back" local_id_type ip local_addr 10.0.0.1 remote_addr 10.0.0.2 }\n'],
  ['algorithms', 'ALG|3|12|AES_CBC|CKM_AES_CBC|aes\n'],
])('%s are no keys', (_what, text) => {
  expect(misplacedKey(text, 'f')).toBeUndefined();
});
