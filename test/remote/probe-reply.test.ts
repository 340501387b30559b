/** The answers to `probe` and `counters`, honest ones and those of a host that wants to hurt whoever asked. */

import { afterEach, describe, expect, test } from 'vitest';
import { parseAddress, type Address } from '../../controller/model/address.js';
import type { Probe, ProbeReport } from '../../controller/model/probe.js';
import type { HostSession } from '../../controller/ports.js';
import { createHostLink } from '../../controller/remote/agent-link.js';
import { ReplyReader } from '../../controller/remote/agent-reply.js';
import { countersText, probeText } from '../../controller/remote/agent-request.js';
import { parseCounts, parseProbeReport } from '../../controller/remote/probe-reply.js';
import { ReplyError } from '../../controller/remote/reply-error.js';
import { fakeAgent, marked } from './fake-agent.js';
import { MARK, hostAt, linkOptions, startServer } from './ssh-server.js';
import type { TestServer } from './ssh-server.js';

const address = (text: string): Address => {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
};

const WEB = address('10.0.1.11');
const DB = address('fd00:0:0::12');
const PROBES: readonly Probe[] = [
  { id: 'p1', protocol: 'tcp', source: WEB, destination: DB, port: 22 },
  { id: 'p2', protocol: 'icmp', source: WEB, destination: DB },
];

const COUNTED = 'esp 0x1001 10.0.1.12 bytes=840 src=10.0.1.11';
const ANSWERS = [
  '@ answer id=p2 answer=silent means=ping text=no answer from fd00::12',
  '@ answer id=p1 answer=open means=nc text=Connection to fd00::12 22 port [tcp/*] succeeded!',
].join('\n');

function reply(answers: string, before = COUNTED, after = COUNTED): string {
  const section = (name: string, lines: string): string => `@ begin ${name}\n${lines}\n@ end ${name} status=0\n`;
  return `@ begin probe\n${section('before', before)}${answers}\n${section('after', after)}@ end probe status=0\n`;
}

function report(text: string): ProbeReport {
  const reader = new ReplyReader(MARK);
  const item = marked(text)
    .split('\n')
    .flatMap((line) => reader.push(line) ?? [])
    .find((one) => one.kind === 'section');
  if (item === undefined) throw new Error('no section');
  return parseProbeReport(item, PROBES);
}

test('tries go out as a block, each on a line, with addresses in one spelling', () => {
  expect(probeText(PROBES, 10)).toBe(
    'probe deadline=10\n' +
      '@try id=p1 protocol=tcp source=10.0.1.11 destination=fd00::12 port=22\n' +
      '@try id=p2 protocol=icmp source=10.0.1.11 destination=fd00::12\n' +
      '#@end\n\n\n\n',
  );
  expect(countersText([])).toBe('counters\n');
  expect(countersText([WEB, DB])).toBe('counters among=10.0.1.11,fd00::12\n');
});

test('an id that would pass for a line of its own is not sent', () => {
  const [first] = PROBES;
  if (first === undefined) throw new Error('no probe');
  for (const id of ['a\n#@end', 'a b', ''])
    expect(() => probeText([{ ...first, id }], 10)).toThrow('a value of the protocol');
});

test('answers are told in the order of the tries, with the counters before and after', () => {
  expect(report(reply(ANSWERS, COUNTED, `${COUNTED.replace('840', '924')}\nah 0x2 fd00::12 bytes=0`))).toEqual({
    replies: [
      { id: 'p1', answer: 'open', means: 'nc', text: 'Connection to fd00::12 22 port [tcp/*] succeeded!' },
      { id: 'p2', answer: 'silent', means: 'ping', text: 'no answer from fd00::12' },
    ],
    before: [{ type: 'esp', spi: '0x1001', src: '10.0.1.11', dst: '10.0.1.12', bytes: 840 }],
    after: [
      { type: 'esp', spi: '0x1001', src: '10.0.1.11', dst: '10.0.1.12', bytes: 924 },
      { type: 'ah', spi: '0x2', src: undefined, dst: 'fd00::12', bytes: 0 },
    ],
  });
});

describe('it is not believed when', () => {
  const wrong: Readonly<Record<string, string>> = {
    'a try is left out': reply('@ answer id=p1 answer=open means=nc text='),
    'a try is answered twice': reply(`${ANSWERS}\n@ answer id=p1 answer=closed means=nc text=`),
    'something is answered that was not asked': reply(`${ANSWERS}\n@ answer id=p3 answer=open means=nc text=`),
    'the answer is no word of ours': reply(ANSWERS.replace('open', 'opened')),
    'the means is no name': reply(ANSWERS.replace('means=nc', 'means=../../nc')),
    'the counters are not told': reply(ANSWERS).replace(/@ begin after[^@]*@ end after status=0\n/, ''),
    'an SA is of another type': reply(ANSWERS, COUNTED.replace('esp', 'tcp')),
    'an SPI is none': reply(ANSWERS, COUNTED.replace('0x1001', '0x100100100')),
    'an address is none': reply(ANSWERS, COUNTED.replace('10.0.1.12', 'web1')),
    'a counter is negative': reply(ANSWERS, COUNTED.replace('840', '-840')),
    'a counter is past all bounds': reply(ANSWERS, COUNTED.replace('840', '99999999999999999999')),
    'a line holds more than an SA': reply(ANSWERS, `${COUNTED} key=00112233445566778899aabbccddeeff`),
  };
  test.each(Object.entries(wrong))('%s', (_, text) => {
    expect(() => report(text)).toThrow(ReplyError);
  });

  test('it tells of more SAs than a host has', () => {
    expect(() => parseCounts(Array.from({ length: 100_001 }, () => COUNTED))).toThrow('at most 100000 SAs');
  });

  test('what a tool said cannot move the cursor of whoever reads it, nor show a key', () => {
    const said = `\x1b[2J${'ab'.repeat(16)} `.repeat(3);
    const [first] = report(reply(ANSWERS.replace(/text=Conn.*/, `text=${said}`))).replies;
    expect(first?.text).not.toMatch(/\x1b|abababab/);
  });
});

describe('over a connection', () => {
  const servers: TestServer[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close();
  });
  async function session(answers: Parameters<typeof fakeAgent>[0]['answers']): Promise<HostSession> {
    const server = await startServer(fakeAgent({ answers }));
    servers.push(server);
    return createHostLink(linkOptions()).open(hostAt(server), { readOnly: true });
  }

  test('a host that cannot list its SAs, or refuses, is told so, and can be asked on', async () => {
    const statuses = [1, 0];
    const open = await session({
      '#@end': reply(ANSWERS).replace('@ end after status=0', '@ end after status=137'),
      counters: (channel) =>
        channel.write(marked(`@ begin counters\n${COUNTED}\n@ end counters status=${statuses.shift()}\n`)),
    });
    await expect(open.counters()).rejects.toThrow('ipseckey dump could not list the SAs');
    await expect(open.probe(PROBES, 10)).rejects.toThrow('ipseckey dump hangs');
    expect(await open.counters([WEB])).toHaveLength(1);
    await open.close();
  });

  test('tries are told as the host answered them', async () => {
    const open = await session({ '#@end': reply(ANSWERS) });
    expect((await open.probe(PROBES, 10)).replies.map(({ answer }) => answer)).toEqual(['open', 'silent']);
    await open.close();
  });

  test('a refusal of the block is that of the request alone', async () => {
    const open = await session({ '#@end': '@ error text=not a try: line 1 of the block\n', counters: reply('') });
    await expect(open.probe(PROBES, 10)).rejects.toMatchObject({
      failure: { kind: 'agent', reason: expect.stringContaining('not a try') },
    });
    await open.close();
  });
});
