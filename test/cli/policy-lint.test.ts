/** `policy lint` as the built program: what a person and a program read, several files and standard input, exit statuses. */

import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/** The checkout's own, unless an installed one is to be tested. */
const PROGRAM = process.env['IPSEC_DEPLOY_PROGRAM'] ?? join(import.meta.dirname, '..', '..', 'bin', 'ipsec-deploy.js');
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ipsec-lint-'));
  write('hosts', '10.0.0.80 webserver\n');
  write(
    'server.conf',
    '{lport 80 ulp tcp dir both} bypass {}\n{} permit {encr_algs aes encr_auth_algs sha256}\n{} apply {encr_algs aes encr_auth_algs sha256}\n',
  );
  write(
    'peer.conf',
    '{saddr webserver} permit {encr_algs aes encr_auth_algs sha256}\n{saddr webserver} apply {encr_algs aes encr_auth_algs sha256}\n{ nonsense } bypass {}\n',
  );
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function write(name: string, text: string): void {
  writeFileSync(join(folder, name), text, { mode: 0o600 });
}

function lint(words: readonly string[], input = ''): { exit: number | null; stdout: string; stderr: string } {
  const env = { PATH: process.env['PATH'] ?? '', TERM: 'dumb' };
  const ran = spawnSync(process.execPath, [PROGRAM, 'policy', 'lint', ...words], {
    cwd: folder,
    env,
    input,
    encoding: 'utf8',
  });
  return { exit: ran.status, stdout: ran.stdout, stderr: ran.stderr };
}

test('several files: the tool’s verdict first, then findings with line, caret, reason and remedy', () => {
  const { exit, stdout, stderr } = lint(['server.conf', 'peer.conf', 'missing.conf', '--hosts', 'hosts']);
  expect(exit).toBe(1);
  expect(stdout).toContain('server.conf: ipsecconf would take it: 8 rules\n');
  expect(stdout).toContain(
    [
      'server.conf:3:1: warning: this asks for protection of IPv6 neighbour discovery [NEIGHBOUR_DISCOVERY]',
      '    3 | {} apply {encr_algs aes encr_auth_algs sha256}',
      '      | ^',
      '  why: Outbound router',
    ].join('\n'),
  );
  expect(stdout).toContain(
    'peer.conf: ipsecconf would refuse it\npeer.conf:3:1: ipsecconf refuses: Invalid pattern on line 3: nonsense\n',
  );
  expect(stdout).toContain(
    'peer.conf:2:8: error: webserver is this host here, and the peer in the permit rule [WRONG_SIDE]\n',
  );
  expect(stdout).toMatch(/\n2 files: 1 error, 1 warning, 2 info, 1 file refused by the tool\n$/);
  expect(stderr).toContain('missing.conf: error: there is no such file');
});

test('warnings alone are status 0, and 1 with --strict; standard input is read', () => {
  const text = '{ raddr 10.0.0.9 } ipsec { encr_algs 3des encr_auth_algs sha256 }\n';
  const plain = lint(['-'], text);
  expect([plain.exit, plain.stderr]).toEqual([0, '']);
  expect(plain.stdout).toContain('<stdin>:1:38: warning: 3des-cbc is weak');
  expect(lint(['--strict', '-'], text).exit).toBe(1);
});

test('SARIF names the rules and the places; silenced findings are marked', () => {
  write(
    'silenced.conf',
    '{ raddr 10.0.0.9 } ipsec { encr_algs 3des } # lint: ignore WEAK_ALGORITHM until 2027-01-31 because of the mainframe\n',
  );
  const { exit, stdout } = lint(['silenced.conf', '--output', 'sarif', '--today', '2026-11-22']);
  expect(exit).toBe(0);
  const log = JSON.parse(stdout) as { runs: [{ tool: { driver: { rules: { id: string }[] } }; results: object[] }] };
  expect(log.runs[0].tool.driver.rules.map(({ id }) => id)).toContain('NO_INTEGRITY');
  expect(log.runs[0].results).toMatchObject([
    { ruleId: 'TOOL_WARNS', level: 'warning' },
    {
      ruleId: 'NO_INTEGRITY',
      level: 'warning',
      locations: [
        { physicalLocation: { artifactLocation: { uri: 'silenced.conf' }, region: { startLine: 1, startColumn: 38 } } },
      ],
    },
    { ruleId: 'WEAK_ALGORITHM', suppressions: [{ kind: 'inSource', justification: 'of the mainframe' }] },
  ]);
});

test('JSON: one object a finding, and the counts at the end', () => {
  const { exit, stdout } = lint(['server.conf', '--output', 'json', '--local', '10.0.0.80', '--local', 'fd00::80']);
  const events = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(exit).toBe(0);
  expect(events).toMatchObject([
    {
      schema: 'ipsec-deploy/1',
      event: 'tool-verdict',
      file: 'server.conf',
      kind: 'policy',
      tool: 'ipsecconf',
      verdict: 'installs',
      installed: 8,
    },
    { event: 'finding', code: 'NEIGHBOUR_DISCOVERY', severity: 'warning', line: 3, column: 1 },
    { event: 'linted', files: 1, error: 0, warning: 1, info: 0, refused: 0 },
  ]);
});

test('a key file is not linted as a policy: messages about it would show its keys', () => {
  write('misnamed.conf', '{ localidtype IP localid 10.0.0.1 remoteidtype IP remoteid 10.0.0.2 key 5ec0de5ec0de }\n');
  const { exit, stdout, stderr } = lint(
    ['--kind', 'policy', '--output', 'json', 'misnamed.conf', '-'],
    'add esp spi 1 encrkey 5ec0de\n',
  );
  expect(exit).toBe(1);
  expect(stdout.match(/"code":"KIND_WRONG"/g)).toHaveLength(2);
  expect(stderr).toContain(
    'misnamed.conf:1:69: error: this looks like a key file; read as policy, its keys would be shown',
  );
  expect(stdout + stderr).not.toContain('5ec0de');
});

test.runIf(existsSync('/dev/full')).each([[['policy', 'lint', '--explain', 'ONE_WAY']], [['--help']]])(
  'output of %j that a full disk swallows is told of, and is no success',
  (words) => {
    const full = openSync('/dev/full', 'w');
    const ran = spawnSync(process.execPath, [PROGRAM, ...words], {
      stdio: ['ignore', full, 'pipe'],
      encoding: 'utf8',
    });
    closeSync(full);
    expect(ran.stderr).toBe('error: standard output cannot be written (ENOSPC): the rest of it is lost\n');
    expect(ran.status).toBe(4);
  },
);
