/** The files of an end that is not ours, for its operator to install by hand. */

import type { Link } from '../model/host.js';
import { NO_VARS } from './host-vars.js';
import type { InventoryIndex } from './inventory-index.js';
import { renderSubject, type Rendered } from './render-host.js';
import type { SaFor } from './template-data.js';
import type { TemplateSet } from './template-set.js';

/** The template for ends that have no host entry to name one. */
const TEMPLATE = 'host-to-host';

/**
 * Renders the link's external end: what it must have for this link, as Solaris files. Its keys are placeholders like
 * any other: only the caller that hands the files over fills them in. `undefined` when both ends are ours.
 */
export function renderExternal(input: {
  readonly link: Link;
  readonly index: InventoryIndex;
  readonly templates: TemplateSet;
  readonly saFor: SaFor;
}): Rendered | undefined {
  const { link, index } = input;
  const end = link.ends.find((one) => one.kind === 'external');
  const ours = link.ends.find((one) => one.kind === 'host');
  if (end === undefined || ours === undefined) return undefined;
  const partner = index.hosts.get(ours.host);
  return renderSubject(
    {
      name: end.name,
      addresses: end.addresses,
      groups: [],
      template: TEMPLATE,
      vars: {},
      // It is told to do as our end does: IKE would not come up otherwise.
      understood: partner === undefined ? NO_VARS : { ...NO_VARS, ike: index.varsOf(partner).ike },
      management: [],
      links: [link],
    },
    link.at,
    input,
  );
}
