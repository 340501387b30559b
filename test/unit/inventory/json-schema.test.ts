import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { inventoryJsonSchema } from '../../../controller/inventory/json-schema.js';

test('the schema that editors load is the one the parser checks with', async () => {
  // after a change of schema.ts: npx vitest run test/unit/inventory/json-schema.test.ts -u
  await expect(inventoryJsonSchema()).toMatchFileSnapshot('../../../inventory/inventory.schema.json');
});

/** Every key below `properties`, at any depth. */
function keysOf(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  return Object.entries(schema).flatMap(([key, value]) => [
    ...(key === 'properties' && typeof value === 'object' && value !== null ? Object.keys(value) : []),
    ...keysOf(value),
  ]);
}

test('the reference explains every key of the schema', () => {
  const reference = readFileSync('inventory/reference.yaml', 'utf8');
  const keys = [...new Set(keysOf(JSON.parse(inventoryJsonSchema())))];
  expect(keys.length).toBeGreaterThan(40);
  expect(keys.filter((key) => !new RegExp(`(^|[\\s{#])${key}:`, 'm').test(reference))).toEqual([]);
});
