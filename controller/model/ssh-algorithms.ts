/** SSH algorithms that are no longer safe, and are spoken with a host only where its inventory names them. */

/**
 * By their role in the key exchange (RFC 4253 §7.1), the one to prefer first. Group exchange is last: Node tests the host's
 * prime at each connection, which holds up all others for seconds.
 */
export const OLD_SSH_ALGORITHMS = {
  kex: ['diffie-hellman-group14-sha1', 'diffie-hellman-group1-sha1', 'diffie-hellman-group-exchange-sha1'],
  serverHostKey: ['ssh-rsa', 'ssh-dss'],
  cipher: ['aes256-cbc', 'aes192-cbc', 'aes128-cbc', '3des-cbc'],
  hmac: ['hmac-sha1-etm@openssh.com', 'hmac-sha1', 'hmac-sha1-96', 'hmac-md5', 'hmac-md5-96'],
} as const;

export const OLD_SSH_ALGORITHM_NAMES: readonly string[] = Object.values(OLD_SSH_ALGORITHMS).flat();
