/** An IPv4 prefix length as a netmask in dotted form. */

/** `255.255.254.0` for 23; `undefined` for 0, which no tool takes as a mask, for a whole address, and for what is no length. */
export function dottedMask(length: number): string | undefined {
  if (!Number.isInteger(length) || length < 1 || length > 31) return undefined;
  const bits = (0xffffffff << (32 - length)) >>> 0;
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 0xff).join('.');
}
