import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseInventory } from '../../../controller/inventory/parse.js';

test('the reference loads without problems', () => {
  const { inventory, warnings } = parseInventory({
    path: 'inventory/reference.yaml',
    readFile: (path) => readFileSync(path, 'utf8'),
  });
  expect(warnings).toEqual([]);
  expect(inventory.hosts.map((host) => host.name)).toEqual([
    'web01',
    'web02',
    'web03',
    'db1',
    'db2',
    'batch1',
    'batch2',
  ]);
  expect(inventory.links.map((link) => `${link.id} ${link.keying} ${link.suite.encr}`)).toMatchInlineSnapshot(`
    [
      "db1--web01 ike-psk aes-gcm16(256)",
      "db2--web01 ike-psk aes-gcm16(256)",
      "db1--web02 ike-psk aes-gcm16(256)",
      "db2--web02 ike-psk aes-gcm16(256)",
      "db1--web03 ike-psk aes-gcm16(256)",
      "db2--web03 ike-psk aes-gcm16(256)",
      "db1--db2 manual aes(256)",
      "batch1--db1 manual aes(256)",
      "batch1--db2 manual aes(256)",
      "batch1--batch2 manual aes(128)",
      "db1--mainframe ike-psk aes(256)",
    ]
  `);
  expect(inventory.hosts.map((host) => [host.name, host.groups, host.vars])).toMatchInlineSnapshot(`
    [
      [
        "web01",
        [
          "site",
          "web",
        ],
        {
          "bypass": [
            {
              "lport": 80,
              "ulp": "tcp",
            },
            {
              "lport": 443,
              "ulp": "tcp",
            },
          ],
          "dns": true,
          "location": "dc1",
        },
      ],
      [
        "web02",
        [
          "site",
          "web",
        ],
        {
          "bypass": [
            {
              "lport": 80,
              "ulp": "tcp",
            },
            {
              "lport": 443,
              "ulp": "tcp",
            },
          ],
          "dns": true,
          "location": "dc1",
        },
      ],
      [
        "web03",
        [
          "site",
          "web",
        ],
        {
          "bypass": [
            {
              "lport": 80,
              "ulp": "tcp",
            },
            {
              "lport": 443,
              "ulp": "tcp",
            },
          ],
          "dns": true,
          "location": "dc1",
        },
      ],
      [
        "db1",
        [
          "batch",
          "site",
          "db",
        ],
        {
          "dns": true,
          "location": "dc2",
        },
      ],
      [
        "db2",
        [
          "batch",
          "site",
          "db",
        ],
        {
          "dns": true,
          "location": "dc1",
        },
      ],
      [
        "batch1",
        [
          "batch",
        ],
        {
          "dns": true,
        },
      ],
      [
        "batch2",
        [
          "batch",
        ],
        {
          "dns": true,
        },
      ],
    ]
  `);
});
