/** A protection in words: `ESP aes-cbc(256) with hmac-sha256(256)`. */

import type { Protection, Transform } from '../model/policy.js';

export function protectionWords({ ah, esp, unique }: Protection): string {
  const words = [
    ...(ah === undefined ? [] : [`AH ${transformWords(ah)}`]),
    ...(esp === undefined
      ? []
      : [`ESP ${transformWords(esp.encr)}${esp.auth === undefined ? '' : ` with ${transformWords(esp.auth)}`}`]),
  ];
  return `${words.join(' and ')}${unique ? ', an SA for each flow' : ''}`;
}

/** Without a length where there is nothing to choose. */
function transformWords({ algorithm, minBits, maxBits }: Transform): string {
  if (maxBits === 0) return algorithm;
  return minBits === maxBits ? `${algorithm}(${minBits})` : `${algorithm}(${minBits}–${maxBits})`;
}
