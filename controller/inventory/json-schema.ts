/** The JSON Schema of inventory files, for editors: completion, explanations and early errors. */

import { z } from 'zod';
import { inventoryShape } from './schema.js';

/**
 * The schema as the text of `inventory/inventory.schema.json` (draft 2020-12). No key is required at the top, because
 * included files are described by it too; the parser asks for what is missing.
 */
export function inventoryJsonSchema(): string {
  const schema = z.toJSONSchema(inventoryShape, { target: 'draft-2020-12', io: 'input' });
  const described = {
    $id: 'https://ipsec-deploy.invalid/schema/inventory-1.json',
    title: 'ipsec-deploy inventory',
    description:
      'Hosts, groups, links between them, and what must be protected. Explained in inventory/reference.yaml.',
    ...schema,
  };
  return `${JSON.stringify(described, null, 2)}\n`;
}
