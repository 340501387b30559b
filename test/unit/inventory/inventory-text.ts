/** Builders of inventories for tests: a header that every inventory needs, and a parse of the text below it. */

import { type ParsedInventory, parseInventory } from '../../../controller/inventory/parse.js';

const HEADER = 'version: 1\nfleet: f\nmanagement: [10.0.0.5]\n';

export function parseText(text: string, files: Readonly<Record<string, string>> = {}): ParsedInventory {
  return parseInventory({
    path: 'conf/inventory.yaml',
    readFile: (path) => {
      const found = path === 'conf/inventory.yaml' ? HEADER + text : files[path];
      if (found === undefined) throw new Error('no such file');
      return found;
    },
  });
}
