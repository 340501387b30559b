/** Output of the host's own tools, Solaris and GNU, to values: `ls -ln`, digest tools, `svcs`, and the agent's list of SAs. */

import { fileKind } from '../model/file-kind.js';
import type { ObservedFile, ObservedSa } from '../model/observation.js';
import type { ManagedPath } from '../model/managed-file.js';
import { printable } from './host-text.js';
import { ReplyError, digestValue, numberValue } from './reply-error.js';

/** The files whose absence is told too. */
export const MANAGED_PATHS: readonly ManagedPath[] = [
  '/etc/inet/ipsecinit.conf',
  '/etc/inet/secret/ipseckeys',
  '/etc/inet/ike/config',
  '/etc/inet/secret/ike.preshared',
];

/**
 * `-r--------+  1 0  3  1234 Nov 22 10:15 /path`: the character after the mode is `+` for an ACL, `@` for extended
 * attributes (illumos ls(1)) or `.` for a security context (GNU). The date is three words in every locale of theirs.
 */
const LS_LINE =
  /^([-bcdlpsD])([r-][w-][xsSlL-][r-][w-][xsSlL-][r-][w-][xtT-])[+@.]?\s+\d+\s+(\d+)\s+(\d+)\s+(?:\d+|\d+,\s*\d+)\s+\S+\s+\S+\s+\S+\s+(\/.*)$/;

const NOT_THERE = /No such file or directory/;

/** Files of one `ls -ln` with their digests; managed files that are in neither listing are `absent`. */
export function observedFiles(ls: readonly string[], digests: readonly string[]): readonly ObservedFile[] {
  const sums = parseDigests(digests);
  const files = new Map<string, ObservedFile>();
  for (const line of ls) {
    if (line === '' || line.startsWith('total ') || NOT_THERE.test(line)) continue;
    const [, type, mode, uid, gid, path] = LS_LINE.exec(line) ?? [];
    if (!type || !mode || !path) throw new ReplyError('a line of ls -ln', line);
    const arrow = type === 'l' ? path.indexOf(' -> ') : -1;
    const name = arrow === -1 ? path : path.slice(0, arrow);
    const sha256 = sums.get(name);
    files.set(name, {
      path: name,
      state: 'present',
      type: fileKind(type),
      ...(arrow === -1 ? {} : { linkTo: printable(path.slice(arrow + ' -> '.length)) }),
      mode: octalMode(mode),
      uid: numberValue(uid, line),
      gid: numberValue(gid, line),
      ...(sha256 === undefined ? {} : { sha256 }),
    });
  }
  for (const path of MANAGED_PATHS) if (!files.has(path)) files.set(path, { path, state: 'absent' });
  return [...files.values()];
}

/** `r--------` to `0400`; set-id and sticky bits count, and so does `l` (mandatory locking, Solaris) as set-gid. */
export function octalMode(text: string): string {
  let special = 0;
  let bits = 0;
  for (const [index, character] of [...text].entries()) {
    const place = 2 - (index % 3);
    if (/[rwxst]/.test(character)) bits |= 1 << ((2 - Math.floor(index / 3)) * 3 + place);
    if (/[sSlLtT]/.test(character)) special |= index === 2 ? 4 : index === 5 ? 2 : 1;
  }
  return `${special}${bits.toString(8).padStart(3, '0')}`;
}

/** `(path) = hex` of Solaris digest(1), with or without the algorithm before it, and `hex  path` of sha256sum. */
export function parseDigests(lines: readonly string[]): ReadonlyMap<string, string> {
  const sums = new Map<string, string>();
  for (const line of lines) {
    if (line === '') continue;
    const solaris = /^(?:sha256 )?\((\/.*)\) = (\S+)$/.exec(line);
    const gnu = /^(\S+) [ *](\/.*)$/.exec(line);
    const [path, sum] = solaris ? [solaris[1], solaris[2]] : [gnu?.[2], gnu?.[1]];
    if (path === undefined) throw new ReplyError('a digest and its file', line);
    sums.set(path, digestValue(sum, line));
  }
  return sums;
}

/** `svcs -H -o state,fmri`: short FMRI to state. A `*` after the state (in transition) is kept. */
export function parseServices(lines: readonly string[]): ReadonlyMap<string, string> {
  const services = new Map<string, string>();
  for (const line of lines) {
    // "svcs: Pattern 'network/ipsec/ike' doesn't match any instances": the service is not there.
    if (line === '' || line.startsWith('svcs: ')) continue;
    const [, state, fmri] = /^([a-z]+\*?)\s+(?:svc:\/)?([\w/.:,-]+)$/.exec(line.trim()) ?? [];
    if (!state || !fmri) throw new ReplyError('a line of svcs', line);
    services.set(shortFmri(fmri), state);
  }
  return services;
}

/** `svc:/network/ipsec/policy:default` as `network/ipsec/policy`. */
export function shortFmri(fmri: string): string {
  return fmri.replace(/^svc:\//, '').replace(/:default$/, '');
}

/** `esp 0x1001 10.0.0.2 encr=aes-cbc auth=hmac-sha256 key=same src=10.0.0.1`, and `missing esp 0x1002 10.0.0.1`, or a name that the host's table does not have. */
export function parseSad(lines: readonly string[]): readonly ObservedSa[] {
  return lines.filter((line) => line !== '').map(parseSa);
}

function parseSa(line: string): ObservedSa {
  const words = line.trim().split(/\s+/);
  const missing = words[0] === 'missing';
  const [type, spi, dst, ...rest] = missing ? words.slice(1) : words;
  if (
    !type ||
    !/^[a-z]+$/.test(type) ||
    !spi ||
    !/^0x[0-9a-f]{1,8}$/i.test(spi) ||
    !dst ||
    !(missing ? /^[\w.:-]+$/ : /^(?=.*[.:])[0-9a-fA-F.:]+$/).test(dst)
  ) {
    throw new ReplyError('an SA', line);
  }
  const said = new Map(
    rest.map((word): [string, string] => [word.split('=', 1)[0] ?? '', word.slice(word.indexOf('=') + 1)]),
  );
  return {
    type,
    spi: spi.toLowerCase(),
    dst,
    src: said.get('src'),
    encr: said.get('encr'),
    auth: said.get('auth'),
    key: missing ? 'missing' : keyState(said.get('key'), line),
  };
}

function keyState(word: string | undefined, line: string): ObservedSa['key'] {
  if (word === 'same' || word === 'differs' || word === 'unlisted') return word;
  throw new ReplyError('key=same, differs or unlisted', line);
}
