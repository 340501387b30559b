/** SSH host keys as an inventory may hold them: a public key, or a known_hosts line. */

const KEY_TYPE = /^(ssh-(ed25519|rsa|dss)|ecdsa-sha2-nistp\d+|sk-[\w.@-]+)$/;

/** Whether `text` is `type base64 [comment]`, alone or after the host field of a known_hosts line. */
export function isHostKey(text: string): boolean {
  const fields = text.split(/[ \t]+/);
  const start = KEY_TYPE.test(fields[0] ?? '') ? 0 : 1;
  const [type = '', body = ''] = fields.slice(start);
  if (/[\r\n]/.test(text)) return false;
  return KEY_TYPE.test(type) && /^[A-Za-z0-9+/]+={0,2}$/.test(body) && innerType(body) === type;
}

/** The type that the key itself begins with, as a length and a string (RFC 4253 §6.6). */
function innerType(base64: string): string {
  const bytes = Buffer.from(base64, 'base64');
  return bytes.length < 4 ? '' : bytes.subarray(4, 4 + bytes.readUInt32BE(0)).toString('latin1');
}
