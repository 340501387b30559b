/** What the ipsecconf(8) command prints whatever the policy: usage, warnings, advice. */

export const USAGE = [
  'Usage:\tipsecconf',
  '\tipsecconf -a ([-]|<filename>) [-q]',
  '\tipsecconf -c <filename>',
  '\tipsecconf -r ([-]|<filename>) [-q]',
  '\tipsecconf -d [-i tunnel-interface] <index>',
  '\tipsecconf -d <tunnel-interface,index>',
  '\tipsecconf -l [-n] [-i tunnel-interface]',
  '\tipsecconf -f [-i tunnel-interface]',
  '\tipsecconf -L [-n]',
  '\tipsecconf -F',
  '',
].join('\n');

export const SERVICE_WARNING = [
  '',
  '\tIPsec policy should be managed using smf(5). Modifying',
  "\tthe IPsec policy from the command line while the 'policy'",
  '\tservice is enabled could result in an inconsistent',
  '\tsecurity policy.',
  '',
  '',
].join('\n');

export const ADD_WARNING = [
  '\tWARNING : New policy entries that are being added may',
  ' \taffect the existing connections. Existing connections',
  '\tthat are not subjected to policy constraints, may be',
  '\tsubjected to policy constraints because of the new',
  '\tpolicy. This can disrupt the communication of the',
  '\texisting connections.',
  '',
  '',
].join('\n');

export const REMOVE_WARNING = [
  '\tWARNING: Policy entries that are being removed may',
  '\taffect the existing connections.  Existing connections',
  '\tthat are subjected to policy constraints may no longer',
  '\tbe subjected to policy contraints because of its',
  '\tremoval.  This can compromise security, and disrupt',
  '\tthe communication of the existing connection.',
  '\tConnections that are latched will remain unaffected',
  '\tuntil they close.',
  '',
].join('\n');

export const CHECKED = 'IPsec configuration does not contain any errors.\nIPsec policy was not modified.\n';

export const RECONFIGURE = '\tipsecconf -f \n \tipsecconf -a policy_file\n';
