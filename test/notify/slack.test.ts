import { afterEach, expect, test } from 'vitest';
import { deliveryId } from '../../controller/notify/digest-document.js';
import { slackPayload } from '../../controller/notify/slack-payload.js';
import type { DriftDigest, NotifierSettings } from '../../controller/model/drift.js';
import { digestText } from '../../controller/report/digest-text.js';
import { answers, closeServers, digest, failureOf, group, httpServer, never, notifier, testWorld } from './support.js';

afterEach(closeServers);

const settings: NotifierSettings = { kind: 'slack', name: 'chat', least: 'info', urlEnv: 'CHAT_URL' };
const TOKEN = 'T0PLANTED/B0PLANTED/xyzPLANTEDxyz';

const payload = (of: DriftDigest) => slackPayload({ id: deliveryId('chat', of), digest: of, text: digestText(of) });

test('the channel reads the title, each cause with the command that mends it, and how the fleet stands', async () => {
  const server = await httpServer(answers(200));
  const world = testWorld({ CHAT_URL: `${server.url}/services/${TOKEN}` });
  await notifier(settings, world).tell(digest(), never);
  expect(server.received[0]?.path).toBe(`/services/${TOKEN}`);
  const text = (words: string) => ({ type: 'plain_text', text: words, emoji: false });
  expect(JSON.parse(server.received[0]?.body ?? '')).toEqual({
    text: [
      'payments-dc1: 1 new finding on 3 hosts',
      'New:',
      'warning: web1–web3: /etc/inet/ipsecinit.conf was changed by hand (file-content-1a2b3c)',
      'mend: ipsec-deploy apply inventory.yaml --limit web1,web2,web3',
      'Hosts at 2026-11-22T10:15:00.000Z: 97 clean, 3 with drift',
    ].join('\n'),
    mrkdwn: false,
    blocks: [
      { type: 'header', text: text('payments-dc1: 1 new finding on 3 hosts') },
      { type: 'section', text: text('New:') },
      {
        type: 'section',
        text: text(
          'warning: web1–web3: /etc/inet/ipsecinit.conf was changed by hand (file-content-1a2b3c)\nmend: ipsec-deploy apply inventory.yaml --limit web1,web2,web3',
        ),
      },
      { type: 'context', elements: [text('Hosts at 2026-11-22T10:15:00.000Z: 97 clean, 3 with drift')] },
    ],
  });
});

test('nothing that a host says calls the channel, formats, or becomes a link', () => {
  const { text, blocks } = payload(
    digest({
      opened: [
        group({
          what: '<!channel> & <https://evil.example|here> @all *bold* ~gone~ `x` _it_ a_b [x](y) WWW.evil.example',
        }),
      ],
    }),
  );
  expect(text).toContain(
    '&lt;!channel&gt; &amp; &lt;https:\u200b//evil.example|here&gt; @\u200ball ∗bold∗ ∼gone∼ ˋxˋ ˍitˍ a_b [x]\u200b(y) WWW\u200b.evil.example',
  );
  expect(JSON.stringify(blocks)).not.toMatch(/[<>]|mrkdwn|:\/\/|www\./i);
});

test('a digest of any size stays within what Slack takes', () => {
  const what = `<&>`.repeat(3000);
  const many = Array.from({ length: 300 }, (_none, i) => group({ what: `${i}${what}`, kind: 'rule-foreign' }));
  const quarantined = Array.from({ length: 99 }, (_none, i) => ({ host: `h${i}`, since: '', reason: what }));
  const { text, blocks } = payload(digest({ fleet: 'f'.repeat(400), opened: many, cleared: many, quarantined }));
  expect(text.length).toBeLessThanOrEqual(3500);
  expect(blocks.length).toBeLessThanOrEqual(50);
  for (const block of blocks) {
    const length =
      block.type === 'context'
        ? (block.elements[0]?.text.length ?? 0)
        : (block as { text: { text: string } }).text.text.length;
    expect(length).toBeLessThanOrEqual(block.type === 'header' ? 150 : 3000);
  }
  // No entity is cut in half.
  expect(JSON.stringify(blocks).replaceAll(/&(amp|lt|gt);/g, '')).not.toContain('&');
});

test('the address of the channel is a secret: it stands in no error and no log, whatever the server echoes', async () => {
  const server = await httpServer(
    (response, request) => void response.writeHead(404).end(`no_team at ${request.url ?? ''} of xyzPLANTEDxyz`),
  );
  const world = testWorld({ CHAT_URL: `${server.url}/services/${TOKEN}?also=PLANTEDtoo` });
  const error = await failureOf(notifier(settings, world).tell(digest(), never));
  expect(error.what).toBe('the Slack receiver answered 404: no_team at [secret] of [secret]');
  expect(JSON.stringify([error, error.what, error.stack, world.logged])).not.toMatch(/PLANTED|127\.0\.0\.1/);
});

test('an address that may not be used is refused without being shown', () => {
  for (const [url, why] of [
    ['planted nonsense', 'is no URL'],
    ['http://hooks.example.net/planted', 'is plain http to another machine'],
  ] as const) {
    expect(() => notifier(settings, testWorld({ CHAT_URL: url }))).toThrow('1 problem in the input');
    try {
      notifier(settings, testWorld({ CHAT_URL: url }));
    } catch (error) {
      expect(JSON.stringify(error)).toContain(`the URL in CHAT_URL ${why}`);
      expect(JSON.stringify(error)).not.toContain('planted');
    }
  }
});
