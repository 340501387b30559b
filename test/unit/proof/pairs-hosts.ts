/** Hosts as their hand-written files say, and links between them, for the tests of both ends of a link. */

import { parseAddress, type Address } from '../../../controller/model/address.js';
import type { Keying } from '../../../controller/model/host.js';
import { pictureOfTexts, type HostPicture } from '../../../controller/proof/host-picture.js';
import { linkReport, type LinkReport } from '../../../controller/proof/pair-findings.js';
import { link } from '../../support/render-fleet.js';

export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`not an address: ${text}`);
  return parsed;
}

export interface HandMade {
  readonly policy?: string;
  readonly keys?: string;
  readonly ike?: string;
  readonly psk?: string;
}

export function handMade(name: string, addresses: string | readonly string[], files: HandMade): HostPicture {
  const paths = [
    ['/etc/inet/ipsecinit.conf', files.policy],
    ['/etc/inet/secret/ipseckeys', files.keys],
    ['/etc/inet/ike/config', files.ike],
    ['/etc/inet/secret/ike.preshared', files.psk],
  ] as const;
  const texts = new Map(paths.flatMap(([path, text]) => (text === undefined ? [] : [[path, text] as const])));
  return pictureOfTexts({ name, addresses: [addresses].flat().map(address), texts, salt: 'salt' });
}

export function reportOf(a: HostPicture, b: HostPicture, keying: Keying = 'manual'): LinkReport {
  const pictures = new Map([a, b].map((one) => [one.name, one]));
  const report = linkReport(link(a.name, b.name, { keying }), pictures);
  if (report === undefined) throw new Error('no report');
  return report;
}
