/** New ed25519 key pairs in the text forms that OpenSSH writes (PROTOCOL.key in openssh-portable). */

import { generateKeyPairSync, randomBytes } from 'node:crypto';

export interface SshKeyPair {
  /** `-----BEGIN OPENSSH PRIVATE KEY-----` …, without a passphrase. */
  readonly privateKey: string;
  /** `ssh-ed25519 AAAA…`, as in known_hosts and authorized_keys. */
  readonly publicLine: string;
}

export function generateSshKey(comment: string): SshKeyPair {
  const jwk = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  const seed = Buffer.from(jwk.d ?? '', 'base64url');
  const point = Buffer.from(jwk.x ?? '', 'base64url');
  const publicBlob = Buffer.concat([text('ssh-ed25519'), sized(point)]);
  const check = randomBytes(4);
  const body = Buffer.concat([check, check, publicBlob, sized(Buffer.concat([seed, point])), text(comment)]);
  const padding = Buffer.from(Array.from({ length: (8 - (body.length % 8)) % 8 }, (_, index) => index + 1));
  const whole = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    text('none'),
    text('none'),
    text(''),
    uint32(1),
    sized(publicBlob),
    sized(Buffer.concat([body, padding])),
  ]);
  const lines = whole.toString('base64').replace(/.{1,70}/g, '$&\n');
  return {
    privateKey: `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}-----END OPENSSH PRIVATE KEY-----\n`,
    publicLine: `ssh-ed25519 ${publicBlob.toString('base64')}`,
  };
}

function uint32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(value);
  return buffer;
}

function sized(bytes: Buffer): Buffer {
  return Buffer.concat([uint32(bytes.length), bytes]);
}

function text(value: string): Buffer {
  return sized(Buffer.from(value));
}

/** Reads back the text that `generateSshKey` made. */
export function readSshKey(privateKey: string): SshKeyPair {
  const bytes = Buffer.from(privateKey.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  // Magic, cipher, key derivation and its options, number of keys: always of the same length here.
  const start = 'openssh-key-v1\0'.length + 2 * (4 + 'none'.length) + 4 + 4;
  const publicBlob = bytes.subarray(start + 4, start + 4 + bytes.readUInt32BE(start));
  return { privateKey, publicLine: `ssh-ed25519 ${publicBlob.toString('base64')}` };
}
