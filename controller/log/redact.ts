/** Values to what may stand in a log: no key, no password, no private key, whatever field or sentence it comes in. Pure. */

import { Secret } from '../model/secret.js';

export type LogValue =
  null | boolean | number | string | readonly LogValue[] | { readonly [field: string]: LogValue | undefined };

const MASKED = '[masked]';
/** Of one value; what lies deeper is not shown. */
const DEEPEST = 8;

const SECRET_WORDS = new Set([
  'key',
  'keys',
  'psk',
  'psks',
  'secret',
  'secrets',
  'password',
  'passwords',
  'passwd',
  'passphrase',
  'passphrases',
  'nonce',
]);
/** `keyId`, `passwordEnv`: the name of a secret, where it is, how many there are. */
const ABOUT_WORDS = new Set([
  'id',
  'ids',
  'name',
  'names',
  'env',
  'file',
  'path',
  'store',
  'count',
  'bits',
  'kind',
  'fingerprint',
  'fingerprints',
]);
/** Fields that hold digests of what is no secret, or keyed ones. */
const DIGEST_FIELDS = new Set(['sha256', 'digest', 'fingerprint', 'fingerprints', 'agentdigest', 'expectspd']);
const A_DIGEST = /^(SHA256:[A-Za-z0-9+/=]+|[0-9a-fA-F]{1,64})$/;

const LONG_HEX = /[0-9a-f]{32,}/gi;
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g;
const AGE_IDENTITY = /AGE-SECRET-KEY-1[A-Z0-9]*/gi;

/** The fields of one event. */
export function redactFields(fields: Readonly<Record<string, unknown>>): Record<string, LogValue> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [redactText(name), redactField(name, value, 0)]),
  );
}

/** Hex runs of 32 digits or more, private keys and age identities masked. */
export function redactText(text: string): string {
  return text.replace(PRIVATE_KEY, MASKED).replace(AGE_IDENTITY, MASKED).replace(LONG_HEX, MASKED);
}

/** Whether a field of that name holds a secret: `psk`, `encrKey`, `auth_key`, but not `keyId` or `hostKeyFingerprint`. */
export function namesSecret(name: string): boolean {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  return words.some((word) => SECRET_WORDS.has(word)) && !ABOUT_WORDS.has(words.at(-1) ?? '');
}

function redactField(name: string, value: unknown, depth: number): LogValue {
  if (value === null || value === undefined || typeof value === 'boolean') return value ?? null;
  if (namesSecret(name)) return MASKED;
  if (typeof value === 'string' && DIGEST_FIELDS.has(name.toLowerCase()) && A_DIGEST.test(value)) return value;
  return redactValue(name, value, depth);
}

function redactValue(name: string, value: unknown, depth: number): LogValue {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'bigint') return redactText(value.toString());
  if (typeof value !== 'object' || value === null) return `[${typeof value}]`;
  if (value instanceof Secret) return '[secret]';
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? '[no date]' : value.toISOString();
  if (depth >= DEEPEST) return '[deeper]';
  if (value instanceof Error) return redactError(value, depth);
  if (Array.isArray(value)) return value.map((item: unknown) => redactField(name, item, depth + 1));
  const entries: Iterable<readonly [unknown, unknown]> = value instanceof Map ? value : Object.entries(value);
  if (value instanceof Set) return [...value].map((item: unknown) => redactField(name, item, depth + 1));
  const plain: Record<string, LogValue> = {};
  for (const [key, item] of entries) plain[redactText(String(key))] = redactField(String(key), item, depth + 1);
  return plain;
}

function redactError(error: Error, depth: number): LogValue {
  return {
    name: error.name,
    message: redactText(error.message),
    ...('code' in error ? { code: redactField('code', error.code, depth + 1) } : {}),
    ...(error.cause === undefined ? {} : { cause: redactField('cause', error.cause, depth + 1) }),
  };
}
