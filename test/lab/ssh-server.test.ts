import { once } from 'node:events';
import { createConnection } from 'node:net';
import ssh2 from 'ssh2';
import { describe, expect, test } from 'vitest';
import { generateSshKey } from '../../controller/lab/openssh-key.js';
import { connect, exec, run, testLab } from './support.js';

test('a command over SSH has the host’s environment, its streams and its status', async () => {
  const lab = await testLab();
  const host = lab.host('host1');
  const said = await run(lab, host, 'cat; echo "$IPSEC_AGENT_ROOT" >&2; ipsecconf -Ln; exit 9', 'from stdin\n');
  expect(said).toEqual({
    code: 9,
    signal: undefined,
    stdout: 'from stdin\n[ipsecconf][-Ln]\n',
    stderr: `${host.root}\n`,
  });
});

test('a command that dies of a signal says so, and one that cannot start gives 127', async () => {
  const lab = await testLab();
  expect(await run(lab, lab.host('host1'), 'kill -9 $$')).toMatchObject({ code: null, signal: 'SIGKILL' });
  expect(await run(lab, lab.host('host1'), 'no-such-command')).toMatchObject({ code: 127 });
});

test('a megabyte passes both ways, also when the reader is slow to start', async () => {
  const lab = await testLab();
  const megabyte = '0123456789abcdef'.repeat(65_536);
  const client = await connect(lab, lab.host('host1'));
  const [both, errors] = await Promise.all([
    exec(client, 'cat', megabyte),
    exec(client, 'sleep 0.2; cat >&2', megabyte),
  ]);
  expect(both.stdout === megabyte).toBe(true);
  expect(errors.stderr === megabyte).toBe(true);
});

test('fifty commands at once over one host’s connections all end as they should', async () => {
  const lab = await testLab({ count: 5 });
  const ends = await Promise.all(
    Array.from({ length: 50 }, (_, i) => run(lab, lab.host(`host${(i % 5) + 1}`), `ipsecconf ${i}; exit ${i}`)),
  );
  expect(ends.map((end) => [end.stdout, end.code])).toEqual(ends.map((_, i) => [`[ipsecconf][${i}]\n`, i]));
});

test('several sessions share a connection', async () => {
  const lab = await testLab();
  const client = await connect(lab, lab.host('host1'));
  const ends = await Promise.all(['a', 'b', 'c'].map((word) => exec(client, `echo ${word}`)));
  expect(ends.map((end) => end.stdout)).toEqual(['a\n', 'b\n', 'c\n']);
});

test('a broken connection closes the pipes of a command and leaves its detached processes alone', async () => {
  const lab = await testLab();
  const host = lab.host('host1');
  const called: string[] = [];
  const last = new Promise<void>((resolve) => {
    host.intercept = (call, next) => {
      called.push(call.args.join(' '));
      if (call.args[0] === 'survivor') resolve();
      return next();
    };
  });
  const client = await connect(lab, host);
  const started = new Promise<void>((resolve, reject) => {
    client.exec(
      '(read -r x </dev/null; while [ -d /proc/$$ ]; do :; done; ipsecconf survivor) >/dev/null 2>&1 </dev/null & echo up; cat; ipsecconf eof',
      (error, channel) => {
        if (error !== undefined) reject(error);
        else channel.once('data', () => resolve());
      },
    );
  });
  await started;
  client.destroy();
  await last;
  expect(called).toEqual(['eof', 'survivor']);
});

describe('who may log in', () => {
  test('only the lab’s key, unless more is asked for', async () => {
    const lab = await testLab();
    const host = lab.host('host1');
    const stranger = generateSshKey('stranger').privateKey;
    await expect(connect(lab, host, { privateKey: stranger })).rejects.toMatchObject({
      level: 'client-authentication',
    });
    host.faults.refuseAuth = true;
    await expect(connect(lab, host)).rejects.toMatchObject({ level: 'client-authentication' });
  });

  test('a password or the answer to a question, where the lab was told them', async () => {
    const lab = await testLab({ credentials: { password: 'open', answer: 'sesame' } });
    const host = lab.host('host1');
    const keyless = { privateKey: '', agent: '' };
    const client = await connect(lab, host, { ...keyless, password: 'open' });
    expect((await exec(client, 'echo in')).stdout).toBe('in\n');
    await expect(connect(lab, host, { ...keyless, password: 'shut' })).rejects.toThrow();
    const asked = new ssh2.Client();
    asked.on('keyboard-interactive', (_name, _instructions, _language, _prompts, finish) => finish(['sesame']));
    await connect(lab, host, { ...keyless, tryKeyboard: true }, asked);
    expect((await exec(asked, 'echo in')).stdout).toBe('in\n');
  });
});

test('a host can change its key, and a banner is shown', async () => {
  const lab = await testLab();
  const host = lab.host('host1');
  const before = host.hostKeyLine;
  host.changeHostKey();
  expect(host.hostKeyLine).not.toBe(before);
  const seen: string[] = [];
  const other = (key: Buffer): boolean => {
    seen.push(`ssh-ed25519 ${key.toString('base64')}`);
    return false;
  };
  await expect(connect(lab, host, { hostVerifier: other })).rejects.toThrow();
  expect(seen).toEqual([host.hostKeyLine]);

  host.faults.banner = 'authorised use only\n';
  const client = new ssh2.Client();
  const banner = once(client, 'banner');
  client.connect({ host: '127.0.0.1', port: host.port, username: 'x', privateKey: lab.clientKey.privateKey });
  expect(String((await banner)[0])).toContain('authorised use only');
  client.destroy();
});

describe('faults', () => {
  test('the connection breaks after so many bytes of output', async () => {
    const lab = await testLab();
    const host = lab.host('host1');
    host.faults.dropAfterOutputBytes = 7;
    const said = await run(lab, host, 'echo 123456789; cat');
    expect(said).toEqual({ code: null, signal: undefined, stdout: '1234567', stderr: '' });
  });

  test('the connection breaks at a word, which is lost', async () => {
    const lab = await testLab();
    const host = lab.host('host1');
    host.faults.dropWhen = (written) => written.includes('policy');
    const said = await run(lab, host, 'echo keys; ipsecconf wait; echo policy; cat');
    expect(said.stdout).toBe('keys\n[ipsecconf][wait]\n');
  });

  test('replies wait for as long as the test wants', async () => {
    const lab = await testLab();
    const host = lab.host('host1');
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    host.faults.holdOutput = () => held;
    let arrived = false;
    const said = run(lab, host, 'echo late').then((end) => {
      arrived = true;
      return end;
    });
    host.faults.holdOutput = () => held;
    await once(
      createConnection(host.port, '127.0.0.1').on('connect', function (this: { destroy(): void }) {
        this.destroy();
      }),
      'close',
    );
    expect(arrived).toBe(false);
    release();
    expect((await said).stdout).toBe('late\n');
  });

  test('connections are refused', async () => {
    const lab = await testLab();
    const host = lab.host('host1');
    host.faults.refuseConnections = true;
    await expect(connect(lab, host)).rejects.toThrow();
  });
});
