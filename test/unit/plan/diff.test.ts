import { expect, it } from 'vitest';
import { textPatch } from '../../../controller/plan/diff.js';

it('shows no long row of hexadecimal digits, whoever put it into the file', () => {
  const key = 'a1b2c3d4e5f60718293a4b5c6d7e8f90';
  const patch = textPatch(
    '/etc/inet/ipsecinit.conf',
    `# authkey ${key}\n{ lport 22 } bypass { }\n`,
    '{ lport 22 } bypass { }\n',
  );
  expect(patch).not.toContain(key);
  expect(patch).toContain('-# authkey [masked]\n { lport 22 } bypass { }\n');
});

it('shows addresses of any length as they are', () => {
  expect(textPatch('f', undefined, '{ raddr fd00:1234:5678:9abc:def0:1234:5678:9abc } bypass { }\n')).toContain(
    'fd00:1234:5678:9abc:def0:1234:5678:9abc',
  );
});
