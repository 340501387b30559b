/** Contents of managed files for the agent's tests, in the form the kernel lists rules in. */

export const RULE = {
  sshIn: '{ ulp 6 lport 22 dir in } pass { }',
  sshOut: '{ ulp 6 lport 22 dir out } pass { }',
  web: '{ ulp 6 lport 80 dir in } pass { }',
  esp: '{ dir out } ipsec { encr_algs aes-cbc(256) encr_auth_algs hmac-sha256(256) sa shared }',
} as const;

export const POLICY_A = `# generation A\n${RULE.sshIn}\n${RULE.sshOut}\n`;
export const POLICY_B = `# generation B\n${RULE.sshIn}\n${RULE.sshOut}\n${RULE.web}\n${RULE.esp}\n`;

/** 256 and 512 bits of a digit pair that can be searched for. */
export function sa(spi: string, dst: string, pair: string): string {
  return `add esp spi ${spi} src 10.0.0.1 dst ${dst} encr_alg aes auth_alg sha256 encrkey ${pair.repeat(32)} authkey ${pair.repeat(32)}\n`;
}

export const KEYS_A = sa('0x1001', '10.0.0.2', 'a1');
export const KEYS_B = sa('0x1002', '10.0.0.2', 'b2');
export const KEYS_AB = KEYS_A + KEYS_B;

export function ikeConfig(label: string): string {
  return [
    '# rules of this host',
    '{',
    `    label "${label}"`,
    '    local_addr 10.0.0.1',
    '    remote_addr 10.0.0.2',
    '    p1_xform { auth_method preshared oakley_group 14 auth_alg sha256 encr_alg aes }',
    '}',
    '',
  ].join('\n');
}

export function psk(pair: string): string {
  return `{ localidtype IP localid 10.0.0.1 remoteidtype IP remoteid 10.0.0.2 key ${pair.repeat(32)} }\n`;
}
