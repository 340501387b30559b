/** The files of an end that is not ours, for its operator to install by hand. */

import { sameAddress } from '../model/address.js';
import type { Inventory } from '../model/host.js';
import { NO_VARS } from './host-vars.js';
import type { InventoryIndex } from './inventory-index.js';
import { renderSubject, type Rendered } from './render-host.js';
import type { SaFor } from './template-data.js';
import type { TemplateSet } from './template-set.js';

/** The template for ends that have no host entry to name one. */
const TEMPLATE = 'host-to-host';

/** Names of the ends that are not ours, in the order of the links. */
export function externalEnds(inventory: Inventory): readonly string[] {
  return [
    ...new Set(
      inventory.links.flatMap(({ ends }) => ends.flatMap((end) => (end.kind === 'external' ? [end.name] : []))),
    ),
  ];
}

/**
 * Renders what an external end must have for all its links with us, as Solaris files. Its keys are placeholders like
 * any other: only the caller that hands the files over fills them in. `undefined` when no link has such an end.
 */
export function renderExternal(input: {
  readonly name: string;
  readonly index: InventoryIndex;
  readonly templates: TemplateSet;
  readonly saFor: SaFor;
}): Rendered | undefined {
  const { name, index } = input;
  const links = index.inventory.links.filter(({ ends }) =>
    ends.some((end) => end.kind === 'external' && end.name === name),
  );
  const [first] = links;
  if (first === undefined) return undefined;
  const ends = links.flatMap((link) => link.ends);
  const addresses = ends.flatMap((end) => (end.kind === 'external' && end.name === name ? end.addresses : []));
  const partner = ends
    .flatMap((end) => (end.kind === 'host' ? [index.hosts.get(end.host)] : []))
    .find((host) => host !== undefined);
  return renderSubject(
    {
      name,
      addresses: addresses.filter((address, i) => addresses.findIndex((other) => sameAddress(address, other)) === i),
      groups: [],
      template: TEMPLATE,
      vars: {},
      // It is told to do as our end does: IKE would not come up otherwise.
      understood: partner === undefined ? NO_VARS : { ...NO_VARS, ike: index.varsOf(partner).ike },
      management: [],
      links,
    },
    first.at,
    input,
  );
}
