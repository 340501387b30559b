/** A file system that is full or read-only in the middle of a transaction. Needs a small file system of its own, so only where one can be mounted. */

import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { one, two } from './support/generations.js';
import { AgentHost, NONCE } from './support/agent-host.js';

function shell(script: string, ...args: string[]): boolean {
  return spawnSync('sh', ['-c', script, 'sh', ...args]).status === 0;
}

function canMount(): boolean {
  const folder = fs.mkdtempSync(join(tmpdir(), 'agent-mount-'));
  const can = shell('mount -t tmpfs -o size=64k t "$1" && umount "$1"', folder);
  fs.rmSync(folder, { recursive: true });
  return can;
}

const isMountable = canMount();
if (!isMountable) console.log('full and read-only file systems skipped: none can be mounted here');

describe.skipIf(!isMountable)('a file system', () => {
  let host: AgentHost;
  let mounted = '';

  afterEach(async () => {
    host.sessions.forEach((session) => session.end());
    await host.untilQuiet();
    shell('umount -l "$1"', mounted);
    await host.dispose();
  });

  const MOMENTS = ['name=arm state=begin', 'name=read state=begin', 'name=policy state=begin', 'confirm'];
  // A state folder that is read-only while its files are open cannot be had from a file system that is well.
  const SORTS = [
    ['var/ipsec-deploy', 'full'],
    ['etc/inet', 'full'],
    ['etc/inet', 'read-only'],
  ] as const;
  const cases = SORTS.flatMap(([folder, how]) => MOMENTS.map((moment) => [folder, how, moment] as const));

  it.each(cases)(
    '%s that is %s from "%s" on: once it can be written to again, all is of one generation',
    async (folder, how, moment) => {
      host = new AgentHost();
      const first = await host.open();
      expect((await first.apply({ files: one, ike: 'start' })).last).toContain('state=verified');
      expect((await first.ask(`confirm id=T1 nonce=${NONCE}`)).last).toContain('state=confirmed');
      first.end();
      await host.untilQuiet();
      mounted = host.path(folder);
      const copy =
        'cp -a "$1" "$1.was" && mount -t tmpfs -o size=1m,mode=700 t "$1" && cp -a "$1.was/." "$1" && rm -r "$1.was"';
      expect(shell(copy, mounted)).toBe(true);
      const before = host.picture();
      const hit = (): void => {
        shell(how === 'full' ? 'cat /dev/zero >"$1/.fill"' : 'mount -o remount,ro "$1"', mounted);
      };
      const session = await host.open();
      session.onLine = (line) => {
        if (line.includes(moment)) hit();
      };
      const change = { generation: 2, expect: 1, files: two, ike: 'restart', window: 3 };
      let { last } = await session.apply(change);
      const wasVerified = last.includes('state=verified');
      if (wasVerified) {
        if (moment === 'confirm') hit();
        last = (await session.ask(`confirm id=T2 nonce=${NONCE}`)).last;
      }
      const after = host.picture();
      shell('mount -o remount,rw "$1"; rm -f "$1/.fill"', mounted);
      const healer = await host.open();
      const healed = (await healer.ask('abort id=T2')).last;
      await host.until('it is over', () => host.read('var/ipsec-deploy/tx/armed') === undefined, 15);
      const told = `${last} -> ${healed}`;
      const known = (await healer.ask('status')).records.join('\n');
      if (known.includes('generation current=2')) expect(told).toContain('state=confirmed');
      else {
        expect(host.picture(), told).toEqual(before);
        expect(last).not.toContain('state=confirmed');
      }
      if (last.includes('state=reverted')) expect(after).toEqual(before);
    },
    60_000,
  );
});
