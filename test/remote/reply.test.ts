import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Manifest } from '../../controller/model/observation.js';
import { ReplyReader, sectionText } from '../../controller/remote/agent-reply.js';
import type { ReplyItem, ReplySection } from '../../controller/remote/agent-reply.js';
import {
  observedFiles,
  octalMode,
  parseDigests,
  parseSad,
  parseServices,
} from '../../controller/remote/host-listings.js';
import { shown } from '../../controller/remote/host-text.js';
import { LineLimitError, LineSplitter } from '../../controller/remote/line-splitter.js';
import { manifestText, parseManifest } from '../../controller/remote/manifest-text.js';
import { ReplyError } from '../../controller/remote/reply-error.js';
import {
  parseFingerprints,
  parseGeneration,
  parseObservation,
  parseStatus,
} from '../../controller/remote/reply-values.js';
import { parseOutcome, parseStep } from '../../controller/remote/step-reply.js';
import { marked } from './fake-agent.js';
import { OBSERVED } from './observed-host.js';
import { MARK } from './ssh-server.js';

function items(text: string): ReplyItem[] {
  const reader = new ReplyReader(MARK);
  return marked(text)
    .split('\n')
    .flatMap((line) => reader.push(line) ?? []);
}

function section(text: string): ReplySection {
  const [first] = items(text);
  if (first?.kind !== 'section') throw new Error('no section');
  return first;
}

const SUM = 'ab'.repeat(32);

describe('listings of the host', () => {
  test.each([
    ['Solaris', '-r--------   1 0        3            512 Nov 22 10:15 /etc/inet/ike/config', '0400', 0, 3],
    ['Solaris, ACL', '-r--------+  1 0        3            512 Nov 22  2025 /etc/inet/ike/config', '0400', 0, 3],
    ['Solaris, extended attributes', '-r--------@  1 0  3  512 Nov 22 10:15 /etc/inet/ike/config', '0400', 0, 3],
    ['GNU', '-rw-r--r-- 1 1000 1000 12 Nov 22 10:15 /etc/inet/ike/config', '0644', 1000, 1000],
    ['GNU, security context', '-rw-------. 1 0 0 12 Nov  2 10:15 /etc/inet/ike/config', '0600', 0, 0],
    ['GNU, long ISO date', '-rw------- 1 0 0 12 2026-11-22 10:15:00.000 +0000 /etc/inet/ike/config', '0600', 0, 0],
    ['a link', 'lrwxrwxrwx 1 0 0 12 Nov 22 10:15 /etc/inet/ike/config -> /tmp/x', '0777', 0, 0],
  ])('ls -ln of %s', (_what, line, mode, uid, gid) => {
    const kind = line.startsWith('l') ? { type: 'link', linkTo: '/tmp/x' } : { type: 'file' };
    const file = { path: '/etc/inet/ike/config', state: 'present', ...kind, mode, uid, gid };
    expect(observedFiles([line], [])[0]).toEqual(file);
  });

  test.each([
    ['r--------', '0400'],
    ['rwxr-xr-x', '0755'],
    ['rwsr-sr-t', '7755'],
    ['rwSr-lr-T', '7644'],
    ['---------', '0000'],
  ])('mode %s is %s', (text, mode) => expect(octalMode(text)).toBe(mode));

  test('what ls does not find is absent', () => {
    const files = observedFiles(['ls: cannot access /etc/inet/ike/config: No such file or directory', 'total 0'], []);
    expect(files).toHaveLength(4);
    expect(new Set(files.map(({ state }) => state))).toEqual(new Set(['absent']));
  });

  test.each([
    [`(/etc/inet/ike/config) = ${SUM}`],
    [`sha256 (/etc/inet/ike/config) = ${SUM.toUpperCase()}`],
    [`${SUM}  /etc/inet/ike/config`],
    [`${SUM} */etc/inet/ike/config`],
  ])('digest %s', (line) => expect(parseDigests([line])).toEqual(new Map([['/etc/inet/ike/config', SUM]])));

  test('services in every state, also those that are not there', () => {
    const lines = [
      'online         svc:/network/ipsec/policy:default',
      'offline*  svc:/network/ipsec/ike:ikev2',
      'svcs: Pattern x',
    ];
    expect([...parseServices(lines)]).toEqual([
      ['network/ipsec/policy', 'online'],
      ['network/ipsec/ike:ikev2', 'offline*'],
    ]);
  });

  test.each([
    ['ls', () => observedFiles(['rubbish'], [])],
    ['digest', () => parseDigests(['abc  /etc/inet/ike/config'])],
    ['svcs', () => parseServices(['online'])],
    ['SA', () => parseSad(['esp 0x1 10.0.0.1 key=maybe'])],
    ['SA with a name', () => parseSad(['esp 0x1 host key=same'])],
  ])('a malformed line of %s is told', (_what, parse) => expect(parse).toThrow(ReplyError));

  test('an error shows no key that stood in the line', () => {
    expect(() => parseSad([`esp 0x1 ${SUM}`])).toThrow(/expected an SA, found: esp 0x1 \[masked\]$/);
  });
});

describe('sections', () => {
  test.each([['a\nb\n'], ['a\nb'], ['\n'], [''], ['a\n\n']])('give back %j as it was', (text) => {
    expect(sectionText(section(`@ begin file path=x\n${text}\n@ end file status=0\n`))).toBe(text);
  });

  test('keep fields with blanks only in text=', () => {
    expect(items('@ step name=arm state=done text=armed, a=b  c\n')).toMatchObject([
      {
        fields: new Map([
          ['name', 'arm'],
          ['state', 'done'],
          ['text', 'armed, a=b  c'],
        ]),
      },
    ]);
  });
});

describe('values', () => {
  test('status with an open transaction, kept generations and history', () => {
    const status = parseStatus(
      section(`@ begin status
@ transaction id=T8 state=armed step=verify generation=8 reverts_in=42
@ generation current=7 run=r7 confirmed=2026-11-22T10:15:00Z
@ kept generation=6 run=r6 made=2026-11-21T10:15:00Z
@ history text=2026-11-22T10:15:00Z T7 confirmed generation=7
@ outcome id=T7 state=confirmed generation=7
@ end status status=0
`),
    );
    expect(status).toEqual({
      generation: 7,
      run: 'r7',
      kept: [{ generation: 6, run: 'r6', made: '2026-11-21T10:15:00Z' }],
      openTransaction: { id: 'T8', state: 'armed', step: 'verify', generation: 8, revertsInSeconds: 42 },
      history: ['2026-11-22T10:15:00Z T7 confirmed generation=7'],
      outcome: { state: 'confirmed', id: 'T7', generation: 7 },
    });
  });

  test('a host before its first transaction has no generation', () => {
    const text = OBSERVED.replace(/@ generation .*\n/, '@ generation current=none\n').replace(
      /@ begin manifest[\s\S]*?@ end manifest.*\n/,
      '',
    );
    expect(parseObservation(section(text))).toMatchObject({
      generation: undefined,
      run: undefined,
      manifest: undefined,
    });
  });

  test('fingerprints of keys', () => {
    const keys = parseFingerprints(
      section(`@ begin fingerprints
@ key kind=psk local=10.0.0.1 remote=10.0.0.2 bits=256 fingerprint=0123456789abcdef
@ key kind=sa type=esp spi=0x1001 dst=10.0.0.2 part=auth bits=160 fingerprint=fedcba9876543210
@ end fingerprints
`),
    );
    expect(keys).toEqual([
      { kind: 'psk', part: 'psk', identity: '10.0.0.1 10.0.0.2', bits: 256, fingerprint: '0123456789abcdef' },
      { kind: 'sa', part: 'auth', identity: 'esp 0x1001 10.0.0.2', bits: 160, fingerprint: 'fedcba9876543210' },
    ]);
  });

  test('a generation with its files', () => {
    const text = manifestText({ generation: 3, run: 'r3', made: '2026-11-22T10:15:00Z', files: [], keys: [] });
    const stored = parseGeneration(
      section(
        `@ begin generation\n@ begin manifest\n${text}\n@ end manifest status=0\n@ begin file path=/etc/inet/ike/config\np1 {\n}\n\n@ end file status=0\n@ end generation status=0\n`,
      ),
    );
    expect(stored).toMatchObject({
      manifest: { generation: 3 },
      files: [{ path: '/etc/inet/ike/config', text: 'p1 {\n}\n' }],
    });
  });

  test.each([
    ['state=verified generation=7 reverts_in=58', { state: 'verified', generation: 7, revertsInSeconds: 58 }],
    ['state=confirmed generation=7', { state: 'confirmed', generation: 7 }],
    [
      'state=reverted generation=6 step=policy text=no',
      { state: 'reverted', generation: 6, step: 'policy', text: 'no' },
    ],
    ['state=reverted generation=none step=arm text=no', { state: 'reverted', generation: undefined }],
    ['state=refused generation=6 text=stale', { state: 'refused', text: 'stale' }],
    ['state=failed generation=? step=revert text=help', { state: 'failed', step: 'revert' }],
    ['state=unknown text=no such', { state: 'unknown' }],
  ])('outcome %s', (text, expected) => {
    const [record] = items(`@ outcome id=T1 ${text}\n`);
    if (record?.kind !== 'record') throw new Error('no record');
    expect(parseOutcome(record)).toMatchObject({ id: 'T1', ...expected });
  });

  test('a manifest comes back as it was sent', () => {
    const word = fc.stringMatching(/^[!-~]+$/);
    const sha256 = fc.stringMatching(/^[0-9a-f]{64}$/);
    const manifest: fc.Arbitrary<Manifest> = fc.record({
      generation: fc.nat(),
      run: word,
      made: word,
      files: fc.array(fc.record({ path: word, mode: fc.constantFrom('0400', '0600'), sha256 })),
      keys: fc.array(fc.record({ id: word, part: word, bits: fc.nat(), fingerprint: word })),
    });
    fc.assert(
      fc.property(manifest, (value) => {
        expect(parseManifest(manifestText(value).split('\n'))).toEqual(value);
      }),
    );
  });
});

describe('whatever a host says', () => {
  const line = fc.oneof(
    fc.string(),
    fc.constantFrom(...marked(OBSERVED).split('\n')),
    fc
      .tuple(fc.constantFrom('begin', 'end', 'step', 'outcome', 'fact', 'kept', 'transaction'), fc.string())
      .map((words) => `${MARK} ${words.join(' ')}`),
  );

  test('is understood or refused as malformed, never a crash', () => {
    const parsers = [parseObservation, parseStatus, parseGeneration, parseFingerprints];
    fc.assert(
      fc.property(fc.array(line, { maxLength: 60 }), (lines) => {
        try {
          const reader = new ReplyReader(MARK);
          for (const text of lines) {
            const item = reader.push(text);
            if (item?.kind === 'section') for (const parse of parsers) parse(item);
            if (item?.kind === 'record') {
              parseStep(item, []);
              parseOutcome(item);
            }
          }
        } catch (error) {
          expect(error).toBeInstanceOf(ReplyError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('with any one line of an observation replaced is understood or refused', () => {
    const lines = marked(OBSERVED).split('\n');
    fc.assert(
      fc.property(fc.nat(lines.length - 1), line, (at, text) => {
        try {
          const reader = new ReplyReader(MARK);
          for (const one of lines.with(at, text)) {
            const item = reader.push(one);
            if (item?.kind === 'section') parseObservation(item);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(ReplyError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('is shown without long hex and control characters', () => {
    fc.assert(
      fc.property(fc.string(), fc.stringMatching(/^[0-9a-fA-F]{16,200}$/), (around, hex) => {
        const text = shown(`${around}${hex}\u001b]0;x\u0007\u009b\u202e${around}`);
        expect(text).not.toMatch(/[0-9a-f]{16}/i);
        expect(text).not.toMatch(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u202e]/);
      }),
    );
  });

  test('is cut into the same lines wherever its packets end', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\n', ''))),
        fc.infiniteStream(fc.integer({ min: 1, max: 9 })),
        (texts, sizes) => {
          const bytes = Buffer.from(texts.map((text) => `${text}\n`).join(''));
          const splitter = new LineSplitter({ lineBytes: 1e6, totalBytes: 1e6 });
          const lines: string[] = [];
          for (let at = 0; at < bytes.length;) {
            const size = sizes.next().value;
            lines.push(...splitter.push(bytes.subarray(at, at + size)));
            at += size;
          }
          expect(lines).toEqual(texts.map((text) => Buffer.from(text).toString()));
        },
      ),
    );
  });

  test('beyond the limits is refused', () => {
    expect(() => new LineSplitter({ lineBytes: 4, totalBytes: 99 }).push(Buffer.from('12345'))).toThrow(LineLimitError);
    const splitter = new LineSplitter({ lineBytes: 4, totalBytes: 5 });
    splitter.push(Buffer.from('1\n2\n'));
    expect(() => splitter.push(Buffer.from('3\n'))).toThrow(LineLimitError);
  });
});
