import { describe, expect, test } from 'vitest';
import { chooseFindings, type Candidate } from '../../../controller/drift/choose-finding.js';
import { OperatorError } from '../../../controller/errors.js';

const candidates: readonly Candidate[] = [
  { id: 'file-mode-1f3a9c', kind: 'file-mode', what: '/etc/inet/ipsecinit.conf has mode 0644' },
  { id: 'file-mode-1fb200', kind: 'file-mode', what: '/etc/inet/secret/ipseckeys has mode 0644' },
  { id: 'rule-foreign-00aa11', kind: 'rule-foreign', what: 'a rule of\nnobody' },
];
const none = { what: 'nothing is found', todo: 'look first' };
const choose = (word: string, all = candidates): readonly string[] => chooseFindings(word, 'web1', all, none);

function refusal(work: () => unknown): OperatorError {
  try {
    work();
  } catch (error) {
    if (error instanceof OperatorError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('a word for a finding', () => {
  test.each([
    ['rule-foreign-00aa11', ['rule-foreign-00aa11']],
    ['rule', ['rule-foreign-00aa11']],
    ['file-mode-1f3', ['file-mode-1f3a9c']],
    ['file-mode', ['file-mode-1f3a9c', 'file-mode-1fb200']],
  ])('%s', (word, ids) => {
    expect(choose(word)).toEqual(ids);
  });

  test('that fits several is not guessed at', () => {
    const { code, todo } = refusal(() => choose('file-mode-1f'));
    expect([code, todo]).toEqual([
      'FINDING_AMBIGUOUS',
      'say which:\nfile-mode-1f3a9c  /etc/inet/ipsecinit.conf has mode 0644\n' +
        'file-mode-1fb200  /etc/inet/secret/ipseckeys has mode 0644',
    ]);
  });

  test.each(['file-mode-ffffff', '', 'policy', '1f3a9c'])(
    'that fits none (%j) gets a list, a line a finding',
    (word) => {
      const { code, where, todo } = refusal(() => choose(word));
      expect([code, where]).toEqual(['FINDING_UNKNOWN', 'web1']);
      expect(todo?.split('\n').slice(1)).toEqual([
        'file-mode-1f3a9c  /etc/inet/ipsecinit.conf has mode 0644',
        'file-mode-1fb200  /etc/inet/secret/ipseckeys has mode 0644',
        'rule-foreign-00aa11  a rule of nobody',
      ]);
    },
  );

  test('on a host without findings says so', () => {
    expect(refusal(() => choose('file-mode', []))).toMatchObject({ code: 'FINDING_UNKNOWN', ...none });
  });

  test('a host with thousands of findings does not fill the screen', () => {
    const many = Array.from({ length: 3000 }, (_none, i) => ({
      id: `sa-foreign-${i}`,
      kind: 'sa-foreign',
      what: 'an SA',
    }));
    expect(refusal(() => choose('nonsense', many)).todo?.split('\n')).toHaveLength(22);
  });
});
