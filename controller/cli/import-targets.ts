/** The words of `import HOST…` to hosts that can be connected to. */

import { OperatorError } from '../errors.js';
import { isName } from '../import/inventory-names.js';
import type { Host, Privilege, SshAuth } from '../model/host.js';

export interface TargetWords {
  readonly hosts: readonly string[];
  readonly user: string | undefined;
  readonly port: number;
  readonly privilege: Privilege;
  readonly identity: readonly string[];
  readonly passwordEnv: string | undefined;
  /** `name=TYPE BASE64`, or `TYPE BASE64` where there is one host. */
  readonly hostKeys: readonly string[];
  readonly knownHosts: readonly string[];
}

export interface Targets {
  readonly hosts: readonly Host[];
  /** Those whose names were given; others are asked for theirs. */
  readonly named: ReadonlySet<string>;
}

interface Target {
  readonly name: string | undefined;
  readonly user: string | undefined;
  readonly address: string;
  readonly port: number | undefined;
}

/** `[name=][user@]address[:port]`; an IPv6 address with a port stands in brackets. @throws OperatorError IMPORT_TARGET, IMPORT_USER, IMPORT_HOST_KEY */
export function readTargets(words: TargetWords): Targets {
  const targets = words.hosts.map(readTarget);
  const keys = readHostKeys(words.hostKeys, targets);
  const seen = new Set<string>();
  const hosts = targets.map((target): Host => {
    const name = target.name ?? target.address;
    const user = target.user ?? words.user;
    if (seen.size === seen.add(name).size) {
      throw new OperatorError('IMPORT_TARGET', {
        what: `"${name}" is named twice`,
        where: 'import',
        todo: 'name each host once',
      });
    }
    if (user === undefined) {
      throw new OperatorError('IMPORT_USER', {
        what: `no user is given to log in to ${name} as`,
        where: 'import',
        todo: 'write USER@HOST, or --user for all',
      });
    }
    return {
      name,
      addresses: [],
      groups: [],
      platform: 'auto',
      ssh: {
        host: target.address,
        port: target.port ?? words.port,
        user,
        privilege: words.privilege,
        auth: authOf(words),
        connectTimeoutSeconds: 10,
        replyTimeoutSeconds: 60,
        hostKeys: keys.get(name) ?? [],
        knownHosts: words.knownHosts,
        // as `ssh HOST` would find it, but for what was said
        config: {
          file: '~/.ssh/config',
          isNamed: false,
          open: [
            'host',
            'port',
            'connectTimeoutSeconds',
            'proxyJump',
            ...(words.identity.length === 0 && words.passwordEnv === undefined ? (['auth'] as const) : []),
          ],
        },
      },
      template: '',
      vars: {},
      at: { file: 'import', line: 1, column: 1 },
    };
  });
  return {
    hosts,
    named: new Set(targets.flatMap(({ name, address }) => name ?? (isHostName(address) ? address : []))),
  };
}

function authOf({ identity, passwordEnv }: TargetWords): readonly SshAuth[] {
  const keys = identity.map((file): SshAuth => ({ kind: 'key', file }));
  const password: readonly SshAuth[] = passwordEnv === undefined ? [] : [{ kind: 'password', passwordEnv }];
  return keys.length + password.length === 0 ? [{ kind: 'agent' }] : [...keys, ...password];
}

/** A name and not an address: good enough to be called by. */
function isHostName(text: string): boolean {
  return isName(text) && !/^[\d.]+$/.test(text);
}

function readTarget(word: string): Target {
  const match =
    /^(?:([^=@]+)=)?(?:([^@]+)@)?(?:\[([0-9a-fA-F:.]+)\]|([^:@[\]]+)|([0-9a-fA-F]*:[0-9a-fA-F:.]+))(?::(\d{1,5}))?$/.exec(
      word,
    );
  const [, name, user, bracketed, plain, bare, digits] = match ?? [];
  const address = bracketed ?? plain ?? bare;
  const port = digits === undefined ? undefined : Number(digits);
  const isSound =
    address !== undefined &&
    /^[A-Za-z0-9:][A-Za-z0-9.:_-]*$/.test(address) &&
    (name === undefined || isName(name)) &&
    (user === undefined || /^[A-Za-z0-9_][A-Za-z0-9_.+-]*$/.test(user)) &&
    (port === undefined || (port > 0 && port < 65_536));
  if (isSound) return { name, user, address, port };
  throw new OperatorError('IMPORT_TARGET', {
    what: `"${word}" is no host to import`,
    where: 'import',
    todo: 'write [name=][user@]address[:port], such as web1=root@10.0.1.11; an IPv6 address with a port in brackets',
  });
}

function readHostKeys(texts: readonly string[], targets: readonly Target[]): ReadonlyMap<string, readonly string[]> {
  const names = new Set(targets.map(({ name, address }) => name ?? address));
  const keys = new Map<string, readonly string[]>();
  for (const text of texts) {
    const [, given, key = text] = /^([^=\s]+)=((?:ssh|ecdsa|sk)-.*)$/.exec(text) ?? [];
    const [only, ...others] = names;
    const name = given ?? (others.length === 0 ? only : undefined);
    if (name === undefined || !names.has(name) || !/^(ssh|ecdsa|sk)-\S+ [A-Za-z0-9+/]+={0,2}( .*)?$/.test(key)) {
      throw new OperatorError('IMPORT_HOST_KEY', {
        what:
          name === undefined
            ? 'a host key is given without its host'
            : `the host key for ${name} is none, or there is no such host`,
        where: '--host-key',
        todo: "write --host-key 'NAME=ssh-ed25519 AAAA…', NAME as the host is named here",
      });
    }
    keys.set(name, [...(keys.get(name) ?? []), key.trim()]);
  }
  return keys;
}
