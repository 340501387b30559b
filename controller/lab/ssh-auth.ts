/** Decides who may log in to a lab host: by key, and where a test asks for it by password or keyboard-interactive. */

import { timingSafeEqual } from 'node:crypto';
import ssh2, { type AuthContext, type AuthenticationType, type ParsedKey } from 'ssh2';
import type { SshFaults } from './ssh-faults.js';

export interface SshCredentials {
  /** `ssh-ed25519 AAAA…` lines. */
  readonly authorizedKeys: readonly string[];
  readonly password?: string;
  /** Answer to the one question of keyboard-interactive. */
  readonly answer?: string;
}

export function authenticator(credentials: SshCredentials, faults: SshFaults): (context: AuthContext) => void {
  const keys = credentials.authorizedKeys.map(readPublicKey);
  const methods: AuthenticationType[] = ['publickey'];
  if (credentials.password !== undefined) methods.push('password');
  if (credentials.answer !== undefined) methods.push('keyboard-interactive');
  return (context) => {
    if (faults.refuseAuth === true) return context.reject(methods);
    switch (context.method) {
      case 'publickey': {
        const { key, blob, signature, hashAlgo } = context;
        const known = keys.find(
          (candidate) => candidate.type === key.algo && sameBytes(candidate.getPublicSSH(), key.data),
        );
        if (known === undefined) return context.reject(methods);
        if (blob === undefined || signature === undefined) return context.accept();
        return known.verify(blob, signature, hashAlgo) === true ? context.accept() : context.reject(methods);
      }
      case 'password':
        return equals(context.password, credentials.password) ? context.accept() : context.reject(methods);
      case 'keyboard-interactive':
        if (credentials.answer === undefined) return context.reject(methods);
        return context.prompt([{ prompt: 'Password: ', echo: false }], (answers) =>
          equals(answers[0], credentials.answer) ? context.accept() : context.reject(methods),
        );
      default:
        return context.reject(methods);
    }
  };
}

function readPublicKey(line: string): ParsedKey {
  const key = ssh2.utils.parseKey(line);
  if (key instanceof Error) throw key;
  return key;
}

function equals(given: string | undefined, wanted: string | undefined): boolean {
  return given !== undefined && wanted !== undefined && sameBytes(Buffer.from(given), Buffer.from(wanted));
}

function sameBytes(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
