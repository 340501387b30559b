/** The entry by which a login without privileges becomes root for the agent: called in ways that its rule does not foresee. */

import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { entryScript } from '../../controller/remote/agent-entry.js';

const DIGEST = 'ab'.repeat(32);

interface Placed {
  readonly folder: string;
  readonly path: string;
  /** Stands where a tool that ran as root would have left it. */
  readonly planted: string;
  readonly env: Readonly<Record<string, string>>;
}

/** An entry as root installs it, and a folder of the login's own that plays the host's root, tools included. */
function place(): Placed {
  const folder = fs.mkdtempSync(join(tmpdir(), 'entry-'));
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'agent-entry');
  const [entry, loader] = ['entry.sh', 'loader.sh'].map((name) => fs.readFileSync(join('agent', name), 'utf8'));
  const parts = { entry: entry ?? '', loader: loader ?? '' };
  const options = { digest: DIGEST, path, become: 'pfexec', shell: '/bin/sh', allowImport: false } as const;
  fs.writeFileSync(path, entryScript({ parts, ...options }), { mode: 0o755 });
  const planted = join(folder, 'planted');
  const evil = join(folder, 'evil');
  for (const tools of ['usr/bin', 'usr/sbin', 'usr/lib/inet']) fs.mkdirSync(join(evil, tools), { recursive: true });
  for (const name of ['sha256sum', 'digest', 'ls', 'sed', 'env', 'pfexec'])
    fs.writeFileSync(join(evil, 'usr/bin', name), `#!/bin/sh\necho $0 >>${planted}\n`, { mode: 0o755 });
  fs.mkdirSync(join(evil, 'var/ipsec-deploy/agent'), { recursive: true, mode: 0o700 });
  fs.writeFileSync(join(evil, 'var/ipsec-deploy/agent', DIGEST), `echo stored >>${planted}\n`, { mode: 0o700 });
  const env = { IPSEC_AGENT_ROOT: evil, IPSEC_AGENT_SHELL: '/bin/false', PATH: join(evil, 'usr/bin'), NO_COLLECT: '' };
  return { folder, path, planted, env };
}

function said(ran: { readonly stdout: string; readonly stderr: string }): string {
  return `${ran.stdout}${ran.stderr}`;
}

test('the entry, called by its own name, hears nothing of the caller’s environment', () => {
  const { path, planted, env } = place();
  const ran = spawnSync(path, [DIGEST, 'readonly'], { env, encoding: 'utf8', input: '' });
  expect(said(ran)).toContain('ipsec-deploy-agent ');
  expect(fs.existsSync(planted)).toBe(false);
});

test.each([['ipsec-deploy-entry'], ['sh'], ['agent-entry']])(
  'the entry, called through a link named %s that lies in the caller’s folder, hears nothing of his environment',
  (name) => {
    const { folder, path, planted, env } = place();
    const own = join(folder, 'own');
    fs.mkdirSync(own);
    fs.symlinkSync(path, join(own, name));
    for (const words of [
      [DIGEST, 'readonly'],
      ['x', DIGEST, 'readonly'],
      [path, DIGEST],
    ]) {
      // With an empty PATH the name is passed on as it is, without a folder before it.
      const ran = spawnSync('/bin/sh', ['-c', 'PATH=; exec "$@"', 'sh', name, ...words], {
        env,
        cwd: own,
        encoding: 'utf8',
        input: '',
      });
      expect(said(ran), 'it was started').toMatch(/^ipsec-deploy-agent /);
      expect(fs.existsSync(planted), `${words.join(' ')}: ${said(ran)}`).toBe(false);
    }
  },
);

test('the forced command runs none of what the client asks for, and hands on two words at most', () => {
  const { folder, path } = place();
  const bin = join(folder, 'bin');
  fs.mkdirSync(bin);
  fs.writeFileSync(join(bin, 'pfexec'), '#!/bin/sh\nprintf "<%s>" "$@"\n', { mode: 0o755 });
  const forced = (asked: string): string =>
    said(
      spawnSync(path, ['forced'], {
        env: { PATH: `${bin}:/usr/bin:/bin`, SSH_ORIGINAL_COMMAND: asked },
        encoding: 'utf8',
        input: '',
      }),
    );
  expect(forced(`pfexec ${path} ${DIGEST}`)).toBe(`<${path}><${DIGEST}>`);
  expect(forced(`pfexec ${path} ${DIGEST} readonly`)).toBe(`<${path}><${DIGEST}><readonly>`);
  for (const asked of [
    '',
    'id',
    `pfexec ${path} ${DIGEST} readonly; id`,
    `pfexec ${path} ${DIGEST}\nid`,
    `pfexec ${path} ${DIGEST} $(id)`,
    `pfexec ${path} forced`,
    `pfexec ${path} *`,
    `pfexec  ${path} ${DIGEST}`,
  ])
    expect(forced(asked), asked).toMatch(/^ipsec-deploy-agent refused code=entry text=[a-z ,.;-]+\n$/);
});
