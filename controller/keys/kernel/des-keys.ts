/**
 * What illumos does to DES keys: parity corrected without a word, weak ones refused.
 * Source: illumos common/crypto/des/des_impl.c (keycheck, des23_keycheck).
 */

/**
 * Weak and semi-weak keys as the check meets them on x86: the key is compared in network order with a table
 * of little-endian words, so that most of the semi-weak entries name other keys than intended.
 */
const WEAK: ReadonlySet<string> = new Set([
  '0101010101010101',
  '1f1f1f1f0e0e0e0e',
  'e0e0e0e0f1f1f1f1',
  'fefefefefefefefe',
  '01fe01fe01fe01fe',
  'fe01fe01fe01fe01',
  'f10ef10ee01fe01f',
  '0ef10ef11fe01fe0',
  '01f101f101e001e0',
  'f101f101e001e001',
  '0efe0efe1ffe1ffe',
  'fe0efe0efe1ffe1f',
  '010e010e011f011f',
  '0e010e011f011f01',
  'f1fef1fee0fee0fe',
  'fef1fef1fee0fee0',
]);

/** Each byte with its lowest bit set so that the number of ones is odd. */
function withOddParity(key: Uint8Array): Uint8Array {
  return key.map((byte) => {
    let ones = 0;
    for (let bit = 1; bit < 8; bit++) ones += (byte >> bit) & 1;
    return (byte & 0xfe) | ((ones + 1) & 1);
  });
}

function isWeak(part: Uint8Array): boolean {
  return WEAK.has(Buffer.from(part).toString('hex'));
}

/** The key as the kernel keeps it, or `undefined` when it is refused as weak. 8 bytes for DES, 24 for 3DES. */
export function correctedDesKey(key: Uint8Array): Uint8Array | undefined {
  const parts = Array.from({ length: key.length / 8 }, (_, i) => withOddParity(key.slice(8 * i, 8 * i + 8)));
  const weak = parts.filter(isWeak).length;
  if (parts.length === 1) return weak === 0 ? parts[0] : undefined;
  if (weak > 1) return undefined;
  // A single weak part after the first is overwritten by the part before it, and so found equal.
  if (parts.slice(1).some(isWeak)) return undefined;
  const texts = parts.map((part) => Buffer.from(part).toString('hex'));
  if (texts.some((text, i) => i > 0 && text === texts[i - 1])) return undefined;
  return Buffer.concat(parts);
}
