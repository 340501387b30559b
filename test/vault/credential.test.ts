import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { generateIdentity, readIdentityFile, writeIdentityFile } from '../../controller/vault/identity.js';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = fs.mkdtempSync(join(tmpdir(), 'ipsec-credential-'));
  file = join(folder, 'identity');
  await writeIdentityFile(file, await generateIdentity(), new Date(0));
});
afterEach(() => {
  vi.unstubAllEnvs();
  fs.rmSync(folder, { recursive: true, force: true });
});

test('an identity that systemd hands to the service may show the mask of its ACL as the bits of the group', async () => {
  fs.chmodSync(file, 0o440);
  await expect(readIdentityFile(file)).rejects.toThrow('others can get at the identity file');
  vi.stubEnv('CREDENTIALS_DIRECTORY', folder);
  await expect(readIdentityFile(file)).resolves.toHaveLength(1);
  fs.chmodSync(file, 0o444);
  await expect(readIdentityFile(file)).rejects.toThrow('its mode is 0444');
});
