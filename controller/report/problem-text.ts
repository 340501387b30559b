/** Problems of the operator's input as a person reads them: where, what, what to do. */

import { OperatorError, InputProblems, positionText, type Problem } from '../errors.js';
import type { Paint } from './paint.js';
import { printable } from './paint.js';

export function problemsText(problems: readonly Problem[], paint: Paint): string {
  return problems.map((problem) => problemText(problem, paint)).join('');
}

/** Beyond this length a sentence has a line for each of its parts: what is wrong, and what either end has. */
const LONG_SENTENCE = 160;

function broken(sentence: string): string {
  return sentence.length > LONG_SENTENCE ? sentence.replaceAll('; ', ';\n  ') : sentence;
}

/** With the code at the end of the line, as `policy lint` has it: the guide's tables and suppressions go by it. */
function problemText({ code, severity, what, at, todo }: Problem, paint: Paint): string {
  const where = at === undefined ? '' : `${positionText(at)}: `;
  const word = severity === 'error' ? paint('red', 'error') : paint('yellow', 'warning');
  return `${printable(where)}${word}: ${broken(printable(what))} [${code}]\n  ${printable(todo)}\n`;
}

export function operatorErrorText(error: OperatorError, paint: Paint): string {
  const list = error instanceof InputProblems ? problemsText(error.problems, paint) : '';
  const where = error.where === undefined ? '' : `${printable(error.where)}: `;
  const todo = error.todo === undefined ? '' : `  ${error.todo.split('\n').map(printable).join('\n  ')}\n`;
  return `${list}${where}${paint('red', 'error')}: ${error.what.split('\n').map(printable).join('\n  ')}\n${todo}`;
}
