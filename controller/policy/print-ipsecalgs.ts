/** Algorithm tables as text, a protocol or algorithm a line. */

import type { AlgorithmItem, AlgsDocument, AlgsItem, KeySizes } from './parse-ipsecalgs.js';
import { tidyBlanks } from './syntax/items.js';

/** The document as it stands; `parseIpsecalgs` reads it back to the same items. */
export function printIpsecalgs({ items }: AlgsDocument): string {
  return items.map((item) => `${itemText(item)}\n`).join('');
}

export function tidyAlgsDocument({ items }: AlgsDocument): AlgsDocument {
  return { items: tidyBlanks(items) };
}

function itemText(item: AlgsItem): string {
  switch (item.kind) {
    case 'protocol':
      return ['PROTO', item.number, item.name, item.execMode].join('|');
    case 'algorithm':
      return algorithmText(item);
    case 'comment':
      return `#${item.text}`;
    case 'unread':
      return item.text;
    case 'blank':
      return '';
  }
}

function algorithmText(item: AlgorithmItem): string {
  const { protocol, number, names, mechanism, keySizes, blockBytes, flags } = item;
  const parameters = item.parameters ?? (flags === undefined ? undefined : [0]);
  return [
    ...['ALG', protocol, number, names.join(','), mechanism, sizesText(keySizes), blockBytes.join(',')],
    ...(parameters === undefined ? [] : [parameters.join(',')]),
    ...(flags === undefined ? [] : [flags]),
  ].join('|');
}

function sizesText(sizes: KeySizes): string {
  if (sizes.kind === 'list') return sizes.bits.join(',');
  return `${sizes.defaultBits}/${sizes.minBits}-${sizes.maxBits},${sizes.stepBits}`;
}
