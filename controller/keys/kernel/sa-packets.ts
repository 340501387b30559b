/** SAs of the kernel as the evaluator takes them: what packets may go out by, and how those that came in by them are protected. */

import type { Arrival, OutboundSa, SaBinding } from '../../model/packet.js';
import { SA_TYPE, type SecurityAssociation } from '../../model/sa.js';
import { algorithmNumbered } from '../../policy/algorithms.js';

/** `undefined`: in tunnel mode, or of an algorithm that nobody knows. */
export function outboundSa(sa: SecurityAssociation, used = sa.used): OutboundSa | undefined {
  if (sa.inner !== undefined || sa.dead || !sa.outbound) return undefined;
  const auth = algorithmNumbered('auth', sa.auth)?.name;
  const authBits = sa.authKey?.bits ?? 0;
  const { src, dst, protocol } = sa;
  const common = {
    ...(src.address.value !== 0n && { source: src.address }),
    destination: dst.address,
    used,
    ...((src.port !== 0 || dst.port !== 0 || protocol !== 0) && {
      binding: { localPort: src.port, remotePort: dst.port, protocol },
    }),
  };
  if (sa.type === SA_TYPE.ah) return auth === undefined ? undefined : { ...common, ah: { auth, bits: authBits } };
  const encr = algorithmNumbered('encr', sa.encr)?.name;
  if (encr === undefined) return undefined;
  return { ...common, esp: { encr, bits: sa.encrKey?.bits ?? 0, ...(auth !== undefined && { auth, authBits }) } };
}

/** Of a packet that was opened with these SAs. */
export function arrivalOf(sas: readonly SecurityAssociation[]): Arrival {
  if (sas.length === 0) return { kind: 'clear' };
  const esp = sas.find(({ type }) => type === SA_TYPE.esp);
  const ah = sas.find(({ type }) => type === SA_TYPE.ah);
  const encr = esp && algorithmNumbered('encr', esp.encr)?.name;
  const espAuth = esp && algorithmNumbered('auth', esp.auth)?.name;
  const ahAuth = ah && algorithmNumbered('auth', ah.auth)?.name;
  const binding = sas.map(bindingOf).find((one) => one !== undefined);
  return {
    kind: 'protected',
    ...(encr !== undefined && { esp: { encr, ...(espAuth !== undefined && { auth: espAuth }) } }),
    ...(ahAuth !== undefined && { ah: ahAuth }),
    ...(binding && { binding }),
  };
}

function bindingOf({ src, dst, protocol }: SecurityAssociation): SaBinding | undefined {
  if (src.port === 0 && dst.port === 0 && protocol === 0) return undefined;
  return { localPort: dst.port, remotePort: src.port, protocol };
}

/** Whether what one seals the other opens: the same algorithms and keys. Names and directions are not looked at. */
export function opens(a: SecurityAssociation, b: SecurityAssociation): boolean {
  const same = (one: SecurityAssociation['authKey'], other: SecurityAssociation['authKey']): boolean =>
    one === undefined || other === undefined ? one === other : one.secret.equals(other.secret);
  const salted = a.salt === undefined || b.salt === undefined ? a.salt === b.salt : a.salt.equals(b.salt);
  return a.auth === b.auth && a.encr === b.encr && same(a.authKey, b.authKey) && same(a.encrKey, b.encrKey) && salted;
}
