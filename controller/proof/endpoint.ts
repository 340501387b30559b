/** What an operator names as an end of a flow: a host, an end that is not ours, or an address, managed or not. */

import { OperatorError } from '../errors.js';
import { formatAddress, parseAddress, sameAddress, type Address } from '../model/address.js';
import { suggestion } from '../inventory/suggest.js';
import { pictureOfTexts, type HostPicture } from './host-picture.js';

export interface Endpoint {
  readonly picture: HostPicture;
  /** Those of its addresses that are asked about. */
  readonly addresses: readonly Address[];
  /** `stranger`: an address of nobody here, taken to have no IPsec policy. */
  readonly kind: 'known' | 'stranger';
}

/** @throws OperatorError UNKNOWN_END with the nearest name */
export function findEndpoint(word: string, pictures: ReadonlyMap<string, HostPicture>): Endpoint {
  const named = pictures.get(word);
  if (named !== undefined) return { picture: named, addresses: named.addresses, kind: 'known' };
  const address = parseAddress(word);
  if (address === undefined) {
    throw new OperatorError('UNKNOWN_END', {
      what: `"${word}" is no host, external end or address`,
      todo: suggestion(word, [...pictures.keys()], 'name one of the inventory, or an address'),
    });
  }
  for (const picture of pictures.values()) {
    if (picture.addresses.some((own) => sameAddress(own, address)))
      return { picture, addresses: [address], kind: 'known' };
  }
  const stranger = { name: formatAddress(address), addresses: [address], texts: new Map(), salt: '' };
  return { picture: pictureOfTexts(stranger), addresses: [address], kind: 'stranger' };
}

/** @throws OperatorError NOTHING_BETWEEN when no policy of this inventory has a say between the two, or they share no family */
export function checkEndpoints(from: Endpoint, to: Endpoint): void {
  const refuse = (what: string, todo: string): never => {
    throw new OperatorError('NOTHING_BETWEEN', { what, todo });
  };
  const [one, other] = [from.picture.name, to.picture.name];
  if (one === other)
    refuse(`${one} does not talk to itself over the wire: no policy is asked`, 'name two different ends');
  if (from.kind === 'stranger' && to.kind === 'stranger')
    refuse(`neither ${one} nor ${other} is an end of this inventory`, 'name a host as FROM or TO');
  if (!from.addresses.some((a) => to.addresses.some((b) => a.family === b.family)))
    refuse(`${one} and ${other} have no address family in common`, 'name addresses of one family');
}
