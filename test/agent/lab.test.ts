/** The agent on hosts of the plain lab, whose commands have the manners of the real ones. */

import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseAddress } from '../../controller/model/address.js';
import { startLab } from '../../controller/lab/lab.js';
import type { Lab } from '../../controller/lab/lab.js';
import { POLICY_A, POLICY_B } from './support/contents.js';
import { letWindowPass } from './support/deadman.js';
import { one, two } from './support/generations.js';
import { NONCE, Session, agent } from './support/agent-host.js';

let folder: string;
let lab: Lab;

beforeEach(async () => {
  folder = fs.mkdtempSync(join(tmpdir(), 'agent-lab-'));
  const address = parseAddress('10.0.0.1');
  if (address === undefined) throw new Error('address');
  lab = await startLab({ folder, hosts: [{ name: 'web1', addresses: [address] }] });
});
afterEach(async () => {
  await lab.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

/** Each rule of these policies is loaded for IPv4 and for IPv6. */
const loaded = (policy: string): string[] =>
  policy
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .flatMap((line) => [line, line]);

class OnLab {
  rules: readonly string[] = [];
  readonly host = lab.host('web1');
  readonly state = join(this.host.root, 'var/ipsec-deploy');
  read(file: string): string | undefined {
    const path = join(this.host.root, file);
    return fs.existsSync(path) ? fs.readFileSync(path, 'utf8') : undefined;
  }
  spd(): readonly string[] {
    return this.rules;
  }
  async open(): Promise<Session> {
    const session = new Session(this, this.host.start(['/bin/sh', '-s', '--', agent.digest]));
    await session.start();
    return session;
  }
  async observed(): Promise<string> {
    const session = await this.open();
    const { lines } = await session.ask('observe');
    session.send('bye\n');
    // Without the clock, file times and kernel numbers; svcs lists by time of change.
    return lines
      .map((line) => line.replace(session.mark, 'M'))
      .filter((line) => !/name=time|^[-d]r|^#INDEX/.test(line))
      .sort()
      .join('\n');
  }
}

async function onGenerationOne(): Promise<OnLab> {
  const host = new OnLab();
  const session = await host.open();
  const reply = await session.apply({ files: one, spd: loaded(POLICY_A), ike: 'start' });
  expect(reply.last, session.heard).toContain('state=verified');
  expect((await session.ask(`confirm id=T1 nonce=${NONCE}`)).last).toContain('state=confirmed');
  session.send('bye\n');
  host.rules = loaded(POLICY_A);
  return host;
}

describe('on a lab host', () => {
  it('applies policy, keys and IKE, twice', async () => {
    const host = await onGenerationOne();
    const session = await host.open();
    const reply = await session.apply({ generation: 2, expect: 1, files: two, spd: loaded(POLICY_B), ike: 'restart' });
    expect(reply.last, session.heard).toContain('state=verified');
    expect((await session.ask(`confirm id=T2 nonce=${NONCE}`)).last).toContain('state=confirmed');
    const seen = await host.observed();
    expect(seen).toContain('M fact name=daemon text=running');
    expect(seen).toMatch(/esp 0x1001 10\.0\.0\.2 encr=\S+ auth=\S+ key=same src=10\.0\.0\.1/);
    expect(seen).toMatch(/online +svc:\/network\/ipsec\/manual-key:default/);
    expect(seen).toMatch(/online +svc:\/site\/ipsec-deploy-guard:default/);
    expect(seen).toContain('M generation current=2');
    expect(session.heard).not.toMatch(/(a1|b2|c3|d4){8}|stderr/);
  });

  it('takes back by the dead-man what nobody confirms', async () => {
    const host = await onGenerationOne();
    const before = await host.observed();
    const session = await host.open();
    const reply = await session.apply({
      window: 600,
      generation: 2,
      expect: 1,
      files: two,
      spd: loaded(POLICY_B),
      ike: 'restart',
    });
    expect(reply.last, session.heard).toContain('state=verified');
    await letWindowPass(host.state);
    while (fs.existsSync(join(host.state, 'tx'))) await delay(20);
    expect(await host.observed()).toBe(before);
    expect((await session.ask('status id=T2')).records.join('\n')).toContain(
      'outcome id=T2 state=reverted generation=1',
    );
  });

  it('takes back on first contact, to no policy and no keys', async () => {
    const host = new OnLab();
    const before = (await host.observed()).replace(/\n.*ipsec-deploy-guard.*/, '');
    const session = await host.open();
    await session.apply({ files: one, spd: loaded(POLICY_A), ike: 'start' });
    expect((await session.ask('abort id=T1')).last, session.heard).toContain('state=reverted generation=none');
    expect((await host.observed()).replace(/\n.*ipsec-deploy-guard.*/, '')).toBe(before);
  });

  it.each(['read', 'policy', 'ike', 'verify'])(
    'a power cut after %s: the boot guard brings the old generation back',
    async (step) => {
      const host = await onGenerationOne();
      const before = await host.observed();
      const session = await host.open();
      let cut: Promise<void> | undefined;
      session.onLine = (line) => {
        if (line.includes(`name=${step} state=done`)) cut ??= host.host.powerCut();
      };
      await session
        .apply({ generation: 2, expect: 1, files: two, spd: loaded(POLICY_B), ike: 'restart' })
        .catch(() => undefined);
      await cut;
      await host.host.boot();
      await host.host.machine.idle();
      expect(fs.existsSync(join(host.state, 'tx'))).toBe(false);
      expect(await host.observed()).toBe(before);
    },
  );
});
