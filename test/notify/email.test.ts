import { afterEach, expect, test } from 'vitest';
import type { DriftDigest, NotifierSettings } from '../../controller/model/drift.js';
import { closeServers, digest, failureOf, group, never, notifier, testWorld, TLS } from './support.js';
import { smtpServer } from './smtp-server.js';

afterEach(closeServers);

type EmailSettings = Extract<NotifierSettings, { kind: 'email' }>;

const env = { MAIL_USER: 'drift-mailer', MAIL_PASSWORD: 'planted-pass-word' };

function settings(port: number, change: Partial<EmailSettings> = {}): EmailSettings {
  return {
    kind: 'email',
    name: 'duty',
    least: 'info',
    host: 'localhost',
    port,
    tls: 'required',
    userEnv: undefined,
    passwordEnv: undefined,
    from: 'IPsec drift <drift@example.net>',
    to: ['ops@example.net', 'duty@example.net'],
    ...change,
  };
}

const LOGIN = { userEnv: 'MAIL_USER', passwordEnv: 'MAIL_PASSWORD' };
const vouched = (limits = {}) => testWorld(env, { trusted: TLS.cert, limits });

/** Headers of the mail, folded lines joined. */
function headersOf(lines: readonly string[]): ReadonlyMap<string, string> {
  const begin = lines.indexOf('DATA') + 1;
  const text = lines
    .slice(begin, lines.indexOf('', begin))
    .join('\n')
    .replace(/\n[ \t]+/g, ' ');
  return new Map(text.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]));
}

test('the people named get one mail, over TLS, with the digest as text and as HTML', async () => {
  const server = await smtpServer({ tls: 'offered', login: true });
  await notifier(settings(server.port, LOGIN), vouched()).tell(digest(), never);
  const plain = Buffer.from(`\0${env.MAIL_USER}\0${env.MAIL_PASSWORD}`).toString('base64');
  expect(server.lines.slice(0, 8)).toEqual([
    'EHLO controller.example.net',
    'STARTTLS',
    'EHLO controller.example.net',
    `AUTH PLAIN ${plain}`,
    'MAIL FROM:<drift@example.net>',
    'RCPT TO:<ops@example.net>',
    'RCPT TO:<duty@example.net>',
    'DATA',
  ]);
  const headers = headersOf(server.lines);
  expect(headers.get('From')).toBe('IPsec drift <drift@example.net>');
  expect(headers.get('To')).toBe('ops@example.net, duty@example.net');
  expect(headers.get('Subject')).toBe('[ipsec-deploy] payments-dc1: 1 new finding on 3 hosts');
  expect(headers.get('Auto-Submitted')).toBe('auto-generated');
  expect(headers.get('Message-ID')).toMatch(/^<digest-[0-9a-f-]{36}@example\.net>$/);
  const mail = server.lines.join('\n').replaceAll('=\n', '');
  expect(mail).toContain('text/plain');
  expect(mail).toContain('/etc/inet/ipsecinit.conf was changed by hand (file-content-1a2b3c)');
  expect(mail).toMatch(/<code>ipsec-deploy apply inventory\.yaml --limit web1,web2,web3<\/code>/);
});

test('the mail that clears a finding hangs in the thread of the mail that told of it', async () => {
  const server = await smtpServer({ tls: 'none' });
  const mailer = notifier(settings(server.port, { tls: 'none' }), vouched());
  await mailer.tell(digest(), never);
  const opened = headersOf(server.lines);
  server.lines.length = 0;
  await mailer.tell(digest({ pass: 'p-18', opened: [], cleared: [group()] }), never);
  const cleared = headersOf(server.lines);
  expect(cleared.get('References')).toMatch(/^<incident-[0-9a-f]{24}@example\.net>$/);
  expect(cleared.get('References')).toBe(opened.get('References'));
  expect(cleared.get('In-Reply-To')).toBe(cleared.get('References'));
  expect(cleared.get('Message-ID')).not.toBe(opened.get('Message-ID'));
});

test('no word of a host starts a header, an element or the end of the mail', async () => {
  const server = await smtpServer({ tls: 'none' });
  const evil = 'x\r\nBcc: thief@example.org\r\n\r\n.\r\nMAIL FROM:<a@b>\r\n<script>alert(1)</script>';
  const told: DriftDigest = digest({
    fleet: `dc1${evil}`,
    opened: [group({ what: evil, hosts: [`web1${evil}`], ids: [`a-1${evil}`] })],
  });
  await notifier(settings(server.port, { tls: 'none' }), vouched()).tell(told, never);
  const headers = headersOf(server.lines);
  expect(headers.has('Bcc')).toBe(false);
  expect(server.lines.filter((line) => line === '.')).toHaveLength(1);
  expect(server.lines.filter((line) => line.startsWith('MAIL FROM'))).toHaveLength(1);
  expect(server.lines.filter((line) => line.startsWith('RCPT'))).toHaveLength(2);
  const body = server.lines.join('\n').replaceAll('=\n', '');
  const html = decoded(body);
  expect(html).toContain('&#60;script&#62;');
  expect(html.slice(html.indexOf('<html>'))).not.toContain('<script');
});

test('a server without TLS gets neither password nor mail, and is not asked again', async () => {
  const server = await smtpServer({ tls: 'none', login: true });
  const world = vouched();
  const error = await failureOf(notifier(settings(server.port, LOGIN), world).tell(digest(), never));
  expect(error.what).toBe(`the mail server localhost:${server.port} does not offer TLS, or its TLS fails`);
  expect(error.todo).toContain('tls: implicit');
  expect(server.lines).toEqual(['EHLO controller.example.net', 'STARTTLS']);
  expect(server.connections()).toBe(1);
});

test.each(['offered', 'implicit'] as const)(
  'a certificate that nobody vouches for gets no mail (TLS %s)',
  async (tls) => {
    const server = await smtpServer({ tls, login: true });
    const world = testWorld(env);
    const error = await failureOf(
      notifier(settings(server.port, { ...LOGIN, tls: tls === 'offered' ? 'required' : 'implicit' }), world).tell(
        digest(),
        never,
      ),
    );
    expect(error.what).toContain('the certificate of the receiver is not accepted (DEPTH_ZERO_SELF_SIGNED_CERT)');
    expect(server.connections()).toBe(1);
    expect(server.lines.join('\n')).not.toMatch(/AUTH|MAIL/);
  },
);

test('a server that speaks TLS from the start is served as well', async () => {
  const server = await smtpServer({ tls: 'implicit' });
  await notifier(settings(server.port, { tls: 'implicit' }), vouched()).tell(digest(), never);
  expect(server.lines.filter((line) => line.startsWith('RCPT'))).toHaveLength(2);
});

test('a login that is refused is not tried again, and what the server says to it is not shown', async () => {
  const quoted = `535 5.7.8 no: ${env.MAIL_PASSWORD} ${Buffer.from(env.MAIL_PASSWORD).toString('base64')}`;
  const server = await smtpServer({ tls: 'offered', login: true, replies: { AUTH: quoted } });
  const world = vouched();
  const error = await failureOf(notifier(settings(server.port, LOGIN), world).tell(digest(), never));
  expect(error.what).toBe(`the mail server localhost:${server.port} refused the login (535)`);
  expect(JSON.stringify([error, error.what, error.stack, world.logged])).not.toMatch(/planted|cGxhbnRlZ/);
  expect(server.connections()).toBe(1);
});

test('a server that offers no login is not given the mail without one', async () => {
  const server = await smtpServer({ tls: 'offered', replies: { AUTH: '503 5.5.1 not known' } });
  const error = await failureOf(notifier(settings(server.port, LOGIN), vouched()).tell(digest(), never));
  expect(error.what).toContain('refused the login (503)');
  expect(server.lines.join('\n')).not.toContain('MAIL FROM');
});

test('a server that is busy is tried again, one that refuses is not, and neither can show the password', async () => {
  const busy = await smtpServer({ tls: 'none', replies: { MAIL: '451 4.3.0 come back later' } });
  const world = vouched();
  const later = await failureOf(notifier(settings(busy.port, { tls: 'none' }), world).tell(digest(), never));
  expect(later.what).toBe(
    `the mail server localhost:${busy.port} answered MAIL FROM with 451 4.3.0 come back later (5 tries in 11.3 s)`,
  );
  expect(busy.connections()).toBe(5);
  const refusing = await smtpServer({
    tls: 'none',
    login: true,
    replies: { MAIL: `550 5.7.1 not for ${env.MAIL_PASSWORD}` },
  });
  const refused = await failureOf(
    notifier(settings(refusing.port, { ...LOGIN, tls: 'none' }), vouched()).tell(digest(), never),
  );
  expect(refused.what).toBe(
    `the mail server localhost:${refusing.port} answered MAIL FROM with 550 5.7.1 not for [secret]`,
  );
  expect(refusing.connections()).toBe(1);
});

test('one address that is not known does not keep the others from being told, twice neither', async () => {
  const server = await smtpServer({ tls: 'none', replies: { gone: '550 5.1.1 no such user' } });
  const world = vouched();
  const to = ['gone@example.net', 'ops@example.net'];
  await notifier(settings(server.port, { tls: 'none', to }), world).tell(digest(), never);
  expect(server.connections()).toBe(1);
  expect(world.logged.join('\n')).toContain(
    '"name":"notify.recipients-refused","notifier":"duty","recipients":["gone@example.net"]',
  );
});

test('a person who tests is told which address is not known', async () => {
  const server = await smtpServer({ tls: 'none', replies: { gone: '550 5.1.1 no such\u001b[31m user' } });
  const to = ['gone@example.net', 'ops@example.net'];
  const test = notifier(settings(server.port, { tls: 'none', to }), vouched());
  const error = await failureOf(test.tell(digest({ opened: [], test: true }), never));
  expect(error.what).toBe(
    `the mail server localhost:${server.port} took no mail for gone@example.net: 550 5.1.1 no such\\x1b[31m user`,
  );
  expect(error.todo).toContain('correct `to`');
});

test('an address that is put off is asked for again, alone; in the end nobody is told twice for it', async () => {
  let asked = 0;
  const replies = {
    get gone(): string {
      asked += 1;
      return asked === 2 ? '250 2.1.5 ok' : '450 4.2.0 greylisted';
    },
  };
  const server = await smtpServer({ tls: 'none', replies });
  const world = vouched();
  const to = ['gone@example.net', 'ops@example.net'];
  const duty = notifier(settings(server.port, { tls: 'none', to }), world);
  const asks = (local: string) => server.lines.filter((line) => line.startsWith(`RCPT TO:<${local}@`)).length;
  await duty.tell(digest(), never);
  expect([asks('ops'), asks('gone')]).toEqual([1, 2]);
  expect(server.lines.filter((line) => line === 'To: gone@example.net, ops@example.net')).toHaveLength(2);
  await duty.tell(digest({ pass: 'p-18' }), never);
  expect([asks('ops'), asks('gone')]).toEqual([2, 7]);
  expect(world.logged.join('\n')).toContain('450 4.2.0 greylisted (5 tries');
});

test('a mail that no address takes is told as failed', async () => {
  const server = await smtpServer({ tls: 'none', replies: { RCPT: '550 5.1.1 no such user' } });
  const error = await failureOf(notifier(settings(server.port, { tls: 'none' }), vouched()).tell(digest(), never));
  expect(error.what).toContain('550 5.1.1 no such user');
});

test.each(['greeting', 'EHLO', 'MAIL', 'end'])('a server that falls silent at %s is left in time', async (step) => {
  const server = await smtpServer({ tls: 'none', replies: { [step]: '' } });
  const world = vouched({ tries: 1 });
  const telling = failureOf(notifier(settings(server.port, { tls: 'none' }), world).tell(digest(), never));
  const last = { greeting: undefined, EHLO: 'EHLO', MAIL: 'MAIL', end: '.' }[step];
  await until(
    () => server.connections() === 1 && (last === undefined || server.lines.some((line) => line.startsWith(last))),
  );
  world.clock.expire(20);
  expect((await telling).what).toBe('no end within 20 s (one try)');
});

test.each(['greeting', 'EHLO', 'DATA'])('a server that hangs up at %s is tried again', async (step) => {
  const server = await smtpServer({ tls: 'none', replies: { [step]: 'hang up' } });
  const error = await failureOf(
    notifier(settings(server.port, { tls: 'none' }), vouched({ tries: 2 })).tell(digest(), never),
  );
  expect(server.connections()).toBe(2);
  expect(error.what).toContain('the connection was closed before an answer came');
});

test('settings that would send a password in the clear, or to nobody, are refused at the start', () => {
  const refuse = (change: Partial<EmailSettings>) => {
    try {
      notifier(settings(25, change), testWorld(env));
    } catch (error) {
      return JSON.stringify(error);
    }
    return '';
  };
  expect(refuse({ ...LOGIN, tls: 'none', host: 'mail.example.net' })).toContain('sent in the clear');
  expect(refuse({ userEnv: 'MAIL_USER' })).toContain('only one of');
  expect(refuse({ to: [] })).toContain('names nobody');
  for (const to of ['a@b\r\nBcc: c@d', 'a@b, c@d', 'nobody', '<a@b', `${'a'.repeat(400)}@b`, 'a@b <c@d> e@f']) {
    expect(refuse({ to: [to] })).toContain('is no e-mail address');
  }
  expect(refuse({ from: 'Name <x@y>' })).toBe('');
});

/** Every base64 part of a mail as text, and the rest as it is. */
function decoded(mail: string): string {
  const parts = [...mail.matchAll(/base64\n\n([A-Za-z0-9+/=\n]+)/g)].map(([, text = '']) =>
    Buffer.from(text, 'base64').toString('utf8'),
  );
  return `${mail}\n${parts.join('\n')}`.replaceAll('=3D', '=');
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}
