/** Host keys we trust: known_hosts lines and inventory lines to entries, and which of them speak of a host (sshd(8)). */

import { createHmac, createHash } from 'node:crypto';

export interface HostKeyEntry {
  /** `undefined` for a line of the inventory, which speaks of its host alone. */
  readonly hosts: string | undefined;
  readonly marker: 'revoked' | undefined;
  /** `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa` … */
  readonly type: string;
  /** The public key in wire form. */
  readonly blob: Buffer;
  /** `file:line`, or where else it is written. */
  readonly where: string;
}

export interface IgnoredLine {
  readonly where: string;
  readonly why: string;
}

export interface HostKeyList {
  readonly entries: readonly HostKeyEntry[];
  readonly ignored: readonly IgnoredLine[];
}

const KEY_TYPE = /^(ssh-(ed25519|rsa|dss)|ecdsa-sha2-nistp(256|384|521)|sk-[\w-]+@openssh\.com)$/;

/** Reads a known_hosts file. A line that cannot be used is told with its reason, and never makes the others useless. */
export function parseKnownHosts(text: string, file: string): HostKeyList {
  const entries: HostKeyEntry[] = [];
  const ignored: IgnoredLine[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const read = parseLine(line.trim(), `${file}:${index + 1}`);
    if ('why' in read) ignored.push(read);
    else entries.push(read);
  }
  return { entries, ignored };
}

/** Reads `hostKey:` of the inventory: `TYPE BASE64 [comment]`, or a whole line in known_hosts form. */
export function parseHostKeys(lines: readonly string[], where: string): HostKeyList {
  const entries: HostKeyEntry[] = [];
  const ignored: IgnoredLine[] = [];
  for (const line of lines) {
    const bare = KEY_TYPE.test(line.trim().split(/\s+/, 1)[0] ?? '');
    const read = parseLine(bare ? `* ${line.trim()}` : line.trim(), where);
    if ('why' in read) ignored.push(read);
    else entries.push(bare ? { ...read, hosts: undefined } : read);
  }
  return { entries, ignored };
}

function parseLine(line: string, where: string): HostKeyEntry | IgnoredLine {
  const words = line.split(/\s+/);
  const marker = words[0]?.startsWith('@') ? words.shift() : undefined;
  if (marker === '@cert-authority')
    return { where, why: 'host certificates are not checked yet; give the host key itself' };
  if (marker !== undefined && marker !== '@revoked') return { where, why: `unknown marker ${marker}` };
  const [hosts, type, base64] = words;
  if (!hosts || !type || !base64) return { where, why: 'not `HOSTS TYPE KEY`' };
  const blob = Buffer.from(base64, 'base64');
  if (!KEY_TYPE.test(type) || keyType(blob) !== type) return { where, why: `the key is not one of type ${type}` };
  return { hosts, marker: marker === undefined ? undefined : 'revoked', type, blob, where };
}

/** The type a key in wire form says it is (RFC 4253 §6.6), or `''`. */
export function keyType(blob: Buffer): string {
  if (blob.length < 4) return '';
  const length = blob.readUInt32BE(0);
  return length > 64 || blob.length < 4 + length ? '' : blob.toString('latin1', 4, 4 + length);
}

/** `SHA256:` and base64 without padding, as ssh-keygen -l prints it. */
export function keyFingerprint(blob: Buffer): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}

/** The name known_hosts has for a host: `name`, or `[name]:port` off port 22. Lower case, as ssh(1) looks it up. */
export function knownHostsName(host: string, port: number): string {
  const name = host.toLowerCase();
  return port === 22 ? name : `[${name}]:${port}`;
}

/** Whether an entry speaks of that name: any pattern matches and no negated one does. */
export function speaksOf(entry: HostKeyEntry, name: string): boolean {
  const { hosts } = entry;
  if (hosts === undefined) return true;
  if (hosts.startsWith('|')) return hashedMatch(hosts, name);
  return matchesPatterns(hosts.split(','), name);
}

/** A pattern list of ssh_config(5): any pattern matches, and none with `!` before it does. Letter case means nothing. */
export function matchesPatterns(patterns: readonly string[], text: string): boolean {
  const name = text.toLowerCase();
  let matched = false;
  for (const pattern of patterns) {
    const negated = pattern.startsWith('!');
    if (!globMatch(negated ? pattern.slice(1) : pattern, name)) continue;
    if (negated) return false;
    matched = true;
  }
  return matched;
}

/** `|1|SALT|HASH`: HMAC-SHA1 of the name under the salt (openssh hostfile.c, host_hash). */
function hashedMatch(hosts: string, name: string): boolean {
  const [, scheme, salt, hash] = hosts.split('|');
  if (scheme !== '1' || !salt || !hash) return false;
  return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash;
}

/** `*` and `?` only; brackets stand for themselves. Linear in the pattern's stars: no pattern makes it slow. */
function globMatch(pattern: string, name: string): boolean {
  const wanted = pattern.toLowerCase();
  let at = 0;
  let star = -1;
  let retry = 0;
  let i = 0;
  while (i < name.length) {
    if (at < wanted.length && wanted[at] === '*') {
      star = at;
      at += 1;
      retry = i;
    } else if (at < wanted.length && (wanted[at] === '?' || wanted[at] === name[i])) {
      at += 1;
      i += 1;
    } else if (star !== -1) {
      at = star + 1;
      retry += 1;
      i = retry;
    } else {
      return false;
    }
  }
  while (wanted[at] === '*') at += 1;
  return at === wanted.length;
}
