import { expect, test } from 'vitest';
import { policyOfLoaded } from '../../../controller/import/loaded-policy.js';
import { canonicalListing, predictLoad } from '../../../controller/policy/predict-load.js';

const loadedFrom = (text: string): readonly string[] => canonicalListing(predictLoad(text).rules);

test('what was loaded by hand becomes a file that loads the same, a line for both directions and families', () => {
  const loaded = loadedFrom(`{lport 22 ulp tcp dir both} bypass {}
{raddr 10.0.2.21} permit {encr_algs aes encr_auth_algs sha1}
{raddr fd00::1 dir both} ipsec {encr_algs aes(256) encr_auth_algs sha256} or pass {}
{tunnel ip.tun0 negotiate tunnel laddr 10.1.0.0/16 dir both} ipsec {encr_algs 3des encr_auth_algs md5}
`);
  const text = policyOfLoaded(loaded) ?? '';
  expect(loadedFrom(text)).toEqual(loaded);
  expect(text).toContain('\n{ ulp 6 lport 22 dir both } pass { }\n{ raddr 10.0.2.21/32 dir in } ipsec {');
});

test('nothing loaded is no policy', () => {
  expect(policyOfLoaded([])).toBeUndefined();
});
