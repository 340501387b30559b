/** Two whole generations of every managed file, unlike in each. */

import { KEYS_A, KEYS_AB, POLICY_A, POLICY_B, ikeConfig, psk } from './contents.js';
import { FILES } from './agent-host.js';

export const one = {
  [FILES.policy]: POLICY_A,
  [FILES.keys]: KEYS_A,
  [FILES.config]: ikeConfig('one'),
  [FILES.psk]: psk('c3'),
};

export const two = {
  [FILES.policy]: POLICY_B,
  [FILES.keys]: KEYS_AB,
  [FILES.config]: ikeConfig('two'),
  [FILES.psk]: psk('d4'),
};
