/** What the fault matrix broke once, each by itself: what cannot be done is not taken for done, and nothing waits for ever. */

import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KEYS_A, KEYS_B, POLICY_A, POLICY_B } from './support/contents.js';
import { deadmanOf, letWindowPass } from './support/deadman.js';
import { one, two } from './support/generations.js';
import { AgentHost, FILES, NONCE, transactionText } from './support/agent-host.js';
import type { Change, Session } from './support/agent-host.js';

let host: AgentHost;
const second: Change = { generation: 2, expect: 1, files: two, ike: 'restart' };

beforeEach(() => {
  host = new AgentHost();
});
afterEach(async () => {
  expect(await host.dispose()).toEqual([]);
});

async function onGenerationOne(files: Readonly<Record<string, string>> = one): Promise<Session> {
  const session = await host.open();
  expect((await session.apply({ files, ike: files[FILES.config] === undefined ? 'none' : 'start' })).last).toContain(
    'state=verified',
  );
  expect((await session.ask(`confirm id=T1 nonce=${NONCE}`)).last).toContain('state=confirmed');
  return session;
}

/** A stand-in for one of the system's commands that says yes and does nothing, for calls with such arguments. */
function deaf(name: string, args: string): () => void {
  const path = `usr/bin/${name}`;
  host.write(path, `#!/bin/sh\ncase "$*" in\n    ${args}) exit 0 ;;\nesac\nexec /bin/${name} "$@"\n`, 0o755);
  return () => fs.rmSync(host.path(path));
}

describe('a command that says yes and does nothing', () => {
  it('is found out where the former files were to be copied: nothing is touched', async () => {
    (await onGenerationOne()).end();
    const before = host.picture();
    const mend = deaf('cp', '"-p "*');
    const session = await host.open();
    expect((await session.apply(second)).last).toMatch(/state=refused generation=1 text=the managed files could not/);
    mend();
    expect(host.picture()).toEqual(before);
    expect(host.leftovers()).toEqual([]);
  });

  it('is found out where a file was to go', async () => {
    (await onGenerationOne({ [FILES.policy]: POLICY_A, [FILES.keys]: KEYS_A })).end();
    const before = host.picture();
    const mend = deaf('rm', '*secret/ipseckeys');
    const session = await host.open();
    const reply = await session.apply({
      generation: 2,
      expect: 1,
      files: { [FILES.policy]: POLICY_B },
      remove: [FILES.keys],
    });
    expect(reply.last).toMatch(/state=reverted generation=1 step=verify text=\/etc\/inet\/secret\/ipseckeys is still/);
    mend();
    expect(host.picture()).toEqual(before);
  });

  it('is found out where a mode was to be set', async () => {
    (await onGenerationOne()).end();
    fs.chmodSync(host.path(FILES.psk), 0o644);
    const before = host.picture();
    const mend = deaf('chmod', '"0400 "*');
    const session = await host.open();
    const files = { [FILES.policy]: POLICY_B };
    const keepFiles = [FILES.keys, FILES.config, FILES.psk];
    expect((await session.apply({ generation: 2, expect: 1, files, keepFiles })).last).toMatch(
      /state=reverted generation=1 step=chmod text=the mode of \/etc\/inet\/secret\/ike.preshared was not set/,
    );
    mend();
    expect(host.picture()).toEqual(before);
  });

  it('is found out where SAs that only the former file had were to go: the change is taken back', async () => {
    const session = await onGenerationOne();
    const before = host.picture();
    const files = { ...two, [FILES.keys]: KEYS_B };
    expect((await session.apply({ ...second, files })).last).toContain('state=verified');
    for (const file of ['retire', 'left']) host.fault('ipseckey', 'lie', `-f*keys.${file}`);
    expect((await session.ask(`confirm id=T2 nonce=${NONCE}`)).last).toMatch(
      /state=reverted generation=1 step=confirm text=SAs of the former key file cannot be deleted/,
    );
    host.noFaults();
    expect(host.picture()).toEqual(before);
  });
});

describe('a transaction that has not armed', () => {
  it('is called off by abort, with the tool that holds it up, and never goes on', async () => {
    const session = await onGenerationOne();
    const before = host.picture();
    host.fault('ipsecconf', 'hang', '-c*');
    session.send(transactionText(host, { ...second, window: 600 }));
    await host.until('the tool hangs', () => host.processes().some(({ command }) => command.startsWith('sleep 600')));
    host.noFaults();
    const other = await host.open();
    expect((await other.ask('abort id=T2')).last).toBe(
      'outcome id=T2 state=refused generation=1 text=called off before anything was touched',
    );
    await host.until('its agent is gone', () => session.over);
    expect(host.picture()).toEqual(before);
    expect(host.leftovers()).toEqual([]);
    expect((await other.apply({ ...second, id: 'T3' })).last).toContain('state=verified');
    expect((await other.ask('abort id=T3')).last).toContain('state=reverted');
  });

  it('and whose agent is gone is cleared away by the next look', async () => {
    const session = await onGenerationOne();
    host.fault('ipsecconf', 'hang', '-c*');
    session.send(transactionText(host, second));
    await host.until('the tool hangs', () => host.processes().some(({ command }) => command.startsWith('sleep 600')));
    host.killAll();
    host.noFaults();
    expect(host.leftovers()).not.toEqual([]);
    const other = await host.open();
    await other.ask('status');
    expect(host.leftovers()).toEqual([]);
    expect(fs.readdirSync(join(host.state, 'generations')).sort()).toEqual(['0', '1']);
  });
});

describe('a dead-man that somebody has stopped', () => {
  it('goes on at the next look, and takes back what its time is over for', async () => {
    const session = await onGenerationOne();
    const before = host.picture();
    expect((await session.apply({ ...second, window: 600 })).last).toContain('state=verified');
    process.kill(deadmanOf(host.state), 'SIGSTOP');
    await letWindowPass(host.state);
    expect(host.read('var/ipsec-deploy/tx/armed')).toBeDefined();
    await (await host.open()).ask('status');
    await host.until('taken back', () => host.read('var/ipsec-deploy/tx/about') === undefined);
    expect(host.picture()).toEqual(before);
  });
});

describe('a revert that did not verify', () => {
  it('is tried again by the next look, and says what is so', async () => {
    const session = await onGenerationOne();
    const before = host.picture();
    host.fault('svcadm', 'fail', 'enable*ike*');
    expect((await session.apply({ ...second, window: 600 })).last).toContain('state=failed');
    host.noFaults();
    const other = await host.open();
    const said = (await other.ask('status id=T2')).records.join('\n');
    expect(said).toContain('outcome id=T2 state=reverted generation=1');
    expect(host.picture()).toEqual(before);
    expect(host.leftovers()).toEqual([]);
    await host.until('the dead-man has left', () => host.processes().every(({ command }) => !/deadman/.test(command)));
  });
});

describe('limits', () => {
  it('a window is not extended beyond a day', async () => {
    const session = await onGenerationOne();
    await session.apply(second);
    expect((await session.ask('extend id=T2 seconds=86400')).last).toBe(
      'error text=the window would be longer than a day',
    );
    expect((await session.ask('abort id=T2')).last).toContain('state=reverted');
  });
});
