import { expect, test } from 'vitest';

import { usageError } from '../../controller/cli/usage-error.js';

test.each([
  ['Unknown command: bogus', 'bogus', 'there is no command "bogus"', 'ipsec-deploy --help lists the commands'],
  ['Did you mean validate?', 'valdiate x.yaml', 'there is no command "valdiate"', 'did you mean "validate"?'],
  ['Did you mean down?', 'lab dwn', 'there is no command "lab dwn"', 'did you mean "down"?'],
  ['Unknown command: b', 'plan a b', 'too many words: b', 'see ipsec-deploy plan --help'],
  ['Unknown argument: limti', 'plan --limti', 'there is no option --limti here', 'see ipsec-deploy plan --help'],
  ['Unknown arguments: log-fil, logFil, x', 'drift watch', 'there is no option --log-fil, -x here', undefined],
  ['Not enough arguments following: forks', 'plan --forks', '--forks needs a value', undefined],
  ['Missing required argument: out', 'import', '--out has to be given', 'see ipsec-deploy import --help'],
  [
    'Not enough non-option arguments: got 0, need at least 1',
    'policy fmt --check',
    'a word is missing after "policy fmt"',
    'see ipsec-deploy policy fmt --help',
  ],
  [
    'Invalid values:\n  Argument: output, Given: "xml", Choices: "text", "json"',
    'plan --output xml',
    'output cannot be "xml"',
    'choose one of text, json',
  ],
  ['--forks takes a whole number from 1 to 500', 'plan', '--forks takes a whole number from 1 to 500', undefined],
])('%j of `%s` is told as: %s', (message, line, what, todo) => {
  const error = usageError(message, line.split(' '));
  expect(error).toMatchObject({ code: 'USAGE', exit: 1, what });
  if (todo !== undefined) expect(error.todo).toBe(todo);
});
