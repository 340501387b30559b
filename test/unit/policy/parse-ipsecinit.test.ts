import { describe, expect, test } from 'vitest';
import { parsePolicy } from '../../../controller/policy/parse-ipsecinit.js';
import { NAMES } from './corpus.js';

describe('a policy file read to entries', () => {
  test('each entry knows where it begins, and comments are kept', () => {
    const text = '# web server\n{lport 80 dir both} bypass {} # pages\n\n  {\n  rport 53\n  dir both } pass {}\n';
    const { entries, comments, complaints } = parsePolicy(text);
    expect(entries.map(({ source }) => [source.line, source.column])).toEqual([
      [2, 1],
      [4, 3],
    ]);
    expect(comments).toEqual([
      { line: 1, column: 1, text: ' web server' },
      { line: 2, column: 31, text: ' pages' },
    ]);
    expect(complaints).toEqual([]);
  });

  test('a wrong entry does not hide the next one', () => {
    const { entries, complaints } = parsePolicy('{lprt 80} bypass {}\n{dir in} drop {}\n{} deny {}\n');
    expect(entries).toHaveLength(1);
    expect(complaints.map(({ severity, line, messages }) => [severity, line, messages[0]])).toEqual([
      ['error', 1, 'Invalid pattern on line 1: lprt'],
      ['error', 3, '(parsing one command) Invalid action on line 3: deny'],
    ]);
  });

  test('a warning leaves the entry in', () => {
    const { entries, complaints } = parsePolicy('{} bypass {}\n');
    expect(entries).toHaveLength(1);
    expect(complaints).toMatchObject([{ severity: 'warning', messages: ['dir string not found for bypass policy'] }]);
  });

  test('an entry that would crash the real program ends the reading', () => {
    expect(parsePolicy('{ulp icmp type} pass {}\n{dir in} drop {}\n')).toMatchObject({
      entries: [],
      cutShort: 'crash',
    });
    expect(parsePolicy('{raddr 10.0.0.1} ipsec {encr_algs ()}\n').cutShort).toBe('crash');
    expect(parsePolicy('{tunnel ip.tun0} ipsec {auth_algs sha1}\n').cutShort).toBe('exit');
  });

  test('messages speak UTF-8 although lines are read in bytes', () => {
    expect(parsePolicy('{raddr zürich} drop {}\n').complaints[0]?.messages[0]).toBe(
      'Could not resolve address zürich.',
    );
  });

  test('a host name stands for all its addresses, IPv6 first', () => {
    const [entry] = parsePolicy('{raddr multi dir in} drop {}\n', NAMES).entries;
    expect(entry?.to.addresses?.map(({ family }) => family)).toEqual([6, 4, 4]);
  });
});
