/** The web server and its peer of the platform reference: the table of what passes between them, as the link's report says it. */

import { describe, expect, test } from 'vitest';
import { pictureOfTexts, type HostPicture } from '../../../controller/proof/host-picture.js';
import { flowRegions, linkReport } from '../../../controller/proof/pair-findings.js';
import { flowText, flowTexts } from '../../../controller/policy/region-text.js';
import { link } from '../../support/render-fleet.js';
import { NAMES } from '../policy/corpus.js';
import { address } from './pairs-hosts.js';

const BLOWFISH = 'encr_algs blowfish encr_auth_algs sha';
const [SERVER, PEER] = ['10.0.0.80', '10.0.0.9'];
const PERMIT = `{saddr webserver} permit {${BLOWFISH}}\n`;
const KEYS = [
  [SERVER, PEER, '0x1001'],
  [PEER, SERVER, '0x2001'],
]
  .map(
    ([src, dst, spi]) =>
      `add esp spi ${spi} src ${src} dst ${dst} encr_alg blowfish encrkey ${'01'.repeat(16)} auth_alg sha1 authkey ${'23'.repeat(20)}\n`,
  )
  .join('');

function picture(name: string, own: string, policy: string): HostPicture {
  const texts = new Map([
    ['/etc/inet/ipsecinit.conf', policy],
    ['/etc/inet/secret/ipseckeys', KEYS],
  ] as const);
  return pictureOfTexts({ name, addresses: [address(own)], texts, salt: '', names: NAMES });
}

const server = picture(
  'server',
  SERVER,
  [
    '{lport 80 ulp tcp dir both} bypass {}',
    '{lport 443 ulp tcp dir both} bypass {}',
    '{rport 53 dir both} bypass {}',
    `{} permit {${BLOWFISH}}`,
    `{} apply {${BLOWFISH} sa shared}`,
    '',
  ].join('\n'),
);

function table(peer: HostPicture): { readonly flows: Record<string, string[]>; readonly findings: string[] } {
  const report = linkReport(
    link('server', 'peer', { keying: 'manual' }),
    new Map([
      ['server', server],
      ['peer', peer],
    ]),
  );
  const flows: Record<string, string[]> = {};
  for (const flow of report?.flows ?? []) {
    if (flow.ike) continue;
    const kind = flow.fault?.verdict ?? flow.kind;
    const name = (one: { value: bigint }): string => (one.value === address(SERVER).value ? 'server' : 'peer');
    (flows[kind] ??= []).push(...flowTexts(flowRegions({ ...flow, traffics: flow.inWords }), name).map(flowText));
  }
  const place = (line: number | undefined): string => String(line ?? '-');
  return {
    flows,
    findings: (report?.findings ?? []).map(
      ({ verdict, phrases, sender, receiver }) =>
        `${verdict} ${phrases.join('; ')} lines ${place(sender.place.line)} and ${place(receiver.place.line)}`,
    ),
  };
}

describe('the web server of the reference', () => {
  test('with the corrected peer: pages and name service are lost both ways, the rest is protected', () => {
    const peer = picture('peer', PEER, `${PERMIT}{daddr webserver} apply {${BLOWFISH} sa shared}\n`);
    expect(table(peer)).toEqual({
      flows: {
        'clear-meets-protected': [
          'server → peer tcp from 80',
          'server → peer tcp from 443',
          'server → peer tcp,udp,sctp/53 but tcp/53 from 80,443',
        ],
        'protected-meets-bypass': [
          'peer → server tcp/80',
          'peer → server tcp/443',
          'peer → server tcp,udp,sctp from 53 but tcp/80,443 from 53',
        ],
        protected: [
          'server → peer anything but tcp,udp,sctp/53, tcp from 80,443',
          'peer → server anything but tcp/80,443, tcp,udp,sctp from 53',
        ],
      },
      findings: [
        'clear-meets-protected server → peer tcp from 80 lines 1 and 1',
        'clear-meets-protected server → peer tcp from 443 lines 2 and 1',
        'clear-meets-protected server → peer tcp,udp,sctp/53 but tcp/53 from 80,443 lines 3 and 1',
        'protected-meets-bypass peer → server tcp/80 lines 2 and 1',
        'protected-meets-bypass peer → server tcp/443 lines 2 and 2',
        'protected-meets-bypass peer → server tcp,udp,sctp from 53 but tcp/80,443 from 53 lines 2 and 3',
      ],
    });
  });

  test('with the mistaken peer only one way works, and the report says what neither command prints', () => {
    const peer = picture('peer', PEER, `${PERMIT}{saddr webserver} apply {${BLOWFISH} sa shared}\n`);
    expect(table(peer)).toEqual({
      flows: {
        clear: [
          'peer → server tcp/80',
          'peer → server tcp/443',
          'peer → server tcp,udp,sctp from 53 but tcp/80,443 from 53',
        ],
        'clear-meets-protected': [
          'server → peer tcp from 80',
          'server → peer tcp from 443',
          'server → peer tcp,udp,sctp/53 but tcp/53 from 80,443',
          'peer → server anything but tcp/80,443, tcp,udp,sctp from 53',
        ],
        protected: ['server → peer anything but tcp,udp,sctp/53, tcp from 80,443'],
      },
      findings: [
        'clear-meets-protected server → peer tcp from 80 lines 1 and 1',
        'clear-meets-protected server → peer tcp from 443 lines 2 and 1',
        'clear-meets-protected server → peer tcp,udp,sctp/53 but tcp/53 from 80,443 lines 3 and 1',
        'clear-meets-protected peer → server anything but tcp/80,443, tcp,udp,sctp from 53 lines - and 4',
      ],
    });
  });

  test('with bypasses at the peer for what the server takes in the clear, everything works', () => {
    const peer = picture(
      'peer',
      PEER,
      [
        '{raddr webserver rport 80 ulp tcp dir both} bypass {}',
        '{raddr webserver rport 443 ulp tcp dir both} bypass {}',
        '{raddr webserver lport 53 dir both} bypass {}',
        PERMIT + `{daddr webserver} apply {${BLOWFISH} sa shared}`,
        '',
      ].join('\n'),
    );
    expect(table(peer).findings).toEqual([]);
  });
});
