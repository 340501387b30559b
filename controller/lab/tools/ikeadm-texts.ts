/** What ikeadm(1M) prints. Owns the layouts, which follow illumos ikeadm.c. */

import { formatAddress, formatPrefix } from '../../model/address.js';
import {
  IKE_DEFAULTS,
  type IkeAddresses,
  type IkeIdentity,
  type IkeRule,
  type IkeTransform,
  type PresharedKey,
} from '../../model/ike.js';
import type { PhaseOne, PhaseOneCounts } from '../phase-one.js';
import type { IkeDaemon } from './in-iked.js';

export function statsText(
  { pid }: IkeDaemon,
  up: readonly PhaseOne[],
  counts: PhaseOneCounts,
  believed: number,
): string {
  const row = (name: string, initiator: number, responder: number): string =>
    `${name.padEnd(10)} initiator: ${String(initiator).padStart(5)}   responder: ${String(responder).padStart(5)}`;
  const begun = up.filter(({ isInitiator }) => isInitiator).length;
  const { initiated, answered, failed } = counts;
  return [
    'Phase 1 SA counts:',
    row('Current:', begun, up.length - begun),
    row('Total:', initiated + believed, answered),
    row('Attempted:', initiated + failed + believed, answered),
    row('Failed:', failed, 0),
    '           initiator fails include 0 time-out(s)',
    `PKCS#11 library linked in from /usr/lib/libpkcs11.so`,
    `Process id ${pid}`,
    '',
  ].join('\n');
}

/** Layout of illumos ikeadm.c print_p1(), without what takes an exchange to know. */
export function phaseOneText({ local, remote, isInitiator, cookies }: PhaseOne): string {
  const family = local.family === 4 ? 'AF_INET' : 'AF_INET6';
  return [
    '',
    `IKESA: Cookies: Initiator 0x${cookies[0]}  Responder 0x${cookies[1]}`,
    `IKESA: The local host is the ${isInitiator ? 'initiator' : 'responder'}.`,
    'IKESA: ISAKMP version 1.0; identity protect mode',
    'IKESA: Current state is MATURE',
    'LOCIP: Address',
    `LOCIP: ${family}: port 500, ${formatAddress(local)}.`,
    'REMIP: Address',
    `REMIP: ${family}: port 500, ${formatAddress(remote)}.`,
    '',
  ].join('\n');
}

export function defaultsText({ config }: IkeDaemon): string {
  const defaults: readonly (readonly [string, string])[] = [
    ['p1_lifetime_secs', String(IKE_DEFAULTS.phaseOneSeconds)],
    ['p2_lifetime_secs', String(IKE_DEFAULTS.phaseTwoSeconds)],
    ['p2_pfs', '0'],
    ['expire_timer', '300'],
    ['retry_limit', '5'],
    ['retry_timer_init', '0.5'],
    ['retry_timer_max', '30'],
  ];
  const heading = `${'Token:'.padEnd(20)}${'Source:'.padEnd(10)}Value:\n`;
  const rows = defaults.map(([name, value]) => {
    const set = config.globals.get(name);
    return `${name.padEnd(20)}${(set === undefined ? 'default' : 'config').padEnd(10)}${String(set ?? value)}\n`;
  });
  return heading + rows.join('');
}

function rangeText(addresses: IkeAddresses): string {
  return addresses.kind === 'prefix'
    ? formatPrefix(addresses.prefix)
    : `${formatAddress(addresses.from)} - ${formatAddress(addresses.to)}`;
}

export function ruleText(rule: IkeRule, { config }: IkeDaemon): string {
  const pfs = rule.p2Pfs ?? 0;
  const transforms = rule.transforms.length > 0 ? rule.transforms : config.transforms;
  const cookie = config.rules.indexOf(rule) + 1;
  const lines = [
    '',
    `GLOBL: Label '${rule.label}', key manager cookie ${cookie}`,
    `GLOBL: local_idtype=${rule.localIdType ?? 'IPv4 address'}, ike_mode=main`,
    `GLOBL: p1_nonce_len=0, p2_nonce_len=0, p2_pfs=${pfs === 0 ? 'false' : 'true'} (group ${pfs})`,
    ...(rule.p2LifetimeSeconds === undefined ? [] : [`GLOBL: p2_lifetime=${rule.p2LifetimeSeconds} seconds`]),
    'LOCIP: IP address range(s):',
    ...rule.local.map((one) => `LOCIP: ${rangeText(one)}`),
    'REMIP: IP address range(s):',
    ...rule.remote.map((one) => `REMIP: ${rangeText(one)}`),
    ...rule.localIds.map((id) => `LOCID: ${id}`),
    ...rule.remoteIds.map((id) => `REMID: ${id}`),
    'XFRMS: Available Transforms:',
    ...transforms.map((transform, i) => `XF ${String(i).padStart(2)}: ${transformText(transform)}`),
    '',
  ];
  return lines.join('\n');
}

function transformText({ authMethod, oakleyGroup, authAlg, encrAlg, encrBits }: IkeTransform): string {
  const bits = encrBits === undefined ? '' : `(${encrBits.low}..${encrBits.high})`;
  return `Authentication method: ${authMethod}; Encryption alg: ${encrAlg}${bits}; Authentication alg: ${authAlg}; Oakley Group: ${oakleyGroup}`;
}

function identityText(identity: IkeIdentity): string {
  return identity.type === 'ip' ? formatPrefix(identity.prefix) : identity.text;
}

export function presharedText({ local, remote, key, bits, mode }: PresharedKey, hidden: boolean): string {
  return [
    '',
    `PSKEY: For ${mode ?? 'main'}-mode exchanges`,
    `PSKEY: Pre-shared key (${bits / 8} bytes): ${hidden ? 'XX'.repeat(bits / 8) : key.revealHex()}/${bits}`,
    `LOCIP: ${identityText(local)}`,
    `REMIP: ${identityText(remote)}`,
    '',
  ].join('\n');
}
