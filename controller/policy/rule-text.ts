/** A rule in the words of `ipsecconf -l`. Owns the order of selectors and how numbers and names are written. */

import { formatAddress, type Address, type Prefix } from '../model/address.js';
import type { Action, LoadedRule, NumberRange, Transform } from '../model/policy.js';
import { hostNamed, type NameTables } from './name-tables.js';

/** What is printed of a rule; everything but its index. */
export type RuleWords = Pick<LoadedRule, 'dir' | 'selector' | 'actions' | 'tunnel'>;

/** One line without the trailing blank. With `names`, protocols, ports and hosts are named where they have one (no `-n`). */
export function ruleText({ dir, selector, actions, tunnel }: RuleWords, names?: NameTables): string {
  const words = [
    tunnel && `tunnel ${tunnel.name} negotiate ${tunnel.mode}`,
    selector.protocol !== undefined &&
      `ulp ${names?.protocolsByNumber.get(selector.protocol) ?? String(selector.protocol)}`,
    selector.local && `laddr ${prefixText(selector.local, names)}`,
    selector.localPort !== undefined && `lport ${portText(selector.localPort, names)}`,
    selector.remote && `raddr ${prefixText(selector.remote, names)}`,
    selector.remotePort !== undefined && `rport ${portText(selector.remotePort, names)}`,
    selector.icmpType && `type ${rangeText(selector.icmpType)}`,
    selector.icmpCode && `code ${rangeText(selector.icmpCode)}`,
    `dir ${dir}`,
  ].filter((word) => typeof word === 'string');
  return `{ ${words.join(' ')} } ${actions.map(actionText).join(' or ')}`;
}

function actionText(action: Action): string {
  if (action.kind === 'bypass') return 'pass { }';
  if (action.kind === 'discard') return 'drop { }';
  const words = [
    ...(action.ah ? [`auth_algs ${transformText(action.ah)}`] : []),
    ...(action.esp ? [`encr_algs ${transformText(action.esp.encr)}`] : []),
    ...(action.esp?.auth ? [`encr_auth_algs ${transformText(action.esp.auth)}`] : []),
    `sa ${action.unique ? 'unique' : 'shared'}`,
  ];
  return `ipsec { ${words.join(' ')} }`;
}

function transformText({ algorithm, minBits, maxBits }: Transform): string {
  if (minBits === 0 && maxBits === 0) return algorithm;
  return minBits === maxBits ? `${algorithm}(${minBits})` : `${algorithm}(${minBits}..${maxBits})`;
}

/** Hands the number to getservbyport(3SOCKET) in host order: an x86 names the service of the port with its bytes swapped. */
function portText(port: number, names: NameTables | undefined): string {
  const swapped = ((port & 0xff) << 8) | (port >>> 8);
  return names?.servicesByPort.get(swapped) ?? String(port);
}

/** An unspecified address prints as nothing, and a prefix always has its length. */
function prefixText({ address, length }: Prefix, names: NameTables | undefined): string {
  if (address.value === 0n) return `/${length}`;
  return `${(names && hostNamed(names, address)) ?? listedAddress(address)}/${length}`;
}

/** inet_ntop(3C) writes an IPv6 address that only has its last 32 bits in dotted form. */
function listedAddress(address: Address): string {
  if (address.family === 6 && address.value > 0xffffn && address.value >> 32n === 0n) {
    return `::${formatAddress({ family: 4, value: address.value })}`;
  }
  return formatAddress(address);
}

function rangeText({ from, to }: NumberRange): string {
  return from === to ? String(from) : `${from}-${to}`;
}
