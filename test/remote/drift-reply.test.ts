import { describe, expect, test } from 'vitest';
import type { DriftReport } from '../../controller/model/observation.js';
import { ReplyReader } from '../../controller/remote/agent-reply.js';
import { parseDriftReport } from '../../controller/remote/drift-reply.js';
import { listedFiles, listedTime } from '../../controller/remote/listed-files.js';
import { ReplyError, ToolError } from '../../controller/remote/reply-error.js';
import { marked } from './fake-agent.js';
import { DRIFTED } from './observed-host.js';
import { MARK } from './ssh-server.js';

function report(text: string): DriftReport {
  const reader = new ReplyReader(MARK);
  const reply = marked(text)
    .split('\n')
    .flatMap((line) => reader.push(line) ?? [])
    .find((item) => item.kind === 'section');
  if (reply === undefined) throw new Error('no section');
  return parseDriftReport(reply);
}

describe('the answer to drift', () => {
  test('of an illumos host is told in full', () => {
    expect(report(DRIFTED)).toMatchObject({
      time: '2026-11-22T10:15:00Z',
      generation: 6,
      openTransaction: { id: 'T7', state: 'verified', revertsInSeconds: 0 },
      stateFolder: { type: 'folder', mode: '0700', uid: 0, modified: '2026-11-22T09:58:07Z' },
      agents: ['cc'.repeat(32)],
      guard: { script: 'cc'.repeat(32), scriptIsShipped: false, manifest: 'differs' },
      leftovers: [
        {
          kind: 'copy',
          path: '/etc/inet/secret/ipseckeys.old copy',
          file: { mode: '0644', modified: '2025-12-03T00:00:00Z' },
        },
        { kind: 'state', path: '/var/ipsec-deploy/?', file: undefined },
      ],
      keepers: [{ name: 'deadman', state: 'gone' }],
      unarmed: false,
      history: ['2026-11-21T09:00:00Z T6 confirmed generation=6 run=r6'],
      settled: false,
      daemon: {
        state: 'running',
        phase1: { current: 2, total: 12, attempted: 14, failed: 1 },
        rules: [
          { label: 'to db 2', state: 'same' },
          { label: 'gone', state: 'missing' },
        ],
        peers: [{ local: '10.0.0.1', remote: '10.0.0.2', phase1: 2, sasOut: 0, sasIn: 0 }],
      },
    });
  });

  test('tells links and times of managed files, absent ones too', () => {
    const files = new Map(report(DRIFTED).files.map((file) => [file.path, file]));
    expect(files.get('/etc/inet/ipsecinit.conf')).toEqual({
      path: '/etc/inet/ipsecinit.conf',
      state: 'present',
      type: 'file',
      mode: '0400',
      uid: 0,
      gid: 3,
      links: 2,
      modified: '2026-11-20T08:00:01Z',
      sha256: 'aa'.repeat(32),
    });
    expect(files.get('/etc/inet/ike/config')).toMatchObject({ type: 'link', linkTo: '/root/my \\x1bconfig' });
    expect(files.get('/etc/inet/secret/ipseckeys')).toEqual({ path: '/etc/inet/secret/ipseckeys', state: 'absent' });
  });

  test('tells limits of SAs, and services with since when', () => {
    const { sad, serviceDetails } = report(DRIFTED);
    expect(sad.map(({ spi, hard, expiresInSeconds }) => [spi, hard, expiresInSeconds])).toEqual([
      ['0x1001', { addSeconds: 3600, bytes: 2 ** 64 }, 120],
      ['0x1002', undefined, undefined],
    ]);
    expect(serviceDetails.get('network/ipsec/ike')).toEqual({
      enabled: false,
      since: '2026-11-20T08:00:00Z',
      configFile: '/etc/inet/my ike config',
    });
    expect(serviceDetails.get('site/ipsec-deploy-guard')).toEqual({
      enabled: undefined,
      since: undefined,
      configFile: undefined,
    });
  });

  test.each([
    ['no time', /@ fact name=time .*\n/, ''],
    ['a time that is none', /name=time text=.*/, 'name=time text=noon'],
    ['no word of the guard', /@ guard .*\n/, ''],
    ['a state nobody knows', 'state=gone', 'state=asleep'],
    ['a leftover of no kind', 'kind=copy', 'kind=odd'],
    ['a limit that is no number', 'hard_add=3600', 'hard_add=soon'],
    ['an agent by another name', /agent digest=\S+/, 'agent digest=boot'],
    ['half a counter', ' total=12', ''],
    ['a listing that is none', '-r--------   2 0', 'total 0'],
    ['a policy that was cut off', '@ end spd status=0', '#INDEX 99\n@ end spd status=0'],
  ])('with %s is refused', (_what, from, to) => {
    expect(DRIFTED.replace(from, to)).not.toBe(DRIFTED);
    expect(() => report(DRIFTED.replace(from, to))).toThrow(ReplyError);
  });

  test('of a host that cannot list its policy says whose fault that is', () => {
    expect(() => report(DRIFTED.replace('end spd status=0', 'end spd status=1'))).toThrow(ToolError);
  });
});

describe('times of ls', () => {
  const now = new Date('2026-02-10T12:00:00Z');
  test.each([
    ['illumos ls -E', '2026-02-01 10:15:07.123456789 +0000', '2026-02-01T10:15:07Z'],
    ['GNU --full-time in another zone', '2026-02-01 10:15:07.1 +0530', '2026-02-01T04:45:07Z'],
    ['busybox', '2026-02-01 10:15:07 +0000', '2026-02-01T10:15:07Z'],
    ['a short date of this year', 'Feb 1 10:15', '2026-02-01T10:15:00Z'],
    ['a short date of last year', 'Nov 22 10:15', '2025-11-22T10:15:00Z'],
    ['a short date a moment ahead of the clock', 'Feb 10 12:01', '2026-02-10T12:01:00Z'],
    ['an old date', 'Nov 22 2019', '2019-11-22T00:00:00Z'],
    ['words of another locale', '22 nov. 10:15', undefined],
    ['a day that is none', '2026-13-45 10:15:07 +0000', undefined],
  ])('%s', (_what, words, expected) => {
    const [first = '', second = '', third = ''] = words.split(' ');
    expect(listedTime(first, second, third, now)).toBe(expected);
  });

  test('a device is told as one, and a door is something else', () => {
    const lines = ['crw-rw---- 1 0 3 190, 12 Feb  1 10:15 /etc/inet/ike/config', 'Drw-r--r-- 1 0 0 0 Feb  1 10:15 /x'];
    expect([...listedFiles(lines, new Map(), now).values()].map(({ type }) => type)).toEqual(['device', 'other']);
  });
});
