/** Flows tried from a host: each kind of tool that hosts have, none at all, one that hangs or lies; and what SAs have carried. */

import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { agentFolder } from '../../controller/cli/package-files.js';
import type { ProbeReport } from '../../controller/model/probe.js';
import { DUMP_END, HERE, ProbeHost, THERE, dumped, icmp, tcp } from './support/probe-host.js';
import type { Session } from './support/agent-host.js';
import { countProcesses } from './support/process-count.js';
import { wantedShells } from './support/shells.js';
import { writesIn } from './support/writes.js';

const OTHERS = '10.9.9.9';

function told({ replies }: ProbeReport): Readonly<Record<string, string>> {
  return Object.fromEntries(replies.map(({ id, answer, means }) => [id, `${answer} ${means}`.trim()]));
}

describe.each(wantedShells())('under $name', ({ program }) => {
  let host: ProbeHost;
  afterEach(async () => {
    expect(await host.dispose(), 'nothing of it lives on').toEqual([]);
  });

  function fresh(): ProbeHost {
    host = new ProbeHost(program);
    host.dumps(dumped('ESP', '0x1001', HERE, THERE, 84) + DUMP_END);
    return host;
  }

  it('open, closed and silent are told apart, with a tool that would wait for minutes, by a session that writes nothing', async () => {
    fresh().tools({ nc: 'illumos', ping: 'gnu' });
    const session = await host.open('readonly');
    const probes = [tcp('ssh', 22), tcp('closed', 81), tcp('silent', 99), icmp('echo'), icmp('no-echo', OTHERS)];
    const report = await host.probe(session, probes);
    expect(told(report)).toEqual({
      ssh: 'open nc',
      closed: 'closed nc',
      silent: 'silent nc',
      echo: 'open ping',
      'no-echo': 'silent ping',
    });
    expect(report.replies[1]?.text).toContain('Connection refused');
    expect(report.before).toEqual([{ type: 'esp', spi: '0x1001', src: HERE, dst: THERE, bytes: 84 }]);
    expect(report.after).toEqual(report.before);
    expect(fs.existsSync(host.state)).toBe(false);
    expect((await host.section(session, 'observe\n', 'observe')).status, 'the agent listens on').toBe(0);
  });

  it('each kind of tool says it in its words, and the next has its turn where one cannot', async () => {
    fresh();
    const session = await host.open('readonly');
    const both = [tcp('open', 22), tcp('closed', 81)];
    for (const [tools, means] of [
      [{ nc: 'openbsd' }, 'nc'],
      [{ nc: 'hobbit' }, 'nc'],
      [{ nc: 'ncat' }, 'nc'],
      [{ nc: 'small', ksh93: 'opens' }, 'ksh93'],
      [{ nc: 'lies', ksh93: 'cannot', ksh: 'opens' }, 'ksh'],
      [{ ksh: 'cannot', bash: 'opens' }, 'bash'],
    ] as const) {
      host.tools(tools);
      expect(told(await host.probe(session, both))).toEqual({ open: `open ${means}`, closed: `closed ${means}` });
    }
    for (const ping of ['solaris', 'busybox', 'inetutils']) {
      host.tools({ ping });
      expect(told(await host.probe(session, [icmp('echo')]))).toEqual({ echo: 'open ping' });
    }
    expect(host.calls()).not.toContain('two hosts');
  });

  it('what a host has no means for is untried, and says why', async () => {
    fresh().tools({ nc: 'small', ksh93: 'cannot', ksh: 'cannot', bash: 'cannot' });
    const session = await host.open('readonly');
    const { replies } = await host.probe(session, [tcp('a', 22), icmp('b')]);
    expect(replies.map(({ answer, means }) => [answer, means])).toEqual([
      ['untried', ''],
      ['untried', ''],
    ]);
    expect(replies[0]?.text).toContain('No such file');
    host.tools({ nc: 'elsewhere', bash: 'opens' });
    const [reply] = (await host.probe(session, [tcp('a', 22)])).replies;
    expect(reply).toMatchObject({ answer: 'untried', text: expect.stringContaining('Cannot assign') });
  });

  it('a word that is not what it should be refuses the whole block, and no tool is called', async () => {
    fresh().tools({ nc: 'openbsd', ping: 'gnu' });
    const session = await host.open('readonly');
    host.forgetCalls();
    const good = `@try id=a protocol=tcp source=${HERE} destination=${THERE} port=22`;
    const change = (from: string, to: string): string => `probe deadline=2\n${good.replace(from, to)}\n`;
    const many = Array.from({ length: 65 }, (_, i) => good.replace('id=a', `id=a${i}`)).join('\n');
    for (const block of [
      ...['0', '1', '121', '2;id', '', '-2', '99999999999'].map((seconds) => `probe deadline=${seconds}\n${good}\n`),
      ...['id=', 'id=-e', 'id=a;id', 'id=$(id)', 'id=*', 'id=../a'].map((id) => change('id=a', id)),
      ...['udp', '-tcp', ''].map((protocol) => change('protocol=tcp', `protocol=${protocol}`)),
      ...['-I', '$(id)', '`id`', '10.0.1.12;id', 'web1', '10.0.1.*', '', '1'.repeat(46), '1234'].flatMap((text) => [
        change(HERE, text),
        change(THERE, text),
      ]),
      ...['0', '65536', '22-80', '-1', '022', '', '22;id', '99999999999'].map((port) =>
        change('port=22', `port=${port}`),
      ),
      change('protocol=tcp', 'protocol=icmp'),
      change('@try', '@retry'),
      `probe deadline=2\n${good}\n${good}\n`,
      `probe deadline=2\n${many}\n`,
    ])
      await expect(host.section(session, `${block}#@end\n\n\n\n`, 'probe'), block.slice(0, 200)).rejects.toThrow(
        /not a try|deadline=/,
      );
    for (const among of ['$(id)', '10.0.0.1;id', 'web1', '-n'])
      await expect(host.counters(session, `counters among=${among}\n`)).rejects.toThrow('among=');
    expect(host.calls()).toEqual([]);
    expect(told(await host.probe(session, [tcp('a', 22)])), 'it listens on').toEqual({ a: 'open nc' });
  });

  it('of a block that is cut off nothing is tried', async () => {
    fresh().tools({ nc: 'openbsd' });
    const session = await host.open('readonly');
    host.forgetCalls();
    session.send(`probe deadline=2\n@try id=a protocol=tcp source=${HERE} destination=${THERE} port=22\n`);
    session.end();
    await host.until('it ends', () => session.over);
    expect(host.calls()).toEqual([]);
  });

  it('counters are those of whole SAs: no key, nothing half made, both directions of one as one', async () => {
    fresh().dumps(
      [
        dumped('ESP', '0x1001', HERE, THERE, 84),
        dumped('AH', '0x2', '0.0.0.0', HERE, '18446744073').replace('protected', '(17.18 GB) protected'),
        dumped('ESP', '0xABCDEF01', 'fd00::11', 'fd00::12', 7).replace('MATURE', 'DYING'),
        dumped('ESP', '0x3', HERE, THERE, 5).replace('MATURE', 'LARVAL'),
        dumped('ESP', '0x4', HERE, THERE, 6),
        dumped('ESP', '0x4', HERE, THERE, 10),
        dumped('ESP', '0x5', HERE, THERE, 6).replace(/^DST: AF.*\n/m, ''),
        DUMP_END,
      ].join(''),
    );
    const session = await host.open('readonly');
    host.forgetCalls();
    expect(await host.counters(session)).toEqual([
      { type: 'esp', spi: '0x1001', src: HERE, dst: THERE, bytes: 84 },
      { type: 'ah', spi: '0x2', src: undefined, dst: HERE, bytes: 18446744073 },
      { type: 'esp', spi: '0xabcdef01', src: 'fd00::11', dst: 'fd00::12', bytes: 7 },
      { type: 'esp', spi: '0x4', src: HERE, dst: THERE, bytes: 16 },
    ]);
    expect(host.calls()).toEqual(['ipseckey -n -p dump']);
    expect(session.heard).not.toContain('XX');
    host.dumps(dumped('ESP', '0x1001', HERE, THERE, 84));
    await expect(host.counters(session), 'cut off').rejects.toThrow('status 1');
    host.dumps('', 'exit 1');
    await expect(host.counters(session)).rejects.toThrow('status 1');
  });

  it('of a host with very many SAs those between the addresses asked for are told', async () => {
    fresh();
    const spi = (i: number): string => `0x${(4096 + i).toString(16)}`;
    const many = Array.from({ length: 300 }, (_, i) => dumped('ESP', spi(i), HERE, `10.1.${i >> 8}.${i & 255}`, i));
    host.dumps([...many, dumped('ESP', '0x77', 'fd00:0::11', 'fd00::12', 9), DUMP_END].join(''));
    const session = await host.open('readonly');
    expect(await host.counters(session)).toHaveLength(301);
    const some = await host.counters(session, `counters among=${HERE},10.1.0.5,fd00::11,fd00::12\n`);
    expect(some.map((count) => count.spi)).toEqual([spi(5), '0x77']);
    const { before } = await host.probe(session, []);
    expect(before, 'no address was named').toHaveLength(301);
  });
});

const strace = spawnSync('strace', ['-V']).status === 0;
if (!strace) console.log('processes and writes of probes are not looked at: strace is not here');

it.skipIf(!strace).each(wantedShells())(
  'probes write nothing, and cost what agent/README.md says (under $name)',
  async ({ program }) => {
    const host = new ProbeHost(program);
    host.tools({ nc: 'openbsd' });
    host.dumps(dumped('ESP', '0x1001', HERE, THERE, 84) + DUMP_END);
    const cost = async (name: string, ask: (session: Session) => Promise<unknown>): Promise<number> => {
      const file = join(host.base, name);
      host.shell = ['strace', '-f', '-y', '-qq', '-e', 'trace=process,file,desc', '-o', file, ...program];
      const session = await host.open('readonly');
      await ask(session);
      session.send('bye\n');
      await host.until('it ends', () => session.over);
      expect(writesIn(file, host.path('usr/'))).toEqual([]);
      return countProcesses(file, host.path('usr/')).count;
    };
    // Sent along and kept in memory, which costs the same each time.
    const session = await cost('session', () => Promise.resolve());
    const measured = {
      counters: (await cost('counters', (one) => host.counters(one))) - session,
      probe: (await cost('probe', (one) => host.probe(one, [tcp('a', 22), tcp('b', 81)]))) - session,
    };
    console.log(JSON.stringify(measured));
    // 4, and 12 with 4 for each flow; each of the three watches naps once more for each second that the machine takes.
    expect(measured.counters).toBeLessThanOrEqual(4 + 2);
    expect(measured.probe).toBeLessThanOrEqual(12 + 2 * 4 + 6);
    expect(await host.dispose()).toEqual([]);
  },
);

it('a host without any tool tries nothing', () => {
  const read = (name: string): string => fs.readFileSync(join(agentFolder, name), 'utf8');
  const script = `${read('lib/reply.sh')}\n${read('lib/probe.sh')}\nPATH=/nowhere\ntry_flow a tcp 10.0.0.1 10.0.0.2 22\ntry_flow b icmp 10.0.0.1 10.0.0.2\n`;
  const { stdout, stderr } = spawnSync('/bin/sh', ['-s'], { input: script, encoding: 'utf8' });
  expect(stdout).toBe('spent a neither nc nor a shell that opens /dev/tcp is here\nspent b ping is not here\n');
  expect(stderr).toBe('');
});
