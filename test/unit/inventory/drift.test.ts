import { expect, test } from 'vitest';
import { CRON_EXAMPLE, cronFault } from '../../../controller/inventory/cron-words.js';
import { defaultDrift } from '../../../controller/inventory/drift-settings.js';
import { parseText } from './inventory-text.js';

const HOSTS = `
defaults: { ssh: { user: u } }
hosts: { web1: { address: 10.0.1.1, groups: [web] }, db1: { address: 10.0.1.2 } }
groups: { web: {} }
links: [{ mesh: '*' }]
`;

function driftOf(section: string) {
  return parseText(`${HOSTS}${section}`).inventory.settings.drift;
}

test.each(['', 'drift:\n', 'drift: {}\n'])(
  'an inventory that says nothing of drift has the defaults: %j',
  (section) => {
    expect(driftOf(section)).toEqual(defaultDrift('conf/inventory.yaml'));
    expect(defaultDrift('fleet/inventory.yaml').stateFile).toBe('fleet/.ipsec-deploy/drift.db');
  },
);

test('all that an inventory says of drift is taken, and notifiers have the ports of their kind', () => {
  const drift = driftOf(`
drift:
  schedule: '0 6,18 * * MON-FRI'
  timeZone: America/New_York
  spreadSeconds: 0
  stateFile: /var/lib/drift.db
  listen: '[::1]:9464'
  keyAgeDays: 0
  clockSeconds: 5
  confirmLooks: 3
  dampingSeconds: 0
  notify:
    - { name: hook, kind: webhook, url: 'http://127.0.0.1:8080/x' }
    - { name: chat, kind: slack, urlEnv: CHAT, least: critical }
    - { name: m1, kind: email, host: mail, tls: implicit, from: A B <a@b.example>, to: [c@d.example] }
    - { name: m2, kind: email, host: 'fd00::9', from: a@b.example, to: [c@d.example], userEnv: U, passwordEnv: P }
    - { name: m3, kind: email, host: 10.0.0.9, tls: none, port: 2525, from: a@b.example, to: [c@d.example] }
    - { name: log, kind: syslog, address: logs.example.net }
    - { name: run, kind: exec, command: [/usr/bin/page, --team] }
  remediate: { kinds: [file-mode], groups: [web, '!web1'], hostsPerHour: 2 }
`);
  expect(drift).toEqual({
    schedule: '0 6,18 * * MON-FRI',
    timeZone: 'America/New_York',
    spreadSeconds: 0,
    stateFile: '/var/lib/drift.db',
    listen: { address: '::1', port: 9464 },
    keyAgeDays: 0,
    clockSeconds: 5,
    confirmLooks: 3,
    dampingSeconds: 0,
    notify: [
      { name: 'hook', least: 'info', kind: 'webhook', url: 'http://127.0.0.1:8080/x', secretEnv: undefined },
      { name: 'chat', least: 'critical', kind: 'slack', urlEnv: 'CHAT' },
      mail({ name: 'm1', host: 'mail', port: 465, tls: 'implicit', from: 'A B <a@b.example>' }),
      mail({ name: 'm2', host: 'fd00::9', port: 587, tls: 'required', userEnv: 'U', passwordEnv: 'P' }),
      mail({ name: 'm3', host: '10.0.0.9', port: 2525, tls: 'none' }),
      {
        name: 'log',
        least: 'info',
        kind: 'syslog',
        address: 'logs.example.net',
        port: 514,
        protocol: 'udp',
        facility: 'daemon',
      },
      { name: 'run', least: 'info', kind: 'exec', command: ['/usr/bin/page', '--team'] },
    ],
    remediate: { kinds: ['file-mode'], groups: ['web', '!web1'], hostsPerHour: 2 },
  });
});

function mail(told: object): object {
  const none = { userEnv: undefined, passwordEnv: undefined };
  return { least: 'info', kind: 'email', from: 'a@b.example', to: ['c@d.example'], ...none, ...told };
}

test('a port alone is listened on for this machine alone', () => {
  expect(driftOf('drift: { listen: 9464 }').listen).toEqual({ address: '127.0.0.1', port: 9464 });
});

test.each([
  ...[
    '* * * * *',
    '*/15 * * * *',
    ' 0  6 1 1 0 ',
    '0-30/5 8-18 * jan-mar,OCT mon-fri',
    '30 4 L * 7',
    '@daily',
    '@HOURLY',
  ],
  ...['*/2 * * * * *', '0 0 * * TUE#2', '0 0 15W * *'],
])('cron reads %j', (words) => {
  expect(cronFault(words)).toBeUndefined();
});

test.each([
  ['', 'it has 0 fields, not five'],
  ['* * * *', 'it has 4 fields, not five'],
  ['* * * * * * *', 'it has 7 fields, not five'],
  ['60 * * * *', '"60" is no minute (0 to 59)'],
  ['* 24 * * *', '"24" is no hour (0 to 23)'],
  ['* * 0 * *', '"0" is no day of the month (1 to 31)'],
  ['* * * 13 *', '"13" is no month (1 to 12, or JAN to DEC)'],
  ['* * * * 8', '"8" is no day of the week (0 to 7, or SUN to SAT)'],
  ['60 * * * * *', '"60" is no second (0 to 59)'],
  ['1,,2 * * * *', '"" is no minute (0 to 59)'],
  ['5/15 * * * *', '"5/15" is no minute (0 to 59)'],
  ['*/61 * * * *', '"*/61" is no minute (0 to 59)'],
  ['* * * * */8', '"*/8" is no day of the week (0 to 7, or SUN to SAT)'],
  ['*/15/2 * * * *', '"*/15/2" is no minute (0 to 59)'],
  ['9-5 * * * *', '"9-5" is no minute (0 to 59)'],
  ['1-2-3 * * * *', '"1-2-3" is no minute (0 to 59)'],
  ['-5 * * * *', '"-5" is no minute (0 to 59)'],
  ['1e1 * * * *', '"1E1" is no minute (0 to 59)'],
  ['* * * FOO *', '"FOO" is no month (1 to 12, or JAN to DEC)'],
  ['@sometimes', 'it is none of @hourly, @daily, @weekly, @monthly, @yearly'],
  ['@daily *', 'it is none of @hourly, @daily, @weekly, @monthly, @yearly'],
])('cron does not read %j, and the field is named', (words, fault) => {
  expect(cronFault(words)).toBe(fault);
  expect(CRON_EXAMPLE).toContain('five fields');
});
